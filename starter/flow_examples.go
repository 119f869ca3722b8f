package main

import (
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/text"
)

func newFlowTestCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "test [FLOW]",
		Args:  cobra.MaximumNArgs(1),
		Short: text.Sprintf("Run the examples that are kept beside the flow files"),
		Long: text.Sprintf("Runs the examples of all flows, or of one. An example is a YAML file in the folder FLOW.examples beside the flow file: an order as Jushuitan shows it, and what should become of it. " +
			"It connects to nothing: tables from Kingdee hold what the example says, and no month is closed. Fields of the bill that an example does not name may have any value. The exit code is 1 if an example fails."),
		Example: `  starter flow test
  starter flow test refund_to_return`,
		RunE: func(cmd *cobra.Command, args []string) error {
			settings, flows, err := loadFlows(cmd, args)
			if err != nil {
				return err
			}
			tested := []testedFlow{}
			failed := false
			for _, name := range slices.Sorted(maps.Keys(flows)) {
				examples, err := flowfile.RunExamples(flows[name], flowfile.ExamplesFolder(settings.Flows, name))
				if err != nil {
					return err
				}
				tested = append(tested, testedFlow{Flow: name, Examples: examples})
				failed = failed || slices.ContainsFunc(examples, func(e flowfile.Example) bool { return len(e.Differences) > 0 })
			}
			if o == outputJSON {
				err = writeJSON(cmd.OutOrStdout(), tested)
			} else {
				printTested(cmd.OutOrStdout(), tested, settings.Flows)
			}
			if err == nil && failed {
				return &exitError{code: exitFailed}
			}
			return err
		},
	}
	addOutputFlag(cmd, &o)
	return cmd
}

// loadFlows reads the settings, and the flow that the arguments name or all of them.
func loadFlows(cmd *cobra.Command, args []string) (config.Worker, flow.Flows, error) {
	if len(args) == 1 {
		settings, f, err := loadFlow(cmd, args[0])
		return settings, flow.Flows{args[0]: f}, err
	}
	return flowsOf(cmd.Context())
}

// testedFlow is what `-o json` prints of the examples of a flow.
type testedFlow struct {
	Flow     string             `json:"flow"`
	Examples []flowfile.Example `json:"examples"`
}

func printTested(w io.Writer, tested []testedFlow, folder string) {
	for _, flow := range tested {
		if len(flow.Examples) == 0 {
			say(w, text.Sprintf("! %s: there are no examples in %s", flow.Flow, flowfile.ExamplesFolder(folder, flow.Flow)))
		}
		for _, example := range flow.Examples {
			mark := "✓"
			if len(example.Differences) > 0 {
				mark = "✗"
			}
			line := mark + " " + flow.Flow + " " + strings.TrimSuffix(example.Name, ".yaml")
			if example.About != "" {
				line += ": " + example.About
			}
			say(w, line)
			for _, difference := range example.Differences {
				say(w, "    "+difference.String())
			}
		}
	}
}
