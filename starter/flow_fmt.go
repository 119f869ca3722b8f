package main

import (
	"errors"

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
			"Values, comments and their order stay as they are; a file where that can't be kept is refused and not touched. A formatted file is a new version of its flow, which changes no bill.\n" +
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
			paths, err := flowfile.Paths(settings.Flows, name)
			switch {
			case err != nil:
				return err
			case len(paths) == 0 && name != "":
				return usageError(cmd, text.Errorf("there is no flow %q in the folder %s", name, settings.Flows))
			case len(paths) == 0:
				return text.Errorf("no flow files (*.yaml) in the folder %s", settings.Flows)
			}
			var failed []error
			unformatted := false
			for _, path := range paths {
				differs, err := flowfile.FormatFile(path, !check)
				if err != nil {
					failed = append(failed, err)
				}
				if differs {
					unformatted = true
					say(cmd.OutOrStdout(), path)
				}
			}
			if err := errors.Join(failed...); err != nil {
				return err
			}
			if check && unformatted {
				return &exitError{code: exitFailed}
			}
			return nil
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, text.Sprintf("name the files that are not formatted, and write nothing"))
	return cmd
}
