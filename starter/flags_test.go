package main

import (
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
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
