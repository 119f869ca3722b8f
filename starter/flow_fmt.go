package main

import (
	"github.com/spf13/cobra"

	"refundsync/internal/config"
	"refundsync/internal/flowfile"
	"refundsync/internal/text"
)

func newFlowFmtCommand() *cobra.Command {
	var check bool
	cmd := &cobra.Command{
		Use:   "fmt [FLOW]",
		Args:  cobra.MaximumNArgs(1),
		Short: text.Sprintf("Format the flow files"),
		Long: text.Sprintf("Formats all flow files, or that of one flow, and prints the names of those it changed: two spaces a level, comments and keys in comments included, no blanks at the end of lines, at most one empty line at a time. " +
			"Values, comments and their order stay as they are; a file where that can't be kept is refused and not touched.\n" +
			"With --check it writes nothing, and the exit code is 1 if a file is not formatted."),
		Example: `  starter flow fmt
  starter flow fmt --check`,
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, err := config.FromProcess().LoadWorker()
			if err != nil {
				return err
			}
			name := ""
			if len(args) == 1 {
				name = args[0]
			}
			changed, err := flowfile.FormatFolder(settings.Flows, name, !check)
			for _, path := range changed {
				say(cmd.OutOrStdout(), path)
			}
			if err == nil && check && len(changed) > 0 {
				return &exitError{code: exitFailed}
			}
			return err
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, text.Sprintf("name the files that are not formatted, and write nothing"))
	return cmd
}
