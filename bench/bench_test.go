package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/galaxy"
)

// TestMain runs a part of a measurement if it was started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.ContainsFunc(newPartCommands(), func(c *cobra.Command) bool { return c.Name() == os.Args[1] }) {
		main()
		return
	}
	os.Exit(m.Run())
}

// The figures work with few orders. Their values depend on the machine and are not
// checked.
func TestFiguresAreMeasured(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	t.Chdir("..")
	var out, log strings.Builder
	b := bench{orders: 100, out: &out, log: &log, profiles: t.TempDir()}
	require.NoError(t, b.run(t.Context(), []string{"loop", "no-op", "cost"}), log.String())
	require.Regexp(t, `\n\| by pages, against a plain loop with 4 connections \| 0\.95 \| \d+\.\d\d \|\n`, out.String())
	profiles, err := os.ReadDir(b.profiles)
	require.NoError(t, err)
	require.NotEmpty(t, profiles)
}

func TestSavedOnce(t *testing.T) {
	tests := []struct {
		name    string
		saved   int
		kingdee galaxy.State
		wrong   string
	}{
		{"each once", 3, galaxy.State{ByStatus: map[string]int{"A": 1, "C": 2}}, ""},
		{"lost, and said so", 2, galaxy.State{ByStatus: map[string]int{"A": 2}}, "2 of 3 orders"},
		{"lost without a word", 3, galaxy.State{ByStatus: map[string]int{"A": 2}}, "there are 2 bills"},
		{"one too many", 3, galaxy.State{ByStatus: map[string]int{"A": 4}}, "there are 4 bills"},
		{"one lost, one double", 3, galaxy.State{ByStatus: map[string]int{"A": 3}, Doubles: []string{"AS1"}}, "1 numbers have several"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := savedOnce(test.saved, simulator.State{Source: simulator.SourceState{Customary: 3}, Kingdee: test.kingdee})
			if test.wrong == "" {
				require.NoError(t, err)
				return
			}
			assert.ErrorContains(t, err, test.wrong)
		})
	}
}
