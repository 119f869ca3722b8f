package main

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"refundsync/internal/catalog"
	"refundsync/internal/config"
	"refundsync/internal/flowfile"
	"refundsync/internal/text"
)

func newFlowNewCommand() *cobra.Command {
	var s flowfile.Skeleton
	cmd := &cobra.Command{
		Use:   "new",
		Short: text.Sprintf("Write a new flow file to start from"),
		Long: text.Sprintf("Writes a new flow file with the required fields in place and comments that say what to fill in, and an example beside it. It asks for what the flags do not say, and overwrites nothing. " +
			"The file goes to the folder of the flows (REFUNDSYNC_FLOWS); workers read it when they start."),
		Example: `  starter flow new
  starter flow new --source /open/aftersale/received/query --target SAL_RETURNSTOCK --name receipts`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := config.FromProcess().LoadWorker()
			if err != nil {
				return err
			}
			if err := askSkeleton(cmd, &s); err != nil {
				return err
			}
			if err := s.Check(); err != nil {
				return usageError(cmd, err)
			}
			written, err := s.Write(settings.Flows)
			for _, path := range written {
				say(cmd.OutOrStdout(), text.Sprintf("Wrote %s.", path))
			}
			if err != nil {
				return err
			}
			say(cmd.ErrOrStderr(), text.Sprintf("Next: replace what is marked with ←, then run starter flow check and starter flow test."))
			return nil
		},
	}
	cmd.Flags().StringVar(&s.Source, "source", "", text.Sprintf("interface that orders are read from; starter catalog list shows them"))
	cmd.Flags().StringVar(&s.Target, "target", "", text.Sprintf("form that bills are saved to; starter catalog list shows them"))
	cmd.Flags().StringVar(&s.Name, "name", "", text.Sprintf("name of the flow: a-z, 0-9 and _"))
	cmd.Flags().StringVar(&s.Title, "title", "", text.Sprintf("title shown to people; the name if left out"))
	return cmd
}

// askSkeleton asks for what the flags did not say. At the end of the input, the rest is as
// if nothing was answered.
func askSkeleton(cmd *cobra.Command, s *flowfile.Skeleton) error {
	in := bufio.NewScanner(cmd.InOrStdin())
	for _, question := range []struct {
		flag  string
		value *string
		asks  text.Text
	}{
		{"source", &s.Source, text.New("Interface that orders are read from (%s)", strings.Join(catalog.Sources(), ", "))},
		{"target", &s.Target, text.New("Form that bills are saved to (%s)", strings.Join(catalog.Forms(), ", "))},
		{"name", &s.Name, text.New("Name of the flow (a-z, 0-9 and _)")},
		{"title", &s.Title, text.New("Title")},
	} {
		if cmd.Flags().Changed(question.flag) {
			continue
		}
		fmt.Fprintf(cmd.ErrOrStderr(), "%s: ", question.asks)
		if in.Scan() {
			*question.value = strings.TrimSpace(in.Text())
		}
		if err := in.Err(); err != nil {
			return err
		}
	}
	return nil
}
