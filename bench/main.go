// Command bench measures how fast the sync is, how much memory it takes and how
// many calls it makes, against both outside systems simulated on this machine.
// Every figure is a ratio, or stands beside what it is compared with, from one
// run of one command: see docs/performance.md.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"refundsync/internal/flow"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := newCommand().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func newCommand() *cobra.Command {
	var b bench
	var only []string
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "Measures the sync on this machine; prints Markdown tables",
		Example: `  go run ./bench
  go run ./bench --only ceiling,latency --orders 5000 --profiles /tmp/profiles`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.out, b.log = cmd.OutOrStdout(), cmd.ErrOrStderr()
			for _, name := range only {
				if !slices.ContainsFunc(figures, func(f figure) bool { return f.name == name }) {
					return fmt.Errorf("there is no figure %q; there are: %s", name, strings.Join(figureNames(), ", "))
				}
			}
			return b.run(cmd.Context(), only)
		},
	}
	cmd.Flags().IntVar(&b.orders, "orders", 20_000, "orders of a run, where the figure does not say otherwise")
	cmd.Flags().StringSliceVar(&only, "only", nil, "figures to measure: "+strings.Join(figureNames(), ", "))
	cmd.Flags().StringSliceVar(&b.grains, "grain", []string{flow.GrainOrder, flow.GrainPage}, "grains to measure")
	cmd.Flags().StringVar(&b.profiles, "profiles", "", "folder for a CPU profile of each process; it slows them a little")
	cmd.AddCommand(newPartCommands()...)
	return cmd
}
