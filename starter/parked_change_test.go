package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
)

func TestParkedOrdersAreChosenInOneWay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "orders.txt")
	require.NoError(t, os.WriteFile(file, []byte("\ufeff700000001\r\n\n 700000002 \n"), 0o600))
	empty := filepath.Join(t.TempDir(), "none.txt")
	require.NoError(t, os.WriteFile(empty, []byte("\n"), 0o600))
	for _, c := range []struct {
		name  string
		flags []string
		bills []string
		says  string
	}{
		{"by name", []string{"1", "2"}, []string{"1", "2"}, ""},
		{"by file", []string{"--file", file}, []string{"700000001", "700000002"}, ""},
		{"by name and file", []string{"--file", file, "3"}, []string{"3", "700000001", "700000002"}, ""},
		{"by standard input", []string{"--file", "-"}, []string{"7", "8"}, ""},
		{"by reason", []string{"--reason", "order_changed"}, nil, ""},
		{"all", []string{"--all"}, nil, ""},
		{"none", nil, nil, "--all"},
		{"a flow alone", []string{"--flow", "f"}, nil, "--all"},
		{"by name and reason", []string{"--reason", "order_changed", "1"}, nil, "--all"},
		{"by file and all", []string{"--file", file, "--all"}, nil, "--all"},
		{"by a file that is not there", []string{"--file", file + "x"}, nil, file + "x"},
		{"by a file that names none", []string{"--file", empty}, nil, empty},
	} {
		t.Run(c.name, func(t *testing.T) {
			var choice parkedChoice
			cmd := &cobra.Command{RunE: func(cmd *cobra.Command, args []string) error { return choice.read(cmd, args) }, SilenceUsage: true, SilenceErrors: true}
			choice.addFlags(cmd)
			cmd.SetArgs(append([]string{}, c.flags...))
			cmd.SetIn(strings.NewReader("7\n8\n"))
			cmd.SetErr(&bytes.Buffer{})
			err := cmd.Execute()
			if c.says != "" {
				require.ErrorContains(t, err, c.says)
				return
			}
			require.NoError(t, err)
			require.ElementsMatch(t, c.bills, choice.bills)
		})
	}
}

// Nothing but a yes is one.
func TestAskFirst(t *testing.T) {
	for answer, yes := range map[string]bool{"y\n": true, "YES\n": true, "是": true, "n\n": false, "\n": false, "": false, "yesterday\n": false} {
		cmd := &cobra.Command{}
		cmd.SetIn(strings.NewReader(answer))
		var asked bytes.Buffer
		cmd.SetErr(&asked)
		require.Equal(t, yes, askFirst(cmd, "Discard 2 orders?") == nil, "%q", answer)
		require.Contains(t, asked.String(), "Discard 2 orders?")
	}
}

// Thousands of orders may be under way when somebody presses Ctrl-C.
func TestInterruptedOrdersAreOneError(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	err := eachAtOnce(ctx, make([]struct{}, 1000), func(i int, _ struct{}) error {
		if i == 100 {
			interrupt()
		}
		if ctx.Err() == nil {
			return nil
		}
		return parkedError(fmt.Sprint(i), serviceerror.NewCanceled("context canceled"))
	})
	require.EqualError(t, err, "interrupted")

	err = eachAtOnce(t.Context(), make([]struct{}, 2), func(i int, _ struct{}) error { return errors.New("no answer") })
	require.EqualError(t, err, "no answer\nno answer")
}

// interruptedServer is asked by somebody who then presses Ctrl-C.
type interruptedServer struct {
	client.Client
	interrupt context.CancelFunc
}

func (s interruptedServer) DescribeWorkflow(context.Context, string, string) (*client.WorkflowExecutionDescription, error) {
	s.interrupt()
	return nil, serviceerror.NewCanceled("context canceled")
}

func TestInterruptedWaitForAnAttempt(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	_, err := waitForAttempt(ctx, interruptedServer{interrupt: interrupt}, chosenOrder{bill: "7"}, 0)
	require.EqualError(t, err, "no longer waiting; the orders are retried all the same")
}
