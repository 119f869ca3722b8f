package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
)

// loadFlow reads the settings and the flow files, and gives the flow of the name.
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
		return settings, nil, usageError(cmd, fmt.Errorf("没有流程 %q，只有 %s。 There is no such flow", name, strings.Join(slices.Sorted(maps.Keys(flows)), ", ")))
	}
	return settings, f, nil
}
