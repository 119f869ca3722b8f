package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/syncworker"
	"refundsync/internal/text"
)

func TestFlowListSaysWhatTheWorkersHave(t *testing.T) {
	flows := flow.Flows{"a": {Name: "a", Version: "1", Enabled: true}}
	for _, c := range []struct {
		name      string
		atWorkers *workerFlows
		versions  []string
		shown     string
	}{
		{"no server", nil, nil, "?"},
		{"no worker", &workerFlows{all: true}, []string{}, "no worker"},
		{"the same version", &workerFlows{[]syncworker.FlowVersions{{"a": "1"}}, true}, []string{"1"}, "✓"},
		{"another version", &workerFlows{[]syncworker.FlowVersions{{"a": "1"}, {"a": "2"}}, true}, []string{"1", "2"}, "✗ version 1, 2"},
		{"none has it", &workerFlows{[]syncworker.FlowVersions{{"b": "1"}}, true}, []string{}, "✗ no worker has it"},
		{"one does not tell", &workerFlows{[]syncworker.FlowVersions{{"b": "1"}}, false}, []string{}, "?"},
	} {
		t.Run(c.name, func(t *testing.T) {
			listed := listFlows(flows, c.atWorkers, nil)
			require.Len(t, listed, 1)
			require.Equal(t, c.versions, listed[0].WorkerVersions)
			require.Equal(t, c.shown, listed[0].workers)
			var out bytes.Buffer
			printFlows(&out, listed)
			require.Contains(t, out.String(), c.shown)
			require.Contains(t, out.String(), "by hand")
			require.NotContains(t, out.String(), "company")
		})
	}
	var out bytes.Buffer
	printFlows(&out, listFlows(flow.Flows{"a": {Name: "a"}, "b": {Name: "b", Company: "north"}}, nil, nil))
	require.Contains(t, out.String(), "company")
	require.Contains(t, out.String(), "north")
	disabled := listFlows(flows, nil, []contract.Hold{{Flow: "a"}, {Flow: "a", Disabled: true}})
	require.False(t, disabled[0].Enabled)
	require.True(t, listFlows(flows, nil, []contract.Hold{{Flow: "a"}})[0].Enabled, "a hold does not disable it")
}

func TestPrintTested(t *testing.T) {
	var out bytes.Buffer
	printTested(&out, []testedFlow{
		{Flow: "a", Examples: []flowfile.Example{
			{Name: "good.yaml", About: "all is well"},
			{Name: "bad.yaml", Differences: []text.Text{text.Literal("one"), text.Literal("two")}},
		}},
		{Flow: "b"},
	}, "flows")
	require.Equal(t, "✓ a good: all is well\n✗ a bad\n    one\n    two\n! b: there are no examples in flows/b.examples\n", out.String())
}

func TestPrintChecked(t *testing.T) {
	var out bytes.Buffer
	flows := flow.Flows{"b": {Version: "2"}, "a": {Version: "1"}}
	notes := flowfile.Problems{{File: "a.yaml", Line: 3, Column: 5, Length: 1, Source: "    x: y", What: "Look."}}
	printChecked(&out, flows, notes)
	require.Equal(t, "✓ a: no mistakes, version 1\n✓ b: no mistakes, version 2\n! a.yaml:3:5: Look.\n    3 |     x: y\n      |     ^\n", out.String())
	require.Equal(t, checkedFlows{
		Flows: []checkedFlow{{"a", "1"}, {"b", "2"}}, Notes: []checkNote{{"a.yaml", 3, 5, "Look."}},
	}, newCheckedFlows(flows, notes))
}

// What the flags do not say is asked for; the end of the input answers nothing.
func TestFlowNewAsksForWhatIsMissing(t *testing.T) {
	for _, c := range []struct {
		name, input string
		args        []string
		want        string // the flow's title
		asks        []string
		fails       string
	}{
		{"all questions", "jushuitan.refund.list.query\nSAL_RETURNSTOCK\nmine\n我的流程\n", nil, "我的流程", []string{"Interface that orders are read from (", "Form that bills are saved to (", "Name of the flow", "Title: "}, ""},
		{"by flags", "", []string{"--source", "jushuitan.refund.list.query", "--target", "SAL_RETURNSTOCK", "--name", "mine", "--title", "t"}, "t", nil, ""},
		{"no answers", "", nil, "", nil, "source can't be"},
		{"no name", "", []string{"--source", "jushuitan.refund.list.query", "--target", "SAL_RETURNSTOCK"}, "", nil, "name is empty"},
		{"a source that nobody knows", "x\nSAL_RETURNSTOCK\nmine\n\n", nil, "", nil, "source can't be"},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			t.Setenv("REFUNDSYNC_FLOWS", folder)
			root := newRootCommand()
			var asked bytes.Buffer
			root.SetIn(strings.NewReader(c.input))
			root.SetOut(io.Discard)
			root.SetErr(&asked)
			root.SetArgs(append([]string{"flow", "new"}, c.args...))
			err := root.Execute()
			for _, question := range c.asks {
				require.Contains(t, asked.String(), question)
			}
			if c.fails != "" {
				require.ErrorContains(t, err, c.fails)
				require.Equal(t, exitUsage, exitCode(err))
				return
			}
			require.NoError(t, err)
			flows, err := flowfile.LoadFolder(folder)
			require.NoError(t, err)
			require.Equal(t, c.want, flows["mine"].Title)
		})
	}
}

// Like gofmt, it names what it changes; --check only names it, and fails.
func TestFlowFmt(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("REFUNDSYNC_FLOWS", folder)
	path := filepath.Join(folder, "mine.yaml")
	given := "name: mine\nsource:\n    method: x\n    # key: y\n"
	require.NoError(t, os.WriteFile(path, []byte(given), 0o644))
	run := func(args ...string) (string, error) {
		root := newRootCommand()
		var out bytes.Buffer
		root.SetOut(&out)
		root.SetErr(io.Discard)
		root.SetArgs(append([]string{"flow", "fmt"}, args...))
		err := root.Execute()
		return out.String(), err
	}
	content := func() string {
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		return string(data)
	}

	out, err := run("--check")
	require.Equal(t, exitFailed, exitCode(err))
	require.Equal(t, path+"\n", out)
	require.Equal(t, given, content())

	out, err = run("mine")
	require.NoError(t, err)
	require.Equal(t, path+"\n", out)
	require.Equal(t, "name: mine\nsource:\n  method: x\n  # key: y\n", content())

	out, err = run("--check")
	require.NoError(t, err)
	require.Empty(t, out)

	_, err = run("other")
	require.Equal(t, exitUsage, exitCode(err))

	// A file that can't be read keeps no other from being formatted.
	require.NoError(t, os.WriteFile(filepath.Join(folder, "a.yaml"), []byte("a: [\n"), 0o644))
	require.NoError(t, os.WriteFile(path, []byte(given), 0o644))
	out, err = run()
	require.ErrorContains(t, err, "a.yaml:1:")
	require.Equal(t, exitFailed, exitCode(err))
	require.Equal(t, path+"\n", out)
}
