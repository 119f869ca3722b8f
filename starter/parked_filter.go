package main

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"

	"refundsync/internal/text"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

// parkedFilter selects parked orders; empty fields select all.
type parkedFilter struct {
	flow, reason, shop string
}

func (f *parkedFilter) addFlags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.flow, "flow", "", text.Sprintf("only orders of this flow"))
	cmd.Flags().StringVar(&f.reason, "reason", "", text.Sprintf("only orders with this reason, such as unknown_material"))
	cmd.Flags().StringVar(&f.shop, "shop", "", text.Sprintf("only orders of this shop"))
}

// query is the filter in Temporal's list language.
func (f parkedFilter) query(of scope) string {
	conditions := []string{visibility.Equal("WorkflowType", workflows.ParkedOrderName), visibility.Running}
	if settings, err := of.environment.LoadWorker(); err == nil && !of.all {
		conditions = append(conditions, visibility.Equal("TaskQueue", settings.TaskQueue))
	}
	for _, c := range []struct{ attribute, value string }{
		{workflows.FlowAttribute.GetName(), f.flow},
		{workflows.ReasonAttribute.GetName(), f.reason},
		{workflows.ShopAttribute.GetName(), f.shop},
	} {
		if c.value != "" {
			conditions = append(conditions, visibility.Equal(c.attribute, c.value))
		}
	}
	return visibility.All(conditions...)
}

// refuseUnknown is for a filter that finds nothing. It returns an error if the filter is
// misspelt: no order that is or was parked has its reason, or its flow is unknown.
func (f parkedFilter) refuseUnknown(cmd *cobra.Command, c client.Client) error {
	ctx := cmd.Context()
	reasons, flows := map[string]bool{}, map[string]bool{}
	orders, err := listParked(ctx, c, parkedFilter{})
	if err != nil {
		return err
	}
	for _, order := range orders {
		reasons[order.Reason], flows[order.Flow] = true, true
	}
	if f.flow != "" {
		known, err := everParked(ctx, c, workflows.FlowAttribute.GetName(), f.flow)
		if err != nil {
			return err
		}
		complete, err := addFlows(ctx, c, flows)
		if err != nil {
			return err
		}
		if !known && !flows[f.flow] && complete {
			return usageError(cmd, text.Errorf("there is no flow %q; the flows are: %s", f.flow, strings.Join(slices.Sorted(maps.Keys(flows)), ", ")))
		}
	}
	if f.reason != "" {
		known, err := everParked(ctx, c, workflows.ReasonAttribute.GetName(), f.reason)
		if err != nil || known {
			return err
		}
		if len(reasons) == 0 {
			return usageError(cmd, text.Errorf("no order was ever parked with the reason %q, and none is parked now", f.reason))
		}
		return usageError(cmd, text.Errorf("no order was ever parked with the reason %q; the parked orders have: %s", f.reason, strings.Join(slices.Sorted(maps.Keys(reasons)), ", ")))
	}
	return nil
}

// everParked reports whether a parked order has the value, or one that has ended had it
// and the server still remembers.
func everParked(ctx context.Context, c client.Client, attribute, value string) (bool, error) {
	counted, err := c.CountWorkflow(ctx, &workflowservice.CountWorkflowExecutionsRequest{
		Query: visibility.All(visibility.Equal("WorkflowType", workflows.ParkedOrderName), visibility.Equal(attribute, value)),
	})
	return counted.GetCount() > 0, err
}

// addFlows adds the flows of the files and of the workers. It is false if there may be
// others: the files can't be read, or a worker does not name its flows.
func addFlows(ctx context.Context, c client.Client, flows map[string]bool) (complete bool, err error) {
	settings, files, filesErr := flowsOf(ctx)
	for name := range files {
		flows[name] = true
	}
	workers, err := readAllWorkerFlows(ctx, c, settings, files)
	for _, name := range workers.names() {
		flows[name] = true
	}
	return filesErr == nil && workers.all, err
}
