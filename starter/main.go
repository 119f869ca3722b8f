// Command starter starts, watches and checks the sync from the command line.
package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"refundsync/internal/literal"
	"refundsync/internal/text"
	"refundsync/internal/version"
)

// builtInFlow is the flow that comes with the project. The simulated merchant knows the
// outcome of each order under it.
const builtInFlow = "refund_to_return"

// exitError ends the process with a code other than 1. It is silent without an err: the
// command has said it all.
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
		err = interrupted(ctx, newRootCommand().ExecuteContext(ctx))
	}
	stop()
	os.Exit(exitCode(err))
}

// interrupted gives an error the exit code of an interruption if a signal ended the
// command, unless the error has a code of its own.
func interrupted(ctx context.Context, err error) error {
	if err == nil || ctx.Err() == nil || errors.As(err, new(*exitError)) {
		return err
	}
	return &exitError{code: exitInterrupted, err: err}
}

// exitCode says what went wrong on stderr and gives the code to end with.
func exitCode(err error) int {
	if err == nil {
		return exitDone
	}
	if err.Error() != "" {
		say(&literal.Writer{To: os.Stderr}, text.Sprintf("error: %v", err))
	}
	var exit *exitError
	if errors.As(err, &exit) {
		return exit.code
	}
	return exitFailed
}

func newRootCommand() *cobra.Command {
	root := &cobra.Command{
		Use:           "starter",
		Short:         text.Sprintf("Start, watch and check the sync of Jushuitan's orders into Kingdee's bills"),
		Example:       "  starter demo\n  starter check\n  starter run --flow refund_to_return --from 2024-03-01 --to 2024-03-02 --wait",
		Version:       version.Long(),
		SilenceErrors: true,
		SilenceUsage:  true,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.PersistentFlags().String(text.Flag, "", text.Sprintf("language: en or zh-CN; by default %s, then the system's", text.Variable))
	root.PersistentFlags().String(companyFlag, "", text.Sprintf("the company of several that the command is about; by default that of its flow, or all"))
	root.PersistentPreRunE = chooseCompany
	root.SetOut(&literal.Writer{To: os.Stdout})
	root.SetErr(&literal.Writer{To: os.Stderr})
	root.AddCommand(
		newRunCommand(), newWatchCommand(), newPauseCommand(), newResumeCommand(), newRateCommand(), newCancelCommand(),
		newHoldCommand(), newReleaseCommand(), newScheduleCommand(), newCronCommand(),
		newStatusCommand(), newOrderCommand(), newParkedCommand(), newReconcileCommand(), newPreviewCommand(), newFlowCommand(),
		newAlertsCommand(), newCodecServerCommand(), newAccountsCommand(), newCatalogCommand(), newCheckCommand(), newSetupCommand(), newMCPCommand(), newDemoCommand(), newDocsCommand(), newGenerateCommand(),
	)
	setUpHelp(root)
	return root
}
