package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A secret on a command line is in the list of processes and in the shell's history.
func TestNoFlagTakesASecret(t *testing.T) {
	secret := regexp.MustCompile(`(?i)secret|passw|token|\bkey\b|api-key|session|credential`)
	seen := 0
	var look func(cmd *cobra.Command)
	look = func(cmd *cobra.Command) {
		for line := range strings.Lines(cmd.Flags().FlagUsages()) {
			seen++
			if strings.Contains(line, "file of") {
				continue // its path is no secret
			}
			assert.NotRegexp(t, secret, line, cmd.CommandPath())
		}
		for _, child := range cmd.Commands() {
			look(child)
		}
	}
	look(newRootCommand())
	assert.Greater(t, seen, 20)
}

func TestWrongUsage(t *testing.T) {
	var lines strings.Builder
	for i := range 1001 {
		fmt.Fprintln(&lines, i)
	}
	many := filepath.Join(t.TempDir(), "many.txt")
	require.NoError(t, os.WriteFile(many, []byte(lines.String()), 0o600))
	for _, c := range []struct{ name, command, want string }{
		{"none in flight", "run --flow f --in-flight 0", "--in-flight 0: expected 1 to 1000"},
		{"no windows", "run --flow f --in-flight 5 --windows-at-once 0", "--windows-at-once 0: expected 1 to 50"},
		{"too many windows", "run --flow f --windows-at-once 51", "expected 1 to 50"},
		{"a backfill", "schedule backfill --flow f --from 2024-03-01 --to 2024-03-02 --in-flight 0", "expected 1 to 1000"},
		{"rate of none", "rate f/hand --in-flight 0", "expected 1 to 1000"},
		{"rate of too many", "rate f/hand --in-flight 1001", "expected 1 to 1000"},
		{"no rate", "rate f/hand", "no rate is given"},
		{"too many days", "check --days 91", "--days 91: expected 0 to 90"},
		{"no such grain", "run --flow f --grain x", `unknown grain "x": expected auto, order or page`},
		{"orders and the end of a range", "run --flow f --order 1 --to 2024-03-01", "--to"},
		{"orders and a start", "run --flow f --order 1 --since last", "--since"},
		{"no order", "run --flow f --order ,", "no order is named"},
		{"too many orders", "run --flow f --orders " + many, "1000 at most"},
		{"not a time", "run --flow f --order 1 --from yesterday", "yesterday"},
		{"a hold without a note", "hold", "missing: --note"},
		{"a hold with an empty note", "hold --note=", "--note is empty"},
		{"a hold until no time", "hold --note x --until yesterday", "yesterday"},
		{"a hold that is over", "hold --note x --until 2024-03-01", "is over"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := newRootCommand()
			root.SetArgs(strings.Fields(c.command))
			err := root.Execute()
			require.ErrorContains(t, err, c.want)
			require.Equal(t, exitUsage, exitCode(err))
		})
	}
}

func TestFilesOfOrdersThatNameNone(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty.txt")
	require.NoError(t, os.WriteFile(empty, []byte(" \n"), 0o600))
	for path, want := range map[string]string{empty: "names no order", empty + "s": "can't be read"} {
		_, err := (&orderNames{file: path}).read(&cobra.Command{})
		require.ErrorContains(t, err, want)
	}
}
