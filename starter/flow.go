package main

import (
	"github.com/spf13/cobra"

	"refundsync/internal/text"
)

func newFlowCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "flow",
		Short: text.Sprintf("Write, check, test and format flow files, enable and disable flows, and show the versions that made bills"),
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newFlowNewCommand(), newFlowListCommand(), newFlowCheckCommand(), newFlowTestCommand(), newFlowFmtCommand(), newFlowEnableCommand(), newFlowDisableCommand(), newFlowVersionsCommand(), newFlowShowCommand(), newFlowDiffCommand())
	return cmd
}
