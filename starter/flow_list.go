package main

import (
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/text"
	"refundsync/internal/visibility"
)

func newFlowListCommand() *cobra.Command {
	var o output
	cmd := &cobra.Command{
		Use:   "list",
		Short: text.Sprintf("List the flows of the folder, and whether the workers have them"),
		Example: `  starter flow list
  starter flow list -o json`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, flows, err := loadFlows(cmd, nil)
			if err != nil {
				return err
			}
			// The list is of use without a server, too.
			var atWorkers *workerFlows
			var holds []contract.Hold
			err = withTemporal(func(c client.Client) error {
				return within(cmd.Context(), func(ctx context.Context) error {
					read, err := readAllWorkerFlows(ctx, c, settings, flows)
					atWorkers = &read
					for taskQueue, of := range companiesOf(settings, flows) {
						if err == nil {
							var found []contract.Hold
							found, err = visibility.Holds(ctx, c, taskQueue, sortedNames(of)...)
							holds = append(holds, found...)
						}
					}
					return err
				})
			})
			if err != nil {
				atWorkers = nil
				say(cmd.ErrOrStderr(), text.Sprintf("What the workers have is not known: %v", err))
			}
			listed := listFlows(flows, atWorkers, holds)
			if o == outputJSON {
				return writeJSON(cmd.OutOrStdout(), listed)
			}
			printFlows(cmd.OutOrStdout(), listed)
			return nil
		},
	}
	addOutputFlag(cmd, &o)
	return cmd
}

// listedFlow is what `-o json` prints of a flow.
type listedFlow struct {
	Flow  string `json:"flow"`
	Title string `json:"title"`
	// Company is empty for a flow without one.
	Company string `json:"company,omitempty"`
	Version string `json:"version"`
	// Enabled is false if the file disables the flow, or a person has, as far as that is known.
	Enabled bool `json:"enabled"`
	// Cron are the flow file's times; none for a flow that is only run by hand.
	Cron     []string `json:"cron"`
	TimeZone string   `json:"time_zone"`
	// WorkerVersions are those that the workers have; null if that is not known.
	WorkerVersions []string `json:"worker_versions"`
	// Workers is whether they have the version of the file, as a person reads it.
	workers string
}

func listFlows(flows flow.Flows, atWorkers *workerFlows, holds []contract.Hold) []listedFlow {
	listed := []listedFlow{}
	for _, name := range slices.Sorted(maps.Keys(flows)) {
		f := flows[name]
		l := listedFlow{Flow: f.Name, Title: f.Title, Company: f.Company, Version: f.Version, Enabled: f.Enabled && sameScope(holds, contract.Hold{Flow: name, Disabled: true}) == nil, Cron: append([]string{}, f.Schedule.Cron...), TimeZone: f.Schedule.TimeZone, workers: "?"}
		if atWorkers != nil {
			versions := append([]string{}, atWorkers.versions(name)...)
			l.WorkerVersions = versions
			switch {
			case len(atWorkers.workers) == 0 && atWorkers.all:
				l.workers = text.Sprintf("no worker")
			case len(versions) == 0 && atWorkers.all:
				l.workers = text.Sprintf("✗ no worker has it")
			case len(versions) == 0:
				// A worker does not tell.
			case slices.Equal(versions, []string{f.Version}):
				l.workers = "✓"
			default:
				l.workers = text.Sprintf("✗ version %s", strings.Join(versions, ", "))
			}
		}
		listed = append(listed, l)
	}
	return listed
}

func printFlows(w io.Writer, listed []listedFlow) {
	t := newTable(w)
	companies := slices.ContainsFunc(listed, func(l listedFlow) bool { return l.Company != "" })
	header := table.Row{text.New("flow"), text.New("title"), text.New("version"), text.New("enabled"), text.New("schedule"), text.New("workers")}
	if companies {
		header = append(header, text.New("company"))
	}
	t.AppendHeader(header)
	t.mayDrop(2)
	t.keepWhole(3)
	for _, l := range listed {
		schedule := text.Sprintf("by hand")
		if len(l.Cron) > 0 {
			schedule = strings.Join(l.Cron, "\n") + "\n" + l.TimeZone
		}
		row := table.Row{l.Flow, l.Title, l.Version, yesOrNo(l.Enabled), schedule, l.workers}
		if companies {
			row = append(row, l.Company)
		}
		t.AppendRow(row)
	}
	t.Render()
}
