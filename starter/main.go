// Command starter starts, watches and checks the sync from the command line.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"refundsync/internal/literal"
	"refundsync/internal/text"
	"refundsync/internal/version"
)

// The exit codes of every command.
const (
	exitFailed       = 1
	exitUsage        = 2
	exitWithFailures = 3
	exitBehind       = 4
)

// builtInFlow is the flow that comes with the project. The simulated merchant
// knows what it must make of each order.
const builtInFlow = "refund_to_return"

// exitError ends the process with a code other than 1. Without an err it does
// so silently: all has been said.
type exitError struct {
	code int
	err  error
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := text.UseAsked(os.Args[1:])
	if err != nil {
		err = &exitError{code: exitUsage, err: err}
	} else {
		err = newRootCommand().ExecuteContext(ctx)
	}
	stop()
	os.Exit(exitCode(err))
}

// exitCode says what went wrong on stderr and gives the code to end with.
func exitCode(err error) int {
	if err == nil {
		return 0
	}
	if err.Error() != "" {
		fmt.Fprintln(&literal.Writer{To: os.Stderr}, "错误 error:", err)
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return exitFailed
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:   "starter",
		Short: "聚水潭售后单 → 金蝶销售退货单：启动、查看、检查 start, watch and check the sync",
		Long: `聚水潭售后单 → 金蝶云星空销售退货单：启动、查看、检查。
Start, watch and check the sync of Jushuitan's after-sales orders into Kingdee's return bills.

退出码 exit codes: 0 完成 done · 1 失败 failed · 2 用法错误 wrong usage · 3 完成但有挂起或失败的单 done, with orders parked or failed · 4 落后超过限制 behind by more than the limit`,
		Version:       version.Long(),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().String(text.Flag, "", text.Sprintf("language: en or zh-CN; by default %s, then the system's", text.Variable))
	root.SetOut(&literal.Writer{To: os.Stdout})
	root.SetErr(&literal.Writer{To: os.Stderr})
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return usageError(cmd, err)
	})
	root.AddCommand(newRunCommand(), newWatchCommand(), newPauseCommand(), newResumeCommand(), newRateCommand(), newScheduleCommand(), newCronCommand(), newStatusCommand(), newParkedCommand(), newPreviewCommand(), newAlertsCommand(), newCodecServerCommand(), newAccountsCommand(), newCheckCommand(), newDemoCommand(), newDocsCommand())
	for _, command := range append(root.Commands(), root) {
		command.Args = usageArgs(command.Args)
	}
	return root
}

// usageArgs makes wrong arguments a wrong usage.
func usageArgs(args cobra.PositionalArgs) cobra.PositionalArgs {
	if args == nil {
		args = cobra.NoArgs
	}
	return func(cmd *cobra.Command, values []string) error {
		if err := args(cmd, values); err != nil {
			return usageError(cmd, err)
		}
		return nil
	}
}

// requireFlags makes a command that lacks one of the flags a wrong usage.
func requireFlags(cmd *cobra.Command, names ...string) {
	cmd.PreRunE = func(cmd *cobra.Command, _ []string) error {
		var missing []string
		for _, name := range names {
			if !cmd.Flags().Changed(name) {
				missing = append(missing, "--"+name)
			}
		}
		if len(missing) == 0 {
			return nil
		}
		return usageError(cmd, fmt.Errorf("缺少参数 missing: %s", strings.Join(missing, ", ")))
	}
}

func usageError(cmd *cobra.Command, err error) error {
	return &exitError{code: exitUsage, err: fmt.Errorf("%w\n用法见 see: %s --help", err, cmd.CommandPath())}
}
