package observe

import (
	"context"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.temporal.io/sdk/client"
	"go.uber.org/zap"

	"refundsync/internal/flow"
	"refundsync/internal/visibility"
	"refundsync/workflows"
)

const (
	// flowStatesEvery is how often the server is asked for the state of the flows.
	flowStatesEvery = time.Minute
	// flowStatesLast is how long an answer is shown. A stale number would look fine
	// while nothing is known.
	flowStatesLast = 3 * flowStatesEvery
)

// flowStates are the watermarks and parked orders of the flows, from the server's list
// of workflows, and whether they are held. All workers export the same values.
type flowStates struct {
	limits map[string]time.Duration // of enabled flows
	flows  flow.Flows

	mu     sync.Mutex
	states map[string]flowState
}

type flowState struct {
	at        time.Time
	parked    int
	watermark *time.Time
	held      bool
}

func (s *flowStates) watch(flows flow.Flows) {
	s.flows, s.limits, s.states = flows, map[string]time.Duration{}, map[string]flowState{}
	for name, f := range flows {
		if f.Enabled {
			s.limits[name] = f.LagLimit
		}
	}
}

// WatchFlows asks the server for the state of flows of a task queue, at once and then every
// minute, until ctx is done.
func (m *Metrics) WatchFlows(ctx context.Context, c client.Client, taskQueue string, flows flow.Flows, logger *zap.Logger) {
	ticker := time.NewTicker(flowStatesEvery)
	defer ticker.Stop()
	for {
		for name := range flows {
			if err := m.flows.ask(ctx, c, taskQueue, name); err != nil && ctx.Err() == nil {
				logger.Warn("the state of a flow is unknown", zap.String("flow", name), zap.Error(err))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (s *flowStates) ask(ctx context.Context, c client.Client, taskQueue, name string) error {
	ctx, cancel := context.WithTimeout(ctx, flowStatesEvery/2)
	defer cancel()
	parked, err := visibility.CountParked(ctx, c, name)
	if err != nil {
		return err
	}
	watermark, _, err := visibility.LastWatermark(ctx, c, name)
	if err != nil {
		return err
	}
	holds, err := visibility.Holds(ctx, c, taskQueue, name)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.states[name] = flowState{at: time.Now(), parked: parked, watermark: watermark, held: len(holds) > 0}
	return nil
}

// each calls do for each flow whose state is known.
func (s *flowStates) each(do func(state flowState, label metric.ObserveOption)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, state := range s.states {
		if time.Since(state.at) < flowStatesLast {
			do(state, flowLabel(name))
		}
	}
}

func flowLabel(name string) metric.ObserveOption {
	return metric.WithAttributes(attribute.String(workflows.FlowLabel, name))
}

func (s *flowStates) observeInfo(_ context.Context, o metric.Float64Observer) error {
	for name, f := range s.flows {
		o.Observe(1, metric.WithAttributes(ofCompany(f.Company, attribute.String(workflows.FlowLabel, name))...))
	}
	return nil
}

func (s *flowStates) observeParked(_ context.Context, o metric.Float64Observer) error {
	s.each(func(state flowState, label metric.ObserveOption) { o.Observe(float64(state.parked), label) })
	return nil
}

func (s *flowStates) observeHeld(_ context.Context, o metric.Float64Observer) error {
	s.each(func(state flowState, label metric.ObserveOption) {
		held := 0.0
		if state.held {
			held = 1
		}
		o.Observe(held, label)
	})
	return nil
}

func (s *flowStates) observeWatermark(_ context.Context, o metric.Float64Observer) error {
	s.each(func(state flowState, label metric.ObserveOption) {
		if state.watermark != nil {
			o.Observe(float64(state.watermark.Unix()), label)
		}
	})
	return nil
}

func (s *flowStates) observeLagLimit(_ context.Context, o metric.Float64Observer) error {
	for name, limit := range s.limits {
		o.Observe(limit.Seconds(), flowLabel(name))
	}
	return nil
}
