// Command worker polls Temporal for the tasks of the sync and performs them.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"refundsync/internal/config"
	"refundsync/internal/syncworker"
	"refundsync/internal/text"
	"refundsync/internal/version"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal drains the worker; the second is no longer caught and kills it.
	context.AfterFunc(ctx, stop)
	err := text.UseAsked(os.Args[1:])
	if err == nil {
		err = newCommand().ExecuteContext(ctx)
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func newCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:           "worker",
		Short:         text.Sprintf("Run the sync's worker; all settings are environment variables"),
		Version:       version.Long(),
		Args:          cobra.NoArgs,
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return syncworker.RunProcess(cmd.Context(), config.FromProcess(), os.Stderr)
		},
	}
	cmd.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		out := cmd.OutOrStdout()
		fmt.Fprintf(out, "%s\n\n%s\n\n", cmd.Short, text.Sprintf("Settings:"))
		if err := config.Usage(out); err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), err)
		}
		fmt.Fprintf(out, "\n%s\n", text.Sprintf("A secret can be in a file; NAME_FILE is its path."))
		fmt.Fprintf(out, "\n%s\n", text.Sprintf("The connection to Temporal: %s", "TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY(_FILE), TEMPORAL_TLS_…"))
	})
	cmd.PersistentFlags().String(text.Flag, "", text.Sprintf("language: en or zh-CN; by default %s, then the system's", text.Variable))
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.AddCommand(newHealthcheckCommand())
	return cmd
}
