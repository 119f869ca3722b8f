// Command worker is the process that does the work: it polls Temporal for the
// tasks of the sync, and does them.
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
	// The first signal drains; the second finds nobody who catches it, and ends.
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
		Short:         "执行同步的进程，设置来自环境变量 the process that does the sync; its settings are environment variables",
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
		fmt.Fprintf(out, "%s\n\n设置 settings（名称 name，默认 default，含义 meaning）:\n\n", cmd.Short)
		if err := config.Usage(out); err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), err)
		}
		fmt.Fprint(out, "\n保密的设置可以放进文件，用 名称_FILE 给出路径。 A secret may be in a file: NAME_FILE is its path.\n")
		fmt.Fprint(out, "\n与 Temporal 的连接 the connection to Temporal: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY(_FILE), TEMPORAL_TLS_…\n")
	})
	cmd.PersistentFlags().String(text.Flag, "", text.Sprintf("language: en or zh-CN; by default %s, then the system's", text.Variable))
	cmd.CompletionOptions.DisableDefaultCmd = true
	cmd.AddCommand(newHealthcheckCommand())
	return cmd
}
