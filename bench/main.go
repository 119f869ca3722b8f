// Command bench measures how fast the sync is as a user runs it: with a plain Temporal
// dev server in memory, the worker and the starter of this checkout, default settings,
// and both outside systems simulated on this machine. Every figure is a ratio or has
// what it is compared with beside it, from the same run: see docs/performance.md.
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
  go run ./bench --only loop,no-op --orders 5000 --profiles /tmp/profiles
  go run ./bench --only growth`,
		Args:          cobra.NoArgs,
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			b.out, b.log = cmd.OutOrStdout(), cmd.ErrOrStderr()
			for _, name := range only {
				if !slices.ContainsFunc(figures, func(f figure) bool { return f.name == name }) {
					return fmt.Errorf("there is no figure %q; choose from %s", name, strings.Join(figureNames(), ", "))
				}
			}
			return b.run(cmd.Context(), only)
		},
	}
	cmd.Flags().IntVar(&b.orders, "orders", 20_000, "orders of a long run; other figures use a part of them")
	cmd.Flags().StringSliceVar(&only, "only", nil, "figures to measure, of "+strings.Join(figureNames(), ", ")+"; growth, which takes long, only if it is named")
	cmd.Flags().StringVar(&b.profiles, "profiles", "", "folder for a CPU profile of each process, which slows them a little")
	cmd.AddCommand(newPartCommands()...)
	return cmd
}
