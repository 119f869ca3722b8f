package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

// companiesFolder has the built-in flow once for each name, of the company it stands for.
func companiesFolder(t *testing.T, companies map[string]string) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join("..", "flows"))))
	original := filepath.Join(folder, builtInFlow+".yaml")
	content, err := os.ReadFile(original)
	require.NoError(t, err)
	require.NoError(t, os.Remove(original))
	for name, company := range companies {
		head := "\nname: " + name + " "
		if company != "" {
			head = "\ncompany: " + company + head
		}
		changed := strings.Replace(string(content), "\nname: "+builtInFlow+" ", head, 1)
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+".yaml"), []byte(changed), 0o600))
	}
	return folder
}

func TestChooseCompany(t *testing.T) {
	one := companiesFolder(t, map[string]string{"a": "north"})
	two := companiesFolder(t, map[string]string{"a": "north", "b": "south"})
	mixed := companiesFolder(t, map[string]string{"a": "", "b": "south"})
	none := companiesFolder(t, map[string]string{"a": ""})
	broken := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(broken, "a.yaml"), []byte("name: ["), 0o600))
	missing := filepath.Join(t.TempDir(), "none")
	const ofNorth = "KINGDEE_NORTH_ACCT_ID"
	const several, unreadable = "there are several companies (", "the flows that name the companies can't be read"
	for _, c := range []struct {
		name, folder string
		set          []string // a variable that is set
		flags, args  []string
		company      string
		all          bool
		refused      string // by a command that needs a task queue
		wrong        string // at once
	}{
		{name: "by the flag", folder: two, flags: []string{"--company", "south"}, company: "south"},
		{name: "by the setting", folder: two, set: []string{"REFUNDSYNC_COMPANY"}, company: "north"},
		{name: "the flag before the setting", folder: two, set: []string{"REFUNDSYNC_COMPANY"}, flags: []string{"--company", "south"}, company: "south"},
		{name: "the flag before the flow", folder: two, flags: []string{"--company", "south", "--flow", "a"}, company: "south"},
		{name: "by the flow's flag", folder: two, flags: []string{"--flow", "b"}, company: "south", all: true},
		{name: "by an argument", folder: two, args: []string{"x", "b"}, company: "south", all: true},
		{name: "by a part of a workflow id", folder: two, args: []string{"order/b/123"}, company: "south", all: true},
		{name: "by the flow of none", folder: mixed, flags: []string{"--flow", "a"}, all: true},
		{name: "the only one", folder: one, company: "north", all: true},
		{name: "there are none", folder: none, all: true},
		{name: "several", folder: two, all: true, refused: several + "north, south)"},
		{name: "several, one without a name", folder: mixed, all: true, refused: several + "south)"},
		{name: "an unknown flow of several", folder: two, flags: []string{"--flow", "c"}, all: true, refused: several},
		{name: "an unknown one", folder: two, flags: []string{"--company", "east"}, wrong: `no flow names the company "east"; the companies are: north, south`},
		{name: "a broken folder", folder: broken, all: true},
		{name: "a broken folder, with settings of a company", folder: broken, set: []string{ofNorth}, all: true, refused: unreadable},
		{name: "a missing folder, with settings of a company", folder: missing, set: []string{ofNorth}, flags: []string{"--flow", "a"}, all: true, refused: unreadable},
		{name: "a broken folder and the flag", folder: broken, set: []string{ofNorth}, flags: []string{"--company", "north"}, company: "north"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("REFUNDSYNC_FLOWS", c.folder)
			t.Setenv("REFUNDSYNC_COMPANY", "")
			for _, name := range c.set {
				t.Setenv(name, "north")
			}
			var chosen scope
			var refused, changing error
			root := &cobra.Command{Use: "starter", PersistentPreRunE: chooseCompany, SilenceErrors: true, SilenceUsage: true}
			root.PersistentFlags().String(companyFlag, "", "")
			child := &cobra.Command{Use: "child", RunE: func(cmd *cobra.Command, _ []string) error {
				chosen, refused, changing = scopeOf(cmd.Context()), oneCompany(cmd), scopeOf(cmd.Context()).known()
				return nil
			}}
			child.Flags().String("flow", "", "")
			root.AddCommand(child)
			root.SetArgs(append(append([]string{"child"}, c.flags...), c.args...))
			err := root.ExecuteContext(t.Context())
			if c.wrong != "" {
				require.ErrorContains(t, err, c.wrong)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.company, chosen.environment.Company())
			require.Equal(t, c.all, chosen.all)
			if c.refused == "" {
				require.NoError(t, refused)
			} else {
				require.ErrorContains(t, refused, c.refused)
			}
			if c.refused == unreadable {
				require.ErrorContains(t, changing, unreadable)
			} else {
				require.NoError(t, changing)
			}
		})
	}
}
