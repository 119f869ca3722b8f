package observe

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/attribute"
	exporter "go.opentelemetry.io/otel/exporters/prometheus"
	"go.opentelemetry.io/otel/metric"
	sdk "go.opentelemetry.io/otel/sdk/metric"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/opentelemetry"

	"refundsync/internal/flow"
	"refundsync/internal/tally"
	"refundsync/workflows"
)

// Metrics are what one worker process counts and measures: the Temporal SDK's
// own metrics, those that the workflows count, those of the calls to both systems
// and those of the flows. No label holds an id or a person.
type Metrics struct {
	registry *prometheus.Registry
	meter    metric.Meter
	calls    calls
	flows    flowStates
	polls    polls
}

// MetricsOptions say what is measured.
type MetricsOptions struct {
	Flows flow.Flows
	// Sessions is how many sessions of Kingdee there are, SessionsInUse how many
	// of them have a call under way.
	Sessions      int
	SessionsInUse func() int
}

// secondsBuckets are the upper bounds of durations: from a quick call to one that
// waits for its time-out.
var secondsBuckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900}

// NewMetrics begins to measure. Prometheus sees a rate only in what was there
// before it rose, so the counters that alerts look at begin at 0.
func NewMetrics(options MetricsOptions) (*Metrics, error) {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.calls.allowed.Store(int64(options.Sessions)) // until Kingdee can't take as many
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := exporter.New(exporter.WithRegisterer(m.registry), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo())
	if err != nil {
		return nil, fmt.Errorf("无法建立指标 the metrics can't be set up: %w", err)
	}
	m.meter = sdk.NewMeterProvider(sdk.WithReader(reader), sdk.WithView(
		// The SDK's durations are in seconds, OpenTelemetry's own bounds in
		// milliseconds.
		sdk.NewView(sdk.Instrument{Name: "temporal_*", Kind: sdk.InstrumentKindHistogram},
			sdk.Stream{Aggregation: sdk.AggregationExplicitBucketHistogram{Boundaries: secondsBuckets}}),
		// The SDK adds labels of its own to what workflows count.
		countersOfWorkflows(workflows.OrdersMetric),
		countersOfWorkflows(workflows.RunsMetric),
		countersOfWorkflows(workflows.ParkedEndedMetric),
	)).Meter("refundsync")

	if err := errors.Join(m.calls.register(m.meter), m.countFromZero(options.Flows), m.registerGauges(options)); err != nil {
		return nil, fmt.Errorf("无法建立指标 the metrics can't be set up: %w", err)
	}
	return m, nil
}

func countersOfWorkflows(name string) sdk.View {
	return sdk.NewView(sdk.Instrument{Name: name}, sdk.Stream{
		AttributeFilter: attribute.NewAllowKeysFilter(workflows.FlowLabel, workflows.OutcomeLabel, workflows.ReasonLabel),
	})
}

func (m *Metrics) countFromZero(flows flow.Flows) error {
	for name, outcomes := range map[string][]string{
		workflows.OrdersMetric: {string(tally.Saved), string(tally.Updated), string(tally.AlreadySaved)},
		workflows.RunsMetric:   {workflows.RunDone, workflows.RunParked, workflows.RunOrdersFailed, workflows.RunFailed, workflows.RunCancelled},
	} {
		counter, err := m.meter.Int64Counter(name)
		if err != nil {
			return err
		}
		for flowName := range flows {
			for _, outcome := range outcomes {
				counter.Add(context.Background(), 0, metric.WithAttributes(
					attribute.String(workflows.FlowLabel, flowName),
					attribute.String(workflows.OutcomeLabel, outcome),
					attribute.String(workflows.ReasonLabel, "")))
			}
		}
	}
	return nil
}

func (m *Metrics) registerGauges(options MetricsOptions) error {
	m.flows.watch(options.Flows)
	for _, gauge := range []struct {
		name, unit, description string
		observe                 metric.Float64Callback
	}{
		{"refundsync_kingdee_sessions", "", "Sessions of Kingdee that this worker may use at a time.",
			always(func() float64 { return float64(options.Sessions) })},
		{"refundsync_kingdee_calls_allowed", "", "Calls to Kingdee that may be under way at a time now: all sessions, or fewer while Kingdee can't take as many.",
			always(func() float64 { return float64(m.calls.allowed.Load()) })},
		{"refundsync_kingdee_sessions_in_use", "", "Sessions of Kingdee with a call under way.",
			always(func() float64 { return float64(options.SessionsInUse()) })},
		{"refundsync_last_poll_timestamp", "s", "When Temporal last answered this worker's question for work.",
			func(_ context.Context, o metric.Float64Observer) error {
				observeTime(o, m.polls.last())
				return nil
			}},
		{"refundsync_last_success_timestamp", "s", "When a call to the system last succeeded.",
			func(_ context.Context, o metric.Float64Observer) error {
				for _, system := range systems {
					observeTime(o, m.calls.last(system), attribute.String(systemLabel, system))
				}
				return nil
			}},
		{"refundsync_parked_orders", "", "Parked orders of the flow that wait.", m.flows.observeParked},
		{"refundsync_watermark_timestamp", "s", "Up to when automatic runs of the flow have left nothing out.", m.flows.observeWatermark},
		{"refundsync_lag_limit", "s", "How far the watermark of the flow may be behind now; enabled flows only.", m.flows.observeLagLimit},
	} {
		if _, err := m.meter.Float64ObservableGauge(gauge.name, metric.WithUnit(gauge.unit),
			metric.WithDescription(gauge.description), metric.WithFloat64Callback(gauge.observe)); err != nil {
			return err
		}
	}
	return nil
}

func always(value func() float64) metric.Float64Callback {
	return func(_ context.Context, o metric.Float64Observer) error {
		o.Observe(value())
		return nil
	}
}

// observeTime leaves out what has not happened yet.
func observeTime(o metric.Float64Observer, t time.Time, labels ...attribute.KeyValue) {
	if !t.IsZero() {
		o.Observe(float64(t.UnixMilli())/1000, metric.WithAttributes(labels...))
	}
}

// ForTemporal takes the metrics of Temporal's SDK, and those of the workflows.
func (m *Metrics) ForTemporal() client.MetricsHandler {
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter:                m.meter,
		UseMonotonicCounters: true,
		// A metric that can't be made must not stop the work.
		OnError: func(error) {},
	})
}

// ServeHTTP gives all metrics in Prometheus' text format.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}
