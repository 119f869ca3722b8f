package main

import (
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/text"
)

func newFlowCheckCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "check",
		Short: text.Sprintf("Check the flow files, without a worker or a server"),
		Long: text.Sprintf("Checks the flow files as a worker does when it starts, and says all mistakes at once, each with its place. It connects to nothing; starter check also asks Kingdee.\n" +
			"Lines with ! load, and should be looked at: tables that no field uses, conditions that never decide, values that no order has. The exit code is 1 if there is a mistake."),
		Example: `  starter flow check
  REFUNDSYNC_FLOWS=data/flows starter flow check`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, err := config.FromProcess().LoadWorker()
			if err != nil {
				return err
			}
			flows, notes, err := flowfile.CheckFolder(settings.Flows)
			if err != nil {
				return err
			}
			if o == outputJSON {
				return writeJSON(cmd.OutOrStdout(), newCheckedFlows(flows, notes))
			}
			printChecked(cmd.OutOrStdout(), flows, notes)
			return nil
		},
	}
	addOutputFlag(cmd, &o)
	return cmd
}

// checkedFlows is what `-o json` prints of flows without mistakes.
type checkedFlows struct {
	Flows []checkedFlow `json:"flows"`
	Notes []checkNote   `json:"notes"`
}

type checkedFlow struct {
	Flow    string `json:"flow"`
	Version string `json:"version"`
}

// checkNote is what should be looked at. Line and Column count from 1.
type checkNote struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	What   string `json:"what"`
}

func newCheckedFlows(flows flow.Flows, notes flowfile.Problems) checkedFlows {
	c := checkedFlows{Flows: []checkedFlow{}, Notes: []checkNote{}}
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		c.Flows = append(c.Flows, checkedFlow{name, flows[name].Version})
	}
	for _, note := range notes {
		c.Notes = append(c.Notes, checkNote{note.File, note.Line, note.Column, note.What})
	}
	return c
}

func printChecked(w io.Writer, flows flow.Flows, notes flowfile.Problems) {
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		say(w, text.Sprintf("✓ %s: no mistakes, version %s", name, flows[name].Version))
	}
	for _, note := range notes {
		// The mark stands under its place only if the line is not wrapped.
		_, _ = io.WriteString(w, "! "+note.String()+"\n")
	}
}
