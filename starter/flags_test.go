package main

import (
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

func TestFlagsOutOfTheirBoundsAreWrongUsage(t *testing.T) {
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
