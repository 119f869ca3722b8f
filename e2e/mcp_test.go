package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/stretchr/testify/require"

	"refundsync/internal/reconcile"
	"refundsync/internal/simulator"
	"refundsync/internal/tally"
)

// asked is what a tool answers.
type asked struct {
	Command string
	Answer  json.RawMessage
	Notes   []string
}

// commandOfTheExample is the command that docs/mcp.md has a client start, with the values of
// this world in place of the example's.
func (w *world) commandOfTheExample(t *testing.T) *exec.Cmd {
	t.Helper()
	document, err := os.ReadFile("../docs/mcp.md")
	require.NoError(t, err)
	_, example, _ := strings.Cut(string(document), "```json\n")
	example, _, _ = strings.Cut(example, "```")
	var config struct {
		Servers map[string]struct {
			Command string
			Args    []string
			Env     map[string]string
		} `json:"mcpServers"`
	}
	require.NoError(t, json.Unmarshal([]byte(example), &config))
	server := config.Servers["refundsync"]
	command := w.command(t, path.Base(server.Command), server.Args...)
	secrets := t.TempDir()
	command.Env, command.Dir = []string{"REFUNDSYNC_SECRETS=" + secrets}, t.TempDir()
	for _, name := range []string{"JUSHUITAN_APP_SECRET", "KINGDEE_APP_ID", "KINGDEE_APP_SECRET"} {
		require.Contains(t, string(document), "`"+name+"`")
		require.NoError(t, os.WriteFile(filepath.Join(secrets, name), []byte(w.env[name]), 0o600))
	}
	for name := range server.Env {
		if name != "REFUNDSYNC_SECRETS" {
			require.NotEmpty(t, w.env[name], name)
			command.Env = append(command.Env, name+"="+w.env[name])
		}
	}
	return command
}

// An assistant gets from each tool what the command of its name prints, and nothing is
// changed by it.
func TestAnAssistantIsAnsweredAsThePerson(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 120})
	w.startWorker(t)
	w.sync(t)
	require.NoError(t, w.DeleteBill(w.datedInRange()[0]))
	c := w.temporal(t)
	before := w.State().Kingdee.Bills

	command := w.commandOfTheExample(t)
	var stderr bytes.Buffer
	command.Stderr = &stderr
	client := mcp.NewClient(&mcp.Implementation{Name: "test"}, nil)
	session, err := client.Connect(t.Context(), &mcp.CommandTransport{Command: command}, nil)
	require.NoError(t, err)
	t.Log(session.InitializeResult().ServerInfo, session.InitializeResult().Instructions)
	call := func(tool string, arguments map[string]any) (*mcp.CallToolResult, string) {
		result, err := session.CallTool(t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
		require.NoError(t, err)
		var texts string
		for _, content := range result.Content {
			texts += content.(*mcp.TextContent).Text + "\n"
		}
		t.Logf("%s %v: error %t\n%.600s", tool, arguments, result.IsError, texts)
		return result, texts
	}
	ask := func(answer any, tool string, arguments map[string]any) asked {
		t.Helper()
		result, texts := call(tool, arguments)
		require.False(t, result.IsError, texts)
		raw, err := json.Marshal(result.StructuredContent)
		require.NoError(t, err)
		var a asked
		require.NoError(t, json.Unmarshal(raw, &a))
		require.NoError(t, json.Unmarshal(a.Answer, answer), string(a.Answer))
		return a
	}

	var parked []struct {
		ID string `json:"id"`
	}
	list := ask(&parked, "parked", map[string]any{"flow": builtInFlow})
	require.NotEmpty(t, parked)
	require.JSONEq(t, w.starter(t, 0, "parked", "list", "--flow", builtInFlow, "-o", "json").stdout, string(list.Answer))
	var one struct {
		Version struct{ Failure tally.Failure }
	}
	ask(&one, "parked", map[string]any{"order": parked[0].ID})
	require.Equal(t, parked[0].ID, one.Version.Failure.ID)

	var statuses []struct {
		Flow   string
		Parked map[string]int
	}
	ask(&statuses, "status", nil)
	require.Len(t, statuses, 1)
	require.Equal(t, len(parked), tally.Total(statuses[0].Parked))

	var story toldStory
	bill := w.State().Kingdee.Bills[0].Number
	ask(&story, "order", map[string]any{"id": bill})
	require.Equal(t, w.story(t, 0, bill).State, story.State)

	in := w.input().Range
	var report reported
	ask(&report, "reconcile", map[string]any{"flow": builtInFlow, "from": in.From.Format("2006-01-02"), "to": in.To.Format("2006-01-02")})
	require.Equal(t, w.reconcile(t, 5).kinds(), report.kinds())
	require.Len(t, report.kinds()[reconcile.Missing], 1)

	var flows []struct{ Flow, Version string }
	ask(&flows, "flow", nil)
	require.Equal(t, builtInFlow, flows[0].Flow)
	var diff struct{ Changes []string }
	ask(&diff, "flow", map[string]any{"diff": flows[0].Version})
	require.Empty(t, diff.Changes)

	for _, wrong := range []struct {
		tool      string
		arguments map[string]any
		says      string
	}{
		{"status", map[string]any{"flow": "no_such"}, `there is no flow "no_such"`},
		{"parked", map[string]any{"order": "1"}, "there is no parked order 1"},
		{"flow", map[string]any{"show": "000000"}, "no version that begins with 000000"},
		{"reconcile", map[string]any{"flow": builtInFlow, "from": "2024-01-01", "to": "2024-12-31"}, "longer than 31 days"},
	} {
		result, texts := call(wrong.tool, wrong.arguments)
		require.True(t, result.IsError)
		require.Contains(t, texts, wrong.says)
	}

	require.NoError(t, session.Close())
	require.True(t, command.ProcessState.Success(), stderr.String())
	require.Equal(t, before, w.State().Kingdee.Bills)
	require.Len(t, listed(t, c, "WorkflowType = 'SyncFlow'"), 1, "no run but that of the test")
	t.Log(stderr.String())
}
