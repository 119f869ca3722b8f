package syncworker

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/config"
)

// settings are complete settings of a company, with a data centre.
func settings(prefix, acctID string) config.Environment {
	return config.Environment{
		"JUSHUITAN_" + prefix + "URL": "http://127.0.0.1:1/router/qm", "JUSHUITAN_" + prefix + "APP_KEY": "1",
		"JUSHUITAN_" + prefix + "APP_SECRET": "s", "JUSHUITAN_" + prefix + "CUSTOMER_ID": "c",
		"KINGDEE_" + prefix + "URL": "http://127.0.0.1:1/k3cloud/", "KINGDEE_" + prefix + "AUTH": "password",
		"KINGDEE_" + prefix + "ACCT_ID": acctID, "KINGDEE_" + prefix + "USERNAME": "u", "KINGDEE_" + prefix + "PASSWORD": "p",
	}
}

// oneFlow is a flow file's company, and what is replaced in its text.
type oneFlow struct {
	company  string
	replaced []string
}

// flowsFolder makes a folder of copies of the built-in flow, by their names.
func flowsFolder(t *testing.T, copies map[string]oneFlow) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS("../../flows")))
	original := filepath.Join(folder, "refund_to_return.yaml")
	text, err := os.ReadFile(original)
	require.NoError(t, err)
	require.NoError(t, os.Remove(original))
	for name, of := range copies {
		head := "\nname: " + name + " "
		if of.company != "" {
			head = "\ncompany: " + of.company + head
		}
		changed := strings.NewReplacer(append(of.replaced, "\nname: refund_to_return ", head)...).Replace(string(text))
		require.NoError(t, os.WriteFile(filepath.Join(folder, name+".yaml"), []byte(changed), 0o600))
	}
	return folder
}

func TestLoadCompanies(t *testing.T) {
	north, south := oneFlow{company: "north"}, oneFlow{company: "south"}
	prefixed := oneFlow{"south", []string{"FBillNo: { field: as_id }", "FBillNo: { expression: '\"S\" + as_id' }"}}
	both := map[string]oneFlow{"a": north, "b": south}
	for _, c := range []struct {
		name   string
		flows  map[string]oneFlow
		set    []config.Environment
		queues []string // by company, sorted
		wrong  string
	}{
		{"none has a name", map[string]oneFlow{"a": {}}, []config.Environment{settings("", "1")}, []string{"refundsync"}, ""},
		{"two companies", both, []config.Environment{settings("NORTH_", "1"), settings("SOUTH_", "2")}, []string{"refundsync-north", "refundsync-south"}, ""},
		{"one has no name", map[string]oneFlow{"a": {}, "b": south}, []config.Environment{settings("", "1"), settings("SOUTH_", "2")}, []string{"refundsync", "refundsync-south"}, ""},
		{"one of them alone", both, []config.Environment{settings("SOUTH_", "2"), {"REFUNDSYNC_COMPANY": "south"}}, []string{"refundsync-south"}, ""},
		{"one that no flow names", both, []config.Environment{settings("EAST_", "2"), {"REFUNDSYNC_COMPANY": "east"}}, nil, "no flow in"},
		{"without its settings", both, []config.Environment{settings("NORTH_", "1"), settings("", "2")}, nil, "KINGDEE_SOUTH_URL: it is not set"},
		{"in one data centre", both, []config.Environment{settings("NORTH_", "1"), settings("SOUTH_", "1")}, nil, "the flows a and b of two companies number their bills in the same way"},
		{"in one data centre, with other numbers", map[string]oneFlow{"a": north, "b": prefixed}, []config.Environment{settings("NORTH_", "1"), settings("SOUTH_", "1")}, []string{"refundsync-north", "refundsync-south"}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			environment := config.Environment{"REFUNDSYNC_FLOWS": flowsFolder(t, c.flows)}
			for _, set := range c.set {
				maps.Copy(environment, set)
			}
			companies, err := Load(environment)
			if c.wrong != "" {
				require.ErrorContains(t, err, c.wrong)
				return
			}
			require.NoError(t, err)
			var queues []string
			for _, company := range companies {
				queues = append(queues, company.Settings.Worker.TaskQueue)
				require.Len(t, company.Flows, 1)
			}
			require.Equal(t, c.queues, queues)
		})
	}
}

// What companies have in common is reported once.
func TestMistakesOfCompanies(t *testing.T) {
	environment := config.Environment{"REFUNDSYNC_FLOWS": flowsFolder(t, map[string]oneFlow{"a": {company: "north"}, "b": {company: "south"}}), "LOG_LEVEL": "loud"}
	companies, err := Load(environment)
	require.Len(t, companies, 2)
	require.Equal(t, 1, strings.Count(err.Error(), "LOG_LEVEL: "), err.Error())
	for _, name := range []string{"KINGDEE_NORTH_URL", "KINGDEE_SOUTH_URL"} {
		require.Contains(t, err.Error(), name)
	}
	require.NotContains(t, err.Error(), "KINGDEE_URL")
}
