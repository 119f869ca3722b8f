package workflows

import (
	"cmp"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/beijing"
	"refundsync/internal/contract"
	"refundsync/internal/text"
)

// The updates by which a person steers a run. Each returns the run's [Control] once all
// windows have been told.
const (
	// PauseUpdate carries a [Pause]. Until ResumeUpdate, no window is begun, no page read
	// and no order dispatched; what is in flight is finished.
	PauseUpdate = "pause"
	// ResumeUpdate, without content, ends a pause.
	ResumeUpdate = "resume"
	// RateUpdate carries a [Rate].
	RateUpdate = "rate"
	// HoldsUpdate, without content, has the run look which holds are on. It goes on as
	// after a pause once none is, and ends early if its flow is disabled.
	HoldsUpdate = "holds"
)

// ControlSignal carries a [Control] from a run to its windows.
const ControlSignal = "control"

// RunEnding is the type of the error with which a run refuses an update shortly before its
// end.
const RunEnding = "run_ending"

// Control is how a person steers a run.
type Control struct {
	// Paused is nil unless a person has paused the run.
	Paused *Pause `json:"paused,omitempty"`
	// Held are the holds that were on when the run last looked.
	Held []contract.Hold `json:"held,omitempty"`
	Rate Rate            `json:"rate,omitzero"`
}

// Waits reports whether the run begins nothing new: it is paused or held.
func (c Control) Waits() bool { return c.Paused != nil || len(c.Held) > 0 }

// Disabled reports whether the run ends early, because its flow is disabled.
func (c Control) Disabled() bool {
	return slices.ContainsFunc(c.Held, func(hold contract.Hold) bool { return hold.Disabled })
}

// Pause says who paused a run, and why.
type Pause struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
	// Since is set by the run, in Beijing time.
	Since time.Time `json:"since,omitzero"`
}

// Rate is how much is in flight at a time. A number of 0 is not set and keeps the former
// value, which at first is the flow's.
type Rate struct {
	// InFlight bounds the orders in flight of one window, as [Plan.InFlight] does.
	InFlight int `json:"in_flight,omitempty"`
	// WindowsAtOnce bounds the windows, as [Plan.WindowsAtOnce] does.
	WindowsAtOnce int `json:"windows_at_once,omitempty"`
}

// The bounds of a Rate, which are also those of a flow.
const (
	mostInFlight      = 1000
	mostWindowsAtOnce = 50
)

// Validate says what is wrong with the rate that a person asks for.
func (r Rate) Validate() error {
	switch {
	case r == Rate{}:
		return text.Errorf("no rate is given")
	case r.InFlight < 0 || r.InFlight > mostInFlight:
		return text.Errorf("%d orders in flight are not possible: expected 1 to %d", r.InFlight, mostInFlight)
	case r.WindowsAtOnce < 0 || r.WindowsAtOnce > mostWindowsAtOnce:
		return text.Errorf("%d windows at once are not possible: expected 1 to %d", r.WindowsAtOnce, mostWindowsAtOnce)
	}
	return nil
}

// inFlight is how many orders of a window may be in flight now.
func (c Control) inFlight(plan Plan) int {
	if c.Waits() {
		return 0
	}
	return cmp.Or(c.Rate.InFlight, plan.InFlight)
}

// windowsAtOnce is how many windows may run now.
func (c Control) windowsAtOnce(plan Plan) int {
	if c.Waits() {
		return 0
	}
	return cmp.Or(c.Rate.WindowsAtOnce, plan.WindowsAtOnce)
}

// takeUpdates lets a person steer the run.
func (r *syncFlow) takeUpdates(ctx workflow.Context) error {
	pause := func(ctx workflow.Context, pause Pause) (Control, error) {
		return r.steer(ctx, func(c *Control) error {
			pause.Since = workflow.Now(ctx).In(beijing.Zone).Truncate(time.Second)
			c.Paused = &pause
			return nil
		})
	}
	resume := func(ctx workflow.Context) (Control, error) {
		return r.steer(ctx, func(c *Control) error {
			c.Paused = nil
			return nil
		})
	}
	rate := func(ctx workflow.Context, rate Rate) (Control, error) {
		return r.steer(ctx, func(c *Control) error {
			c.Rate.InFlight = cmp.Or(rate.InFlight, c.Rate.InFlight)
			c.Rate.WindowsAtOnce = cmp.Or(rate.WindowsAtOnce, c.Rate.WindowsAtOnce)
			return nil
		})
	}
	holds := func(ctx workflow.Context) (Control, error) {
		return r.steer(ctx, func(c *Control) (err error) {
			c.Held, err = findHolds(ctx, r.state.Plan.Flow)
			return err
		})
	}
	for _, update := range []struct {
		name      string
		handler   any
		validator any
	}{
		{PauseUpdate, pause, func(workflow.Context, Pause) error { return r.canBeSteered() }},
		{ResumeUpdate, resume, func(workflow.Context) error { return r.canBeSteered() }},
		{HoldsUpdate, holds, func(workflow.Context) error { return r.canBeSteered() }},
		{RateUpdate, rate, func(_ workflow.Context, rate Rate) error { return cmp.Or(checkRate(rate), r.canBeSteered()) }},
	} {
		options := workflow.UpdateHandlerOptions{Validator: update.validator}
		if err := workflow.SetUpdateHandlerWithOptions(ctx, update.name, update.handler, options); err != nil {
			return err
		}
	}
	return nil
}

// checkRate refuses a rate that is not possible.
func checkRate(rate Rate) error {
	if err := rate.Validate(); err != nil {
		return newFailure(UnknownRate, text.Of(err), nil, FailureDetails{})
	}
	return nil
}

// canBeSteered refuses what would have no effect any more. A run that has failed still waits
// for its running windows, of which some may be paused.
func (r *syncFlow) canBeSteered() error {
	if r.failure != nil && len(r.running) == 0 {
		return newFailure(RunEnding, text.New("the run is about to end: %s", MessageOf(r.failure)), nil, FailureDetails{})
	}
	return nil
}

// steer changes the control and tells the running windows. It tells them of one change
// before it makes the next, so that no window receives an older change last.
func (r *syncFlow) steer(ctx workflow.Context, change func(*Control) error) (Control, error) {
	if err := r.steering.Lock(ctx); err != nil {
		return Control{}, err
	}
	defer r.steering.Unlock()
	// Before that, the flow is not loaded yet.
	if err := workflow.Await(ctx, func() bool { return r.atOnce != nil }); err != nil {
		return Control{}, err
	}
	control := r.state.Control
	if err := change(&control); err != nil {
		return Control{}, err
	}
	r.state.Control = control
	r.endIfDisabled()
	r.showProgress(ctx)
	var told []workflow.Future
	for _, running := range slices.Clone(r.running) {
		// A window without a future starts with the new control.
		if window := r.futures[running.WorkflowID]; window != nil {
			told = append(told, window.SignalChildWorkflow(ctx, ControlSignal, control))
		}
	}
	for _, future := range told {
		// A window that has ended meanwhile needs no signal.
		if err := future.Get(ctx, nil); temporal.IsCanceledError(err) {
			return Control{}, err
		}
	}
	return control, nil
}

// controlled is the part of a window's workflow that follows the run's control.
type controlled struct {
	control *Control
	signals workflow.ReceiveChannel
}

// newControlled changes control whenever the run signals it, and then calls show.
func newControlled(ctx workflow.Context, control *Control, show func(workflow.Context)) *controlled {
	c := &controlled{control: control, signals: workflow.GetSignalChannel(ctx, ControlSignal)}
	workflow.GoNamed(ctx, ControlSignal, func(ctx workflow.Context) {
		// Unlike Receive, Await leaves the signal in the channel for take, which is also
		// called before continue-as-new.
		for workflow.Await(ctx, func() bool { return c.signals.Len() > 0 }) == nil {
			c.take()
			show(ctx)
		}
	})
	return c
}

// take takes in pending signals; it is also called before continue-as-new.
func (c *controlled) take() {
	for {
		var control Control
		if !c.signals.ReceiveAsync(&control) {
			return
		}
		*c.control = control
	}
}
