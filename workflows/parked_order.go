package workflows

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/literal"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// The signals that a ParkedOrder workflow takes.
const (
	// RetrySignal, without content, retries the order at once.
	RetrySignal = "retry"
	// OrderSignal carries a [ParkedVersion]: the order as a later run read it.
	OrderSignal = "order"
	// ResolvedSignal carries a [ResolvedVersion]: a later run found that the order needs
	// nothing more. It ends the waiting, unless a later version waits.
	ResolvedSignal = "resolved"
	// DiscardSignal carries a [Discard], complete, and ends the waiting.
	DiscardSignal = "discard"
	// ReleasedSignal, without content, says that a hold has ended: an attempt that was put
	// off is due.
	ReleasedSignal = "released"
)

// The search attributes of a ParkedOrder workflow. Its reason is that of the last attempt, or
// contract.ReasonDiscarded once a person has discarded the order.
var (
	FlowAttribute   = temporal.NewSearchAttributeKeyKeyword("RefundsyncFlow")
	ShopAttribute   = temporal.NewSearchAttributeKeyKeyword("RefundsyncShop")
	ReasonAttribute = temporal.NewSearchAttributeKeyKeyword("RefundsyncReason")
)

// FailureMemo is the memo of a ParkedOrder workflow that holds its [tally.Failure], so that
// a list of parked orders needs no query of each.
const FailureMemo = "failure"

// SavedMemo is the memo of a ParkedOrder workflow that has saved the bill or changed it. It
// holds a [SavedBill], for the summary of the day.
const SavedMemo = "saved"

// SavedBill is a bill that a ParkedOrder workflow has saved or changed.
type SavedBill struct {
	// Outcome is tally.Saved or tally.Updated.
	Outcome tally.Outcome   `json:"outcome"`
	Amount  decimal.Decimal `json:"amount"`
}

// The waits between attempts at a parked order grow from the first to the longest.
const (
	firstParkedWait   = 10 * time.Minute
	longestParkedWait = 12 * time.Hour
)

// putOff is how long an attempt that a hold puts off waits for [ReleasedSignal], before the
// order looks by itself whether the hold is still on.
const putOff = 12 * time.Hour

// ParkedVersion is an order as it was read, and why it could not be saved.
type ParkedVersion struct {
	PickVersion string         `json:"pick_version"`
	Order       contract.Order `json:"order"`
	Failure     tally.Failure  `json:"failure"`
}

// ResolvedVersion is a version of an order that has its bill, or that is left out and has
// none.
type ResolvedVersion struct {
	ChangedAt time.Time `json:"changed_at"`
	// LeftOut is why it is left out; "" if it has its bill.
	LeftOut string `json:"left_out,omitempty"`
}

// Discard says who discards an order, and why.
type Discard struct {
	By     string `json:"by"`
	Reason string `json:"reason"`
}

// ParkedOrderInput is an order that waits.
type ParkedOrderInput struct {
	Plan    Plan          `json:"plan"`
	Version ParkedVersion `json:"version"`
	// Attempts, Waits and NextAttempt are carried over continue-as-new; see
	// [ParkedOrderState].
	Attempts    int       `json:"attempts,omitempty"`
	Waits       int       `json:"waits,omitempty"`
	NextAttempt time.Time `json:"next_attempt,omitzero"`
	// Held is as in [ParkedOrderState].
	Held []contract.Hold `json:"held,omitempty"`
}

// ParkedOrderResult is how the waiting ended.
type ParkedOrderResult struct {
	// Discarded is nil if nobody discarded the order.
	Discarded *Discard `json:"discarded,omitempty"`
	// LeftOut is why the flow leaves the order out now; "" if its bill was saved.
	LeftOut string `json:"left_out,omitempty"`
	// Order is the order as it was last known.
	Order contract.Order `json:"order"`
}

// ParkedOrderState is the answer to [ProgressQuery].
type ParkedOrderState struct {
	Version ParkedVersion `json:"version"`
	// Attempts counts the attempts of this workflow, and Waits those of them that followed
	// a wait.
	Attempts    int       `json:"attempts"`
	Waits       int       `json:"waits"`
	NextAttempt time.Time `json:"next_attempt"`
	// Held are the holds for which an attempt was put off. NextAttempt is then when the
	// order looks for them once more, unless it is told of their end before.
	Held []contract.Hold `json:"held,omitempty"`
}

// Take keeps the newer of two versions of the order, because two overlapping runs can send
// theirs in either order, and reports whether it is worth an attempt: the version that the
// workflow was started with is also sent as a signal, and every later run sends the same one.
func (s *ParkedOrderState) Take(version ParkedVersion) bool {
	held := s.Version
	if at := version.Order.ChangedAt; !at.IsZero() && at.Before(held.Order.ChangedAt) {
		return false
	}
	s.Version = version
	return version.PickVersion != held.PickVersion || !version.Order.Same(held.Order)
}

// Resolves reports whether the version that needs nothing more is the one that waits, or a
// later one.
func (s *ParkedOrderState) Resolves(version ResolvedVersion) bool {
	held := s.Version.Order.ChangedAt
	return !held.IsZero() && !version.ChangedAt.Before(held)
}

// ParkedOrderID is the id of an order's ParkedOrder workflow. It is keyed by the order
// (its key), so that an order waits once, whichever run found it. Everything but printable
// ASCII is escaped: Temporal's clients send the id as an HTTP header.
func ParkedOrderID(flowName, orderID string) string {
	return "parked/" + flowName + "/" + url.PathEscape(orderID)
}

// FlowOfParkedOrder is the flow of a ParkedOrder workflow, by its id.
func FlowOfParkedOrder(workflowID string) string {
	flowName, _, _ := strings.Cut(strings.TrimPrefix(workflowID, "parked/"), "/")
	return flowName
}

// ParkedOrder holds an order that could not be saved, and the reason. It rereads the order
// and retries it at growing intervals, when it is told to, and when a later run sends the
// order anew. It ends when the bill is saved, the flow leaves the order out, a later run
// finds that it needs nothing more, or a person discards it. While its flow is held, it
// attempts nothing; an attempt that falls due is made when the hold has ended.
func ParkedOrder(ctx workflow.Context, in ParkedOrderInput) (ParkedOrderResult, error) {
	p, err := newParkedOrder(ctx, in)
	if err != nil {
		return ParkedOrderResult{}, err
	}
	count := counterOf(ctx, ParkedEndedMetric, in.Plan.Flow)
	for {
		if err := p.wait(ctx); err != nil {
			return ParkedOrderResult{}, err
		}
		if p.discarded != nil || p.resolved != nil {
			// What ends an earlier version does not end a later one.
			if p.overtaken(ctx) {
				p.discarded, p.resolved = nil, nil
			}
		}
		if p.discarded != nil {
			count(contract.ReasonDiscarded, "")
			return ParkedOrderResult{Discarded: p.discarded, Order: p.state.Version.Order}, listDiscarded(ctx)
		}
		if p.resolved != nil {
			outcome := tally.AlreadySaved
			if p.resolved.LeftOut != "" {
				outcome = tally.LeftOut
			}
			count(string(outcome), p.resolved.LeftOut)
			return ParkedOrderResult{LeftOut: p.resolved.LeftOut, Order: p.state.Version.Order}, nil
		}
		held, err := p.hold(ctx)
		shown := false
		if err == nil && !held {
			shown, err = p.reread(ctx)
		}
		var result *SaveOrderResult
		if err == nil && shown {
			result, err = p.attempt(ctx)
			for result != nil && p.overtaken(ctx) {
				result, err = p.attempt(ctx)
			}
		}
		if err != nil {
			return ParkedOrderResult{}, err
		}
		if result != nil {
			count(string(result.Outcome), result.Reason)
			return ParkedOrderResult{LeftOut: result.Reason, Order: p.state.Version.Order}, listSaved(ctx, *result)
		}
		if workflow.GetInfo(ctx).GetContinueAsNewSuggested() && !p.signalled() {
			in.Version, in.Attempts, in.Waits, in.NextAttempt, in.Held = p.state.Version, p.state.Attempts, p.state.Waits, p.state.NextAttempt, p.state.Held
			return ParkedOrderResult{}, workflow.NewContinueAsNewError(ctx, ParkedOrderName, in)
		}
	}
}

// listDiscarded lists on the server that a person has discarded the order.
func listDiscarded(ctx workflow.Context) error {
	return workflow.UpsertTypedSearchAttributes(ctx, ReasonAttribute.ValueSet(contract.ReasonDiscarded))
}

// listSaved lists on the server that the order's bill was saved or changed.
func listSaved(ctx workflow.Context, result SaveOrderResult) error {
	if result.Outcome != tally.Saved && result.Outcome != tally.Updated {
		return nil
	}
	return workflow.UpsertMemo(ctx, map[string]any{SavedMemo: SavedBill{result.Outcome, result.Amount}})
}

type parkedOrder struct {
	plan      Plan
	state     ParkedOrderState
	discarded *Discard
	resolved  *ResolvedVersion
	// fresh means that a run has just read the version.
	fresh bool

	retries, versions, resolutions, discards, releases workflow.ReceiveChannel
}

func newParkedOrder(ctx workflow.Context, in ParkedOrderInput) (*parkedOrder, error) {
	p := &parkedOrder{
		plan:        in.Plan,
		state:       ParkedOrderState{Version: in.Version, Attempts: in.Attempts, Waits: in.Waits, NextAttempt: in.NextAttempt, Held: in.Held},
		retries:     workflow.GetSignalChannel(ctx, RetrySignal),
		versions:    workflow.GetSignalChannel(ctx, OrderSignal),
		resolutions: workflow.GetSignalChannel(ctx, ResolvedSignal),
		discards:    workflow.GetSignalChannel(ctx, DiscardSignal),
		releases:    workflow.GetSignalChannel(ctx, ReleasedSignal),
	}
	return p, workflow.SetQueryHandler(ctx, ProgressQuery, func() (ParkedOrderState, error) { return p.state, nil })
}

// signalled reports whether a signal is pending.
func (p *parkedOrder) signalled() bool {
	return p.retries.Len()+p.versions.Len()+p.resolutions.Len()+p.discards.Len()+p.releases.Len() > 0
}

// wait returns when the next attempt is due or a signal has come; a signal does not postpone
// the next attempt. Its error is the workflow's cancellation.
func (p *parkedOrder) wait(ctx workflow.Context) error {
	now := workflow.Now(ctx)
	if !p.state.NextAttempt.After(now) {
		p.state.NextAttempt = now.Add(ParkedWait(p.state.Waits)).In(beijing.Zone)
		p.state.Waits++
	}
	wait := p.state.NextAttempt.Sub(now)
	p.fresh = false
	p.show(ctx)
	timerCtx, cancel := workflow.WithCancel(ctx)
	defer cancel()
	timer := workflow.NewTimerWithOptions(timerCtx, wait, workflow.TimerOptions{Summary: text.Sprintf("wait for the next attempt")})
	selector := workflow.NewSelector(ctx)
	awake := false
	var cancelled error
	selector.AddFuture(timer, func(f workflow.Future) {
		awake, cancelled = true, f.Get(ctx, nil)
	})
	selector.AddReceive(p.retries, func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(ctx, nil)
		awake = true
	})
	selector.AddReceive(p.versions, func(c workflow.ReceiveChannel, _ bool) {
		if version, ok := receive(ctx, c, p.sameOrder); ok {
			p.fresh = p.state.Take(version) || p.fresh
			awake = p.fresh || awake
		}
	})
	selector.AddReceive(p.resolutions, func(c workflow.ReceiveChannel, _ bool) {
		if version, ok := receive(ctx, c, ResolvedVersion.complete); ok && p.state.Resolves(version) {
			p.resolved, awake = &version, true
		}
	})
	selector.AddReceive(p.releases, func(c workflow.ReceiveChannel, _ bool) {
		c.Receive(ctx, nil)
		awake = awake || len(p.state.Held) > 0
	})
	selector.AddReceive(p.discards, func(c workflow.ReceiveChannel, _ bool) {
		if discard, ok := receive(ctx, c, Discard.complete); ok {
			p.discarded, awake = &discard, true
		}
	})
	for !awake {
		selector.Select(ctx)
	}
	return cancelled
}

// hold puts the attempt off if the flow is held. An attempt of which a person or a run asks
// meanwhile is put off as well.
func (p *parkedOrder) hold(ctx workflow.Context) (held bool, err error) {
	holds, err := findHolds(ctx, p.plan.Flow)
	if err != nil {
		return false, err
	}
	switch {
	case len(holds) > 0:
		p.state.NextAttempt = workflow.Now(ctx).Add(putOff).In(beijing.Zone)
	case len(p.state.Held) > 0:
		p.state.NextAttempt = time.Time{}
	}
	p.state.Held = holds
	return len(holds) > 0, nil
}

// receive reads a pending signal. Anybody who may use the namespace can send one with any
// content; false says that it is unusable and ignored: the order goes on waiting.
func receive[T any](ctx workflow.Context, c workflow.ReceiveChannel, usable func(T) bool) (content T, ok bool) {
	// Receive would drop what can't be decoded, and wait for the next signal.
	if c.ReceiveAsync(&content) && usable(content) {
		return content, true
	}
	workflow.GetLogger(ctx).Warn("a signal without usable content is ignored", "signal", c.Name())
	return content, false
}

// sameOrder reports whether the version is one of the order that waits.
func (p *parkedOrder) sameOrder(version ParkedVersion) bool {
	return version.Order.ID == p.state.Version.Order.ID
}

// complete reports whether it is known which version is meant.
func (v ResolvedVersion) complete() bool { return !v.ChangedAt.IsZero() }

// complete reports whether somebody is named, and a reason.
func (d Discard) complete() bool { return d.By != "" && d.Reason != "" }

// overtaken reports whether a later version of the order came while the last was being
// saved: a run counts it as parked, so it must not be lost.
func (p *parkedOrder) overtaken(ctx workflow.Context) (newer bool) {
	for p.versions.Len() > 0 {
		if version, ok := receive(ctx, p.versions, p.sameOrder); ok {
			newer = p.state.Take(version) || newer
		}
	}
	return newer
}

// OrderGone is the reason of an order that the source no longer shows.
const OrderGone = "order_gone"

// reread reads the current order from the source, unless a run has just done so. If that
// fails, the order keeps its version. False says that the source no longer shows the order,
// which then is not saved.
func (p *parkedOrder) reread(ctx workflow.Context) (shown bool, err error) {
	if p.fresh {
		return true, nil
	}
	held := p.state.Version
	read, err := readOrder(ctx, p.plan, ReadOrderParams{Flow: p.plan.Flow, OrderID: held.Order.ID, ChangedAt: held.Order.ChangedAt})
	switch {
	case temporal.IsCanceledError(err):
		return false, err
	case err != nil:
		workflow.GetLogger(ctx).Info("the order cannot be read and keeps its version", "error", err)
		return true, nil
	case read.Order == nil:
		return false, p.failed(ctx, tally.Failure{ID: held.Order.ID, BillNumber: held.Order.BillNumber, Reason: OrderGone, Message: text.New(
			"Jushuitan no longer shows order %s by the flow's parameters: it was deleted or archived, or no longer meets them. It was not saved, and is looked up again later; if it should not be booked, discard it (starter parked discard)", held.Order.ID)})
	}
	p.state.Take(ParkedVersion{PickVersion: read.PickVersion, Order: *read.Order, Failure: held.Failure})
	return true, nil
}

// attempt saves the order. If that fails, it keeps the reason, and the result is nil.
func (p *parkedOrder) attempt(ctx workflow.Context) (*SaveOrderResult, error) {
	version := &p.state.Version
	result, err := saveOrder(ctx, p.plan, SaveOrderParams{
		Flow:        p.plan.Flow,
		PickVersion: version.PickVersion,
		Order:       version.Order,
		// A run may have saved the order meanwhile.
		Exists: true,
	})
	if err == nil {
		return &result, nil
	}
	if temporal.IsCanceledError(err) {
		return nil, err
	}
	return nil, p.failed(ctx, failureOf(version.Order, err))
}

// failed keeps why an attempt failed.
func (p *parkedOrder) failed(ctx workflow.Context, failure tally.Failure) error {
	p.state.Attempts++
	p.state.Version.Failure = failure
	if err := workflow.UpsertTypedSearchAttributes(ctx, ReasonAttribute.ValueSet(failure.Reason)); err != nil {
		return err
	}
	return workflow.UpsertMemo(ctx, map[string]any{FailureMemo: failure})
}

// ParkedWait is how long to wait before the attempt after so many others.
func ParkedWait(attempts int) time.Duration {
	wait := firstParkedWait
	for range attempts {
		if wait *= 2; wait >= longestParkedWait {
			return longestParkedWait
		}
	}
	return wait
}

func (p *parkedOrder) show(ctx workflow.Context) {
	version := p.state.Version
	var d details
	d.flow(p.plan.Title)
	d.entry(text.New("Reason"), shownReason(version.Failure.Reason))
	d.WriteString(literal.Markdown(version.Failure.Message.String()) + "\n\n")
	d.entry(text.New("Attempts"), strconv.Itoa(p.state.Attempts))
	if len(p.state.Held) > 0 {
		d.pause(Control{Held: p.state.Held})
		d.entry(text.New("Next attempt"), text.New("after the hold"))
	} else {
		d.entry(text.New("Next attempt"), shownTime(p.state.NextAttempt))
	}
	workflow.SetCurrentDetails(ctx, d.String())
}
