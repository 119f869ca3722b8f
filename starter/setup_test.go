package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/config"
)

func TestPromptSaysWhatEnterDoes(t *testing.T) {
	for _, c := range []struct {
		name     string
		question config.Question
		want     string
	}{
		{"required", config.Question{}, ""},
		{"with a value", config.Question{Value: "signature", Optional: true}, "[signature]"},
		{"optional", config.Question{Optional: true}, "(optional, Enter leaves it out)"},
		{"a secret", config.Question{Secret: true}, "(hidden)"},
		{"a secret that is there", config.Question{Secret: true, Set: true}, "(hidden, Enter keeps it)"},
		{"a secret that is optional", config.Question{Secret: true, Optional: true}, "(hidden, optional, Enter leaves it out)"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, promptFor(c.question)) })
	}
}

func TestAskerSaysOnceHowToAnswer(t *testing.T) {
	var out bytes.Buffer
	a := newAsker(strings.NewReader(" one \n"), &out)
	for _, want := range []string{"one", "", ""} {
		answer, err := a.ask(t.Context(), "What?", "[x]", false)
		require.NoError(t, err)
		require.Equal(t, want, answer)
	}
	require.True(t, a.ended)
	require.Equal(t, 1, strings.Count(out.String(), "Enter takes the [value]"))
	require.Equal(t, 3, strings.Count(out.String(), "\nWhat?\n[x] > "))
}

// Whoever stops is told what has been kept, and how to go on.
func TestStoppedSetupSaysHowToGoOn(t *testing.T) {
	for _, name := range (config.Environment{}).SystemNames() {
		t.Setenv(name, "")
	}
	t.Setenv("REFUNDSYNC_COMPANY", "")
	folder := filepath.Join(t.TempDir(), "north")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	in, answers := io.Pipe()
	defer answers.Close()
	go func() { _, _ = answers.Write([]byte("http://127.0.0.1:1/k3cloud\n")) }()
	out := &writer{on: "KINGDEE_NORTH_USERNAME", do: cancel}
	cmd := newRootCommand()
	cmd.SetIn(in)
	cmd.SetOut(out)
	cmd.SetArgs([]string{"setup", "--company", "north", "--folder", folder, "--template", filepath.Join("..", "flows", "refund_to_return.yaml"), "--set", "KINGDEE_NORTH_ACCT_ID=65e0"})
	err := cmd.ExecuteContext(ctx)
	var exit *exitError
	require.True(t, errors.As(err, &exit))
	require.Equal(t, exitInterrupted, exit.code)
	require.Contains(t, out.String(), "to go on: starter setup --folder "+folder+" --company north\n")
	require.NotContains(t, out.String(), "canceled")
	kept, err := os.ReadFile(filepath.Join(folder, envFileName))
	require.NoError(t, err)
	require.Contains(t, string(kept), "KINGDEE_NORTH_URL=http://127.0.0.1:1/k3cloud\n")
}

// writer does something when something is written.
type writer struct {
	bytes.Buffer
	on string
	do func()
}

func (w *writer) Write(p []byte) (int, error) {
	if strings.Contains(string(p), w.on) {
		w.do()
	}
	return w.Buffer.Write(p)
}
