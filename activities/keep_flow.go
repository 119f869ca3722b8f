package activities

import (
	"context"
	"strings"
	"sync"
	"time"

	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/beijing"
	"refundsync/internal/flow"
	"refundsync/internal/text"
	"refundsync/internal/version"
	"refundsync/workflows"
)

// keepWait bounds the wait for the server to keep a flow's text.
const keepWait = 5 * time.Second

// FlowVersions keep the files of flows in FlowVersion workflows.
type FlowVersions struct {
	client    client.Client
	taskQueue string

	mu sync.Mutex // never held during a call
	// kept is by workflow id.
	kept map[string]keptFlow
}

// keptFlow says on which day a version was kept last, and what of it is too large.
type keptFlow struct {
	day string
	err error
}

// NewFlowVersions keeps flows through a client, in workflows of a task queue.
func NewFlowVersions(c client.Client, taskQueue string) *FlowVersions {
	return &FlowVersions{client: c, taskQueue: taskQueue, kept: map[string]keptFlow{}}
}

// Keep makes sure that the files of a flow's version are kept, and notes that it is in use:
// one call a day for each version. An error says what is not kept.
func (v *FlowVersions) Keep(ctx context.Context, f *flow.Flow) error {
	id, today := workflows.FlowVersionID(f.Name, f.Version), beijing.Day(time.Now())
	v.mu.Lock()
	kept, known := v.kept[id]
	v.mu.Unlock()
	if known && kept.day == today {
		return kept.err
	}
	files, omitted, err := flow.PackFiles(f.Files)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, keepWait)
	defer cancel()
	_, err = v.client.SignalWithStartWorkflow(ctx, id, workflows.UsedSignal, workflows.FlowVersionUse{Program: version.Version()}, client.StartWorkflowOptions{
		TaskQueue:             v.taskQueue,
		TypedSearchAttributes: temporal.NewSearchAttributes(workflows.FlowAttribute.ValueSet(f.Name)),
		StaticSummary:         text.Sprintf("Version %s of %s", f.Version, f.Name),
		StaticDetails:         text.Sprintf("The input of this workflow holds the flow file and its tables, for bills whose mark names the version: see starter flow show. It does nothing else and does not end."),
	}, workflows.FlowVersionName, workflows.FlowVersionInput{Flow: f.Name, Title: f.Title, Version: f.Version, Files: files})
	if err != nil {
		return text.Errorf("version %s of flow %s could not be kept for starter flow show: %w", f.Version, f.Name, err)
	}
	kept = keptFlow{day: today}
	if len(omitted) > 0 {
		kept.err = text.Errorf("version %s of flow %s is kept for starter flow show without tables that are too large: %s", f.Version, f.Name, strings.Join(omitted, ", "))
	}
	v.mu.Lock()
	v.kept[id] = kept
	v.mu.Unlock()
	return kept.err
}

// keep keeps the flow's text. A run does not fail because that fails, but says so.
func (a *Activities) keep(ctx context.Context, f *flow.Flow) text.Text {
	if a.Versions == nil {
		return text.Text{}
	}
	err := a.Versions.Keep(ctx, f)
	if err != nil {
		activity.GetLogger(ctx).Warn("the flow's text is not kept", "error", err)
	}
	return text.Of(err)
}
