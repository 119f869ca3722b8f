package main

import (
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/text"
)

// loadFlow reads the settings and the flow files, and gives one of the flows.
func loadFlow(cmd *cobra.Command, name string) (config.Worker, *flow.Flow, error) {
	settings, err := config.FromProcess().LoadWorker()
	if err != nil {
		return settings, nil, err
	}
	flows, err := flowfile.LoadFolder(settings.Flows)
	if err != nil {
		return settings, nil, err
	}
	f, ok := flows[name]
	if !ok {
		return settings, nil, usageError(cmd, text.Errorf("there is no flow %q; the flows are: %s", name, strings.Join(slices.Sorted(maps.Keys(flows)), ", ")))
	}
	return settings, f, nil
}
