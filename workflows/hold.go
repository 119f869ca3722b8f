package workflows

import (
	"time"

	"go.temporal.io/sdk/workflow"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/literal"
	"refundsync/internal/text"
)

// HoldSignal carries a [contract.Hold] to a Hold workflow. Without Released, it begins the
// hold or changes who, why and until when; with Released, it ends the hold.
const HoldSignal = "hold"

// HoldMemo is the memo of a Hold workflow that holds its [contract.Hold]. Who starts the
// workflow sets it, and the workflow keeps it up to date: a hold is on while its workflow is
// running and its memo does not say that it was released.
const HoldMemo = "hold"

// HoldID is the id of the Hold workflow of a flow, or with flow "" of all flows of the task
// queue.
func HoldID(taskQueue, flow string) string {
	if flow == "" {
		return "hold/" + taskQueue
	}
	return "hold/" + taskQueue + "/" + flow
}

// DisabledID is the id of the Hold workflow that runs while a flow is disabled. It is another
// than that of a hold of the flow, so that the two do not undo each other.
func DisabledID(taskQueue, flow string) string { return "disabled/" + taskQueue + "/" + flow }

// HoldInput begins a Hold workflow. What it holds comes with the first [HoldSignal].
type HoldInput struct {
	// Carried is nil at first, and is carried over continue-as-new.
	Carried *contract.Hold `json:"carried,omitempty"`
}

// The intervals at which a hold looks for runs that do not know of it grow from the first to
// the longest: a run that began in the same moment is listed seconds later, or if the
// server's list lags, minutes later.
const (
	firstHoldRound   = 10 * time.Second
	longestHoldRound = time.Hour
)

// Hold keeps a flow, or all flows of a task queue, from booking until it is released or its
// time is over. One workflow per scope, by its id. A flow that is disabled is held by one of
// its own, which differs only in what runs under way do. At every moment:
//
//   - The hold is on from the moment the server has started this workflow (or has taken its
//     change of the memo) to the moment the memo says that it was released. Workers ask the
//     server, not the list of workflows, and retry until they know.
//   - A run that begins while it is on ends at once, with the watermark it began with. A
//     parked order whose attempt falls due puts it off, without using up an attempt.
//   - A run under way is told to look which holds are on. It drains, and waits until it is
//     told to look again and none is on; if its flow is disabled, it ends. What it is told is only to look, so a message that
//     comes late, twice or out of order does no harm. Runs that began in the same moment are
//     told in a later round.
//   - After the release, runs are told, and parked orders woken, until all have answered;
//     only then does the workflow end. New runs do not wait for that.
//
// A person's pause and a hold, and the holds of a flow and of its task queue, do not undo
// each other. Cancelling the workflow releases the hold. If it is terminated, new runs begin,
// but those under way wait for a release by hand.
func Hold(ctx workflow.Context, in HoldInput) (contract.Hold, error) {
	h := &hold{signals: workflow.GetSignalChannel(ctx, HoldSignal)}
	if in.Carried != nil {
		h.state = *in.Carried
	} else if err := workflow.Await(ctx, func() bool { return h.signals.Len() > 0 }); err != nil {
		return h.state, err
	}
	// A hold that is cancelled must still be released.
	work, cancel := workflow.NewDisconnectedContext(ctx)
	defer cancel()
	for round := 0; ; round++ {
		changed := h.take(ctx)
		if changed {
			round = 0
		}
		left, err := h.apply(ctx, work, changed)
		if err != nil {
			return h.state, err
		}
		switch {
		case h.signals.Len() > 0 || h.cancelled(ctx):
			continue
		case h.state.Released != nil && left == 0:
			return h.state, nil
		case workflow.GetInfo(ctx).GetContinueAsNewSuggested():
			return h.state, workflow.NewContinueAsNewError(ctx, HoldName, HoldInput{Carried: &h.state})
		}
		if err := h.sleep(ctx, work, round); err != nil {
			return h.state, err
		}
	}
}

type hold struct {
	state   contract.Hold
	signals workflow.ReceiveChannel
	// cancelSeen says that the cancellation has released the hold, so that it does not
	// release the next one, too.
	cancelSeen bool
	// untold says that not everybody has been told of the last change.
	untold bool
}

// lasts reports whether the hold has begun and not been released.
func (h *hold) lasts() bool { return h.state.By != "" && h.state.Released == nil }

// cancelled reports whether the workflow was cancelled while the hold lasts.
func (h *hold) cancelled(ctx workflow.Context) bool {
	return h.lasts() && ctx.Err() != nil && !h.cancelSeen
}

// take takes in what has come: signals, the end of the hold's time, and the cancellation of
// the workflow. It reports whether the hold has changed.
func (h *hold) take(ctx workflow.Context) (changed bool) {
	now := workflow.Now(ctx).In(beijing.Zone).Truncate(time.Second)
	for h.signals.Len() > 0 {
		if change, ok := receive(ctx, h.signals, usableHold); ok {
			changed = h.change(change, now) || changed
		}
	}
	switch until := h.state.Until; {
	case !h.lasts():
	case h.cancelled(ctx):
		h.cancelSeen = true
		changed = h.change(contract.Hold{Released: &contract.Release{Note: text.Sprintf("the workflow was cancelled")}}, now) || changed
	case !until.IsZero() && !until.After(workflow.Now(ctx)):
		changed = h.change(contract.Hold{Released: &contract.Release{}}, now) || changed
	}
	return changed
}

// usableHold reports whether a signal says who begins a hold, or releases one.
func usableHold(change contract.Hold) bool { return change.By != "" || change.Released != nil }

// change begins, changes or releases the hold. A hold that was released stays so until
// another begins, and one that is changed keeps its beginning.
func (h *hold) change(change contract.Hold, now time.Time) bool {
	switch lasted := h.lasts(); {
	case change.Released != nil && h.state.Released != nil:
		return false
	case change.Released != nil:
		release := *change.Released
		release.At = now
		h.state.Released = &release
		if !lasted { // nothing was held; runs that a terminated hold left waiting go on
			h.state.Flow, h.state.Disabled = change.Flow, change.Disabled
		}
	default:
		since := now
		if lasted {
			since = h.state.Since
		}
		h.state = change
		h.state.Since = since
	}
	return true
}

// apply tells everybody concerned, and returns how many runs have not answered. It breaks off
// when the hold changes once more: the memo must say so at once, however long runs and parked
// orders take to answer.
func (h *hold) apply(ctx, work workflow.Context, changed bool) (left int, err error) {
	if changed {
		h.untold = true
		// The memo decides, so it comes first.
		if err := workflow.UpsertMemo(work, map[string]any{HoldMemo: h.state}); err != nil {
			return 0, err
		}
		h.show(work, 0)
	}
	var told TellRunsResult
	if ready, err := h.await(ctx, work, tellRuns(work, h.state.Flow), &told); !ready || err != nil {
		return 0, err
	}
	h.show(work, told.Left)
	if h.untold && h.state.Released != nil {
		if ready, err := h.await(ctx, work, wakeParked(work, h.state.Flow), nil); !ready || err != nil {
			return 0, err
		}
	}
	if h.untold {
		h.untold = false
		if err := tellWatches(work, h.state); err != nil {
			// The hold does not depend on it.
			workflow.GetLogger(work).Warn("the watches could not be told of the hold", "error", err)
		}
	}
	return told.Left, nil
}

// await waits for an activity; false says that the hold changes before.
func (h *hold) await(ctx, work workflow.Context, activity workflow.Future, result any) (ready bool, err error) {
	err = workflow.Await(work, func() bool { return activity.IsReady() || h.signals.Len() > 0 || h.cancelled(ctx) })
	if err != nil || !activity.IsReady() {
		return false, err
	}
	return true, activity.Get(work, result)
}

// sleep waits for the next round, or for what changes the hold before.
func (h *hold) sleep(ctx, work workflow.Context, round int) error {
	now := workflow.Now(ctx)
	wait := min(firstHoldRound<<min(round, 10), longestHoldRound)
	if h.lasts() && !h.state.Until.IsZero() {
		wait = min(wait, h.state.Until.Sub(now))
	}
	changes := func() bool { return h.signals.Len() > 0 || h.cancelled(ctx) }
	_, err := workflow.AwaitWithOptions(work, workflow.AwaitOptions{
		Timeout: wait, TimerOptions: workflow.TimerOptions{Summary: text.Sprintf("look for runs once more, or end")},
	}, changes)
	return err
}

// show shows the hold in the Web UI.
func (h *hold) show(ctx workflow.Context, left int) {
	var d details
	d.hold(h.state)
	if release := h.state.Released; release != nil {
		label := text.New("▶ Released")
		if h.state.Disabled {
			label = text.New("▶ Enabled")
		}
		d.entry(label, text.Join(" · ", shownTime(release.At), literal.Markdown(text.Join(": ", release.By, release.Note).String())))
	}
	if left > 0 {
		d.entry(text.New("Runs that have not answered yet"), left)
	}
	workflow.SetCurrentDetails(ctx, d.String())
}
