package main

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
)

// TestMain is a part of a measurement where it is started as one.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && slices.ContainsFunc(newPartCommands(), func(c *cobra.Command) bool { return c.Name() == os.Args[1] }) {
		main()
		return
	}
	os.Exit(m.Run())
}

// Each figure comes to its end with few orders, and a sync that lost or doubled one
// would be an error. How fast it is depends on the machine, and is not looked at.
func TestFiguresAreMeasured(t *testing.T) {
	t.Chdir("..")
	for _, name := range []string{"ceiling", "cost"} {
		t.Run(name, func(t *testing.T) {
			var out, log strings.Builder
			b := bench{orders: 400, grains: []string{flow.GrainOrder, flow.GrainPage}, out: &out, log: &log, profiles: t.TempDir()}
			require.NoError(t, b.run(t.Context(), []string{name}), log.String())
			require.Equal(t, len(b.grains), strings.Count(out.String(), "\n| order")+strings.Count(out.String(), "\n| page"), out.String())
			profiles, err := os.ReadDir(b.profiles)
			require.NoError(t, err)
			require.NotEmpty(t, profiles)
		})
	}
}

// What the sync is compared with saves the same bills: the figure fails otherwise.
func TestToolsSaveTheSameBills(t *testing.T) {
	t.Chdir("..")
	var out, log strings.Builder
	b := bench{orders: 400, rounds: 1, out: &out, log: &log}
	require.NoError(t, b.run(t.Context(), []string{"tools"}), log.String())
	for _, row := range []string{"| sync, page, 50 ", "| sync, page, 100 ", "| plain loop, 50 ", "| Benthos, 50 ", "| Benthos, 50, 8 pages at a time "} {
		require.Contains(t, out.String(), row)
	}
}
