package visibility

import (
	"context"
	"errors"
	"slices"
	"strings"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/converter"

	"refundsync/internal/beijing"
	"refundsync/internal/encryption"
	"refundsync/internal/flow"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// FlowVersion is a version of a flow whose files are kept. Times are Beijing time.
type FlowVersion struct {
	Flow    string `json:"flow"`
	Version string `json:"version"`
	workflows.FlowVersionUses

	runID string
}

// FlowVersions lists the kept versions of a flow, or of all flows for "", those first that
// were first used first.
func FlowVersions(ctx context.Context, c client.Client, flowName string) ([]FlowVersion, error) {
	conditions := []string{Equal("WorkflowType", workflows.FlowVersionName), "ExecutionStatus != 'ContinuedAsNew'"}
	if flowName != "" {
		conditions = append(conditions, Equal(workflows.FlowAttribute.GetName(), flowName))
	}
	found := map[string]bool{}
	var versions []FlowVersion
	for execution, err := range List(ctx, c, All(conditions...)) {
		if err != nil {
			return nil, text.Errorf("the kept versions of flows can't be listed: %w", err)
		}
		id := execution.GetExecution().GetWorkflowId()
		parts := strings.Split(id, "/")
		if len(parts) != 3 || found[id] { // the newest comes first
			continue
		}
		found[id] = true
		v := FlowVersion{Flow: parts[1], Version: parts[2], runID: execution.GetExecution().GetRunId()}
		// Until a worker has taken its first task, there is no memo.
		v.First = execution.GetStartTime().AsTime()
		v.Last = v.First
		if err := Memo(execution, workflows.UsesMemo, &v.FlowVersionUses); err != nil {
			return nil, err
		}
		v.First, v.Last = v.First.In(beijing.Zone), v.Last.In(beijing.Zone)
		versions = append(versions, v)
	}
	slices.SortFunc(versions, func(a, b FlowVersion) int { return a.First.Compare(b.First) })
	return versions, nil
}

// Files reads the files of a kept version. The client decrypts.
func (v FlowVersion) Files(ctx context.Context, c client.Client) ([]flow.File, error) {
	id := workflows.FlowVersionID(v.Flow, v.Version)
	first, err := encryption.FirstEvent(ctx, c, id, v.runID)
	if err != nil {
		return nil, text.Errorf("version %s of flow %s can't be read: %w", v.Version, v.Flow, err)
	}
	started := first.GetWorkflowExecutionStartedEventAttributes()
	if started == nil {
		return nil, text.Errorf("version %s of flow %s can't be read: %w", v.Version, v.Flow, errors.New("the history does not begin with a start"))
	}
	var in workflows.FlowVersionInput
	if err := converter.GetDefaultDataConverter().FromPayloads(started.GetInput(), &in); err != nil {
		return nil, text.Errorf("version %s of flow %s can't be read: %w", v.Version, v.Flow, err)
	}
	return flow.UnpackFiles(in.Files)
}
