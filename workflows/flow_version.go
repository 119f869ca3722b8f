package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"refundsync/internal/literal"
	"refundsync/internal/text"
)

// UsedSignal carries a [FlowVersionUse] to a FlowVersion workflow.
const UsedSignal = "used"

// UsesMemo is the memo of a FlowVersion workflow that holds its [FlowVersionUses].
const UsesMemo = "uses"

// FlowVersionInput is one version of a flow.
type FlowVersionInput struct {
	Flow    string `json:"flow"`
	Title   string `json:"title"`
	Version string `json:"version"`
	// Files are the files of the version, packed by flow.PackFiles.
	Files []byte `json:"files"`
	// Uses are carried over continue-as-new.
	Uses FlowVersionUses `json:"uses,omitzero"`
}

// FlowVersionUse says that a worker has the version.
type FlowVersionUse struct {
	// Program is the version of the worker's program.
	Program string `json:"program"`
}

// FlowVersionUses say when a version was used, and by which versions of the program. Last is
// at most a day behind.
type FlowVersionUses struct {
	First        time.Time `json:"first"`
	FirstProgram string    `json:"first_program"`
	Last         time.Time `json:"last"`
	LastProgram  string    `json:"last_program"`
}

// flowVersionLife is how long a run of a FlowVersion workflow keeps the files. The next run
// has them encrypted with the key of its time, so that no old key is needed for ever.
const flowVersionLife = 30 * 24 * time.Hour

// FlowVersionID is the id of the workflow that keeps a version of a flow.
func FlowVersionID(flowName, version string) string { return "flow/" + flowName + "/" + version }

// FlowVersion keeps a version of a flow in its input, for as long as bills may be asked about
// that the version made: it runs until it is cancelled, because the server deletes a workflow
// some time after its end. Reading it needs no worker. Its memo says when the version was
// used.
func FlowVersion(ctx workflow.Context, in FlowVersionInput) error {
	if err := workflow.UpsertTypedSearchAttributes(ctx, FlowAttribute.ValueSet(in.Flow)); err != nil {
		return err
	}
	used := workflow.GetSignalChannel(ctx, UsedSignal)
	life := workflow.NewTimerWithOptions(ctx, flowVersionLife, workflow.TimerOptions{Summary: text.Sprintf("write the flow's text anew")})
	over := false
	for {
		for use := (FlowVersionUse{}); used.ReceiveAsync(&use); use = (FlowVersionUse{}) {
			in.Uses.take(use, workflow.Now(ctx))
		}
		if err := in.showUses(ctx); err != nil {
			return err
		}
		if over || workflow.GetInfo(ctx).GetContinueAsNewSuggested() {
			return workflow.NewContinueAsNewError(ctx, FlowVersionName, in)
		}
		selector := workflow.NewSelector(ctx)
		selector.AddReceive(ctx.Done(), func(workflow.ReceiveChannel, bool) {})
		selector.AddReceive(used, func(workflow.ReceiveChannel, bool) {})
		selector.AddFuture(life, func(workflow.Future) { over = true })
		selector.Select(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

func (u *FlowVersionUses) take(use FlowVersionUse, now time.Time) {
	if u.First.IsZero() {
		u.First, u.FirstProgram = now, use.Program
	}
	u.Last, u.LastProgram = now, use.Program
}

// showUses shows the uses in the memo and in the Web UI.
func (in FlowVersionInput) showUses(ctx workflow.Context) error {
	if in.Uses.First.IsZero() {
		return nil
	}
	var d details
	d.entry(text.New("Title"), literal.Markdown(in.Title))
	d.entry(text.New("First used"), text.Join(" · ", shownTime(in.Uses.First), in.Uses.FirstProgram))
	d.entry(text.New("Last used"), text.Join(" · ", shownTime(in.Uses.Last), in.Uses.LastProgram))
	workflow.SetCurrentDetails(ctx, d.String())
	return workflow.UpsertMemo(ctx, map[string]any{UsesMemo: in.Uses})
}
