package workflows

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/beijing"
)

// The updates by which a person steers a run under way. Each returns the run's
// [Control] when all its windows have been told.
const (
	// PauseUpdate carries a [Pause]. Until ResumeUpdate no window is begun, no
	// page read and no order given out; what is in flight is finished.
	PauseUpdate = "pause"
	// ResumeUpdate, without content, ends a pause.
	ResumeUpdate = "resume"
	// RateUpdate carries a [Rate].
	RateUpdate = "rate"
)

// ControlSignal carries a [Control] from a run to its windows under way.
const ControlSignal = "control"

// Control is how a person steers a run under way.
type Control struct {
	// Paused is nil while the run goes on.
	Paused *Pause `json:"paused,omitempty"`
	Rate   Rate   `json:"rate,omitzero"`
}

// Pause says who paused a run, and why.
type Pause struct {
	By     string `json:"by"`
	Reason string `json:"reason,omitempty"`
	// Since is set by the run, in Beijing time.
	Since time.Time `json:"since,omitzero"`
}

// Rate is how much is under way at a time. A number of 0 is not given: what it
// was before stays, and at first that is the flow's.
type Rate struct {
	// InFlight bounds the orders of one window that are being saved, as
	// [Plan.InFlight] does.
	InFlight int `json:"in_flight,omitempty"`
	// WindowsAtOnce bounds the windows, as [Plan.WindowsAtOnce] does.
	WindowsAtOnce int `json:"windows_at_once,omitempty"`
}

// The bounds of a Rate, which are those of a flow.
const (
	mostInFlight      = 1000
	mostWindowsAtOnce = 50
)

// Validate says what is wrong with a rate that is asked for.
func (r Rate) Validate() error {
	switch {
	case r == Rate{}:
		return fmt.Errorf("没有给出速率。 No rate is given")
	case r.InFlight < 0 || r.InFlight > mostInFlight:
		return fmt.Errorf("在途单数 %d 不能用，应为 1 到 %d。 Orders in flight can't be %[1]d; expected 1 to %[2]d", r.InFlight, mostInFlight)
	case r.WindowsAtOnce < 0 || r.WindowsAtOnce > mostWindowsAtOnce:
		return fmt.Errorf("同时窗口数 %d 不能用，应为 1 到 %d。 Windows at once can't be %[1]d; expected 1 to %[2]d", r.WindowsAtOnce, mostWindowsAtOnce)
	}
	return nil
}

// inFlight is how many orders of a window may be under way now.
func (c Control) inFlight(plan Plan) int {
	if c.Paused != nil {
		return 0
	}
	return cmp.Or(c.Rate.InFlight, plan.InFlight)
}

// windowsAtOnce is how many windows may be under way now.
func (c Control) windowsAtOnce(plan Plan) int {
	if c.Paused != nil {
		return 0
	}
	return cmp.Or(c.Rate.WindowsAtOnce, plan.WindowsAtOnce)
}

// takeUpdates lets a person steer the run. What it has the run do goes into a
// history only behind an update that an older one could not take, so it needs
// no version.
func (r *syncRefunds) takeUpdates(ctx workflow.Context) error {
	pause := func(ctx workflow.Context, pause Pause) (Control, error) {
		return r.steer(ctx, func(c *Control) {
			pause.Since = workflow.Now(ctx).In(beijing.Zone).Truncate(time.Second)
			c.Paused = &pause
		})
	}
	resume := func(ctx workflow.Context) (Control, error) {
		return r.steer(ctx, func(c *Control) { c.Paused = nil })
	}
	rate := func(ctx workflow.Context, rate Rate) (Control, error) {
		return r.steer(ctx, func(c *Control) {
			c.Rate.InFlight = cmp.Or(rate.InFlight, c.Rate.InFlight)
			c.Rate.WindowsAtOnce = cmp.Or(rate.WindowsAtOnce, c.Rate.WindowsAtOnce)
		})
	}
	for _, update := range []struct {
		name      string
		handler   any
		validator any
	}{
		{PauseUpdate, pause, func(workflow.Context, Pause) error { return r.canBeSteered() }},
		{ResumeUpdate, resume, func(workflow.Context) error { return r.canBeSteered() }},
		{RateUpdate, rate, func(_ workflow.Context, rate Rate) error { return cmp.Or(rate.Validate(), r.canBeSteered()) }},
	} {
		options := workflow.UpdateHandlerOptions{Validator: update.validator}
		if err := workflow.SetUpdateHandlerWithOptions(ctx, update.name, update.handler, options); err != nil {
			return err
		}
	}
	return nil
}

// canBeSteered refuses what would have no effect any more. A run that met a failure
// waits for its windows under way, and those that are paused for the end of it.
func (r *syncRefunds) canBeSteered() error {
	if r.failure != nil && len(r.running) == 0 {
		return fmt.Errorf("运行即将结束：%s The run is about to end", MessageOf(r.failure))
	}
	return nil
}

// steer changes the control and tells the windows under way. One change is told
// before the next is made, so that no window hears the older last.
func (r *syncRefunds) steer(ctx workflow.Context, change func(*Control)) (Control, error) {
	if err := r.steering.Lock(ctx); err != nil {
		return Control{}, err
	}
	defer r.steering.Unlock()
	// Before, the flow is not read yet.
	if err := workflow.Await(ctx, func() bool { return r.atOnce != nil }); err != nil {
		return Control{}, err
	}
	change(&r.state.Control)
	control := r.state.Control
	r.showProgress(ctx)
	var told []workflow.Future
	for _, running := range slices.Clone(r.running) {
		// A window that has no future yet starts with what is said now.
		if window := r.futures[running.WorkflowID]; window != nil {
			told = append(told, window.SignalChildWorkflow(ctx, ControlSignal, control))
		}
	}
	for _, future := range told {
		// A window that has ended meanwhile need not be told.
		if err := future.Get(ctx, nil); temporal.IsCanceledError(err) {
			return Control{}, err
		}
	}
	return control, nil
}

// controlled is the part of a window's workflow that does what the run tells it.
type controlled struct {
	control *Control
	signals workflow.ReceiveChannel
}

// newControlled changes control whenever the run says so, and then calls show.
func newControlled(ctx workflow.Context, control *Control, show func(workflow.Context)) *controlled {
	c := &controlled{control: control, signals: workflow.GetSignalChannel(ctx, ControlSignal)}
	workflow.GoNamed(ctx, ControlSignal, func(ctx workflow.Context) {
		// Await, where Receive could hold a signal back at continue-as-new.
		for workflow.Await(ctx, func() bool { return c.signals.Len() > 0 }) == nil {
			c.take()
			show(ctx)
		}
	})
	return c
}

// take takes what has come in; to be called before continue-as-new as well.
func (c *controlled) take() {
	for {
		var control Control
		if !c.signals.ReceiveAsync(&control) {
			return
		}
		*c.control = control
	}
}
