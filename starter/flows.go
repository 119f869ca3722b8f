package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"refundsync/internal/config"
	"refundsync/internal/flow"
	"refundsync/internal/text"
)

// loadFlow reads the settings and the flow files, and gives one of the flows.
func loadFlow(cmd *cobra.Command, name string) (config.Worker, *flow.Flow, error) {
	settings, flows, err := flowsOf(cmd.Context())
	if err != nil {
		return settings, nil, err
	}
	f, ok := flows[name]
	if !ok {
		return settings, nil, usageError(cmd, text.Errorf("there is no flow %q; the flows are: %s", name, strings.Join(slices.Sorted(maps.Keys(flows)), ", ")))
	}
	return settings, f, nil
}

// flowOfOrder is the flow that was named, or the only one of the folder, or else the built-in
// one.
func flowOfOrder(ctx context.Context, named string) string {
	if named != "" {
		return named
	}
	_, flows, err := flowsOf(ctx)
	if names := slices.Collect(maps.Keys(flows)); err == nil && len(names) == 1 {
		return names[0]
	}
	return builtInFlow
}

// addOrderFlowFlag adds the flag of the flow that an order belongs to.
func addOrderFlowFlag(cmd *cobra.Command, flowName *string) {
	cmd.Flags().StringVar(flowName, "flow", "", text.Sprintf("flow of the order; by default the only flow, or else %s", builtInFlow))
}
