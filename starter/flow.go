package main

import (
	"github.com/spf13/cobra"

	"refundsync/internal/text"
)

func newFlowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "flow",
		Short: text.Sprintf("Write, check and test flow files, enable and disable flows, and show the versions that made bills"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newFlowNewCommand(), newFlowListCommand(), newFlowCheckCommand(), newFlowTestCommand(), newFlowEnableCommand(), newFlowDisableCommand(), newFlowVersionsCommand(), newFlowShowCommand(), newFlowDiffCommand())
	return cmd
}
