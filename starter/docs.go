package main

import (
	"context"
	"errors"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/catalog"
	"refundsync/internal/config"
	"refundsync/internal/docsite"
	"refundsync/internal/flow"
	"refundsync/internal/text"
	"refundsync/internal/visibility"
)

func newDocsCommand() *cobra.Command {
	var folder string
	var live bool
	cmd := &cobra.Command{
		Use:   "docs --out FOLDER",
		Short: text.Sprintf("Write a site about the interfaces of the catalog and the flows of the folder"),
		Long: text.Sprintf(`Writes a static site into a folder: a page for each interface of the catalog and for each flow of the folder, in Chinese and English, and an index of what is documented, on or off, and monitored. Open index.html, or put the folder on any web server: the pages load nothing from elsewhere.
With --live, the pages also say what the Temporal server knows of each flow: its holds, schedule, lag, last run, the counts of the last 24 hours, and parked orders by reason. If a flow can't be read, its page says that its state is unknown, and the exit code is 1.
Pages of flows and interfaces that an earlier site had and this one does not are removed.`),
		Example: `  starter docs --out site
  starter docs --out site --live`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			settings, flows, err := loadFlows(cmd, nil)
			if err != nil {
				return err
			}
			site := docsite.Site{Interfaces: catalog.All(), Flows: flows}
			var unread error
			if live {
				site.Made = time.Now()
				site.Live, unread = readLive(cmd.Context(), settings, flows, site.Made)
			}
			count, err := site.Write(folder)
			if err != nil {
				return text.Errorf("the site can't be written: %w", err)
			}
			say(cmd.OutOrStdout(), text.Sprintf("Wrote %d pages; begin with %s.", count, filepath.Join(folder, "index.html")))
			return unread
		},
	}
	cmd.Flags().StringVar(&folder, "out", "", text.Sprintf("`FOLDER` to write into; it is made if need be"))
	cmd.Flags().BoolVar(&live, "live", false, text.Sprintf("add what the Temporal server knows of each flow"))
	requireFlags(cmd, "out")
	return cmd
}

// readLive reads the state of each flow. The error says which can't be read, and
// why; their states are unknown.
func readLive(ctx context.Context, settings config.Worker, flows flow.Flows, now time.Time) (map[string]docsite.Live, error) {
	states := map[string]docsite.Live{}
	err := withTemporal(func(c client.Client) error {
		var unread []error
		for name, f := range flows {
			err := within(ctx, func(ctx context.Context) (err error) {
				states[name], err = readLiveFlow(ctx, c, settings.TaskQueueOf(f.Company), f, now)
				return err
			})
			if err != nil {
				states[name] = docsite.Live{Unknown: true}
				unread = append(unread, text.Errorf("the state of flow %s can't be read: %w", name, err))
			}
		}
		return errors.Join(unread...)
	})
	for name := range flows {
		if _, asked := states[name]; !asked {
			states[name] = docsite.Live{Unknown: true}
		}
	}
	return states, err
}

func readLiveFlow(ctx context.Context, c client.Client, taskQueue string, f *flow.Flow, now time.Time) (docsite.Live, error) {
	s, err := readStatus(ctx, c, taskQueue, f, f.Name, now)
	if err != nil {
		return docsite.Live{}, err
	}
	versions, err := visibility.FlowVersions(ctx, c, f.Name)
	if err != nil {
		return docsite.Live{}, err
	}
	return liveOf(s, versions), nil
}

// liveOf is the part of a status that the site shows. Why a run failed is left out: it may
// quote an order.
func liveOf(s flowStatus, versions []visibility.FlowVersion) docsite.Live {
	live := docsite.Live{
		Holds: s.Holds, Scheduled: s.Schedule != nil || s.Cron, NextRun: s.NextRun, Running: len(s.Running),
		Watermark: s.Watermark, Behind: s.Behind, LastDay: s.LastDay, Parked: s.Parked,
	}
	if s.Schedule != nil && !s.Cron {
		live.Paused, live.PauseNote = s.Schedule.Paused, text.Literal(s.Schedule.Note)
	}
	if s.LagSeconds != nil {
		lag := time.Duration(*s.LagSeconds) * time.Second
		live.Lag = &lag
	}
	if s.LastRun != nil {
		live.LastRun = &docsite.Run{WorkflowID: s.LastRun.WorkflowID, Ended: s.LastRun.EndedAt, Outcome: outcomeTexts[s.LastRun.Outcome]}
	}
	if s.LastSweep != nil {
		live.LastSweep = &docsite.Sweep{Ended: s.LastSweep.EndedAt, Found: s.LastSweep.Found}
	}
	for _, v := range versions {
		live.Versions = append(live.Versions, docsite.Version{Version: v.Version, First: v.First, Last: v.Last})
	}
	return live
}
