package observe

import (
	"context"
	"errors"
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
	"refundsync/internal/text"
	"refundsync/workflows"
)

// Metrics are the metrics of one worker process: those of the Temporal SDK, of the
// workflows, of the calls to both systems and of the flows. No label holds an id or a
// person's name.
type Metrics struct {
	registry *prometheus.Registry
	meter    metric.Meter
	calls    []*Calls // of each company
	flows    flowStates
	polls    polls
}

// MetricsOptions are the options of metrics.
type MetricsOptions struct {
	Flows     flow.Flows
	Companies []CompanyOptions
}

// CompanyOptions are the options of a company's metrics.
type CompanyOptions struct {
	// Company is its name; "" for the settings without one.
	Company string
	// Sessions is the number of sessions at Kingdee; SessionsInUse is how many of them
	// have a call in flight.
	Sessions      int
	SessionsInUse func() int
}

// secondsBuckets are the upper bounds of durations, from a quick call to one that times
// out.
var secondsBuckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900}

// NewMetrics registers the metrics. Prometheus computes no rate from the first value of
// a counter, so the counters that alerts use start at 0.
func NewMetrics(options MetricsOptions) (*Metrics, error) {
	m := &Metrics{registry: prometheus.NewRegistry()}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	reader, err := exporter.New(exporter.WithRegisterer(m.registry), exporter.WithoutScopeInfo(), exporter.WithoutTargetInfo())
	if err != nil {
		return nil, text.Errorf("can't set up the metrics: %w", err)
	}
	m.meter = sdk.NewMeterProvider(sdk.WithReader(reader), sdk.WithView(
		// Temporal's durations are in seconds, OpenTelemetry's default bounds in
		// milliseconds.
		sdk.NewView(sdk.Instrument{Name: "temporal_*", Kind: sdk.InstrumentKindHistogram},
			sdk.Stream{Aggregation: sdk.AggregationExplicitBucketHistogram{Boundaries: secondsBuckets}}),
		// Temporal's SDK adds labels to the counters of workflows.
		countersOfWorkflows(workflows.OrdersMetric),
		countersOfWorkflows(workflows.RunsMetric),
		countersOfWorkflows(workflows.ParkedEndedMetric),
	)).Meter("refundsync")

	instruments, err := newCallInstruments(m.meter)
	for _, of := range options.Companies {
		calls := &Calls{callInstruments: instruments, company: of.Company}
		calls.allowed.Store(int64(of.Sessions)) // until Kingdee can't handle as many
		m.calls = append(m.calls, calls)
	}
	if err := errors.Join(err, m.countFromZero(options.Flows), m.registerGauges(options)); err != nil {
		return nil, text.Errorf("can't set up the metrics: %w", err)
	}
	return m, nil
}

// Calls measures the calls of the company at an index of the options' Companies.
func (m *Metrics) Calls(i int) *Calls { return m.calls[i] }

func countersOfWorkflows(name string) sdk.View {
	return sdk.NewView(sdk.Instrument{Name: name}, sdk.Stream{
		AttributeFilter: attribute.NewAllowKeysFilter(workflows.FlowLabel, workflows.OutcomeLabel, workflows.ReasonLabel),
	})
}

func (m *Metrics) countFromZero(flows flow.Flows) error {
	for name, outcomes := range map[string][]string{
		workflows.OrdersMetric: {string(tally.Saved), string(tally.Updated), string(tally.AlreadySaved)},
		workflows.RunsMetric:   {workflows.RunDone, workflows.RunParked, workflows.RunOrdersFailed, workflows.RunFailed, workflows.RunCancelled, workflows.RunHeld, workflows.RunEndedEarly},
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
	perCompany := func(value func(i int) int) metric.Float64Callback {
		return func(_ context.Context, o metric.Float64Observer) error {
			for i, of := range options.Companies {
				o.Observe(float64(value(i)), metric.WithAttributes(ofCompany(of.Company)...))
			}
			return nil
		}
	}
	for _, gauge := range []struct {
		name, unit, description string
		observe                 metric.Float64Callback
	}{
		{"refundsync_kingdee_sessions", "", "Sessions at Kingdee that this worker may use at a time.",
			perCompany(func(i int) int { return options.Companies[i].Sessions })},
		{"refundsync_kingdee_calls_allowed", "", "Calls to Kingdee that may currently run at a time: one per session, or fewer while Kingdee can't handle as many.",
			perCompany(func(i int) int { return int(m.calls[i].allowed.Load()) })},
		{"refundsync_kingdee_sessions_in_use", "", "Sessions at Kingdee with a call in flight.",
			perCompany(func(i int) int { return options.Companies[i].SessionsInUse() })},
		{"refundsync_last_poll_timestamp", "s", "When Temporal last answered a poll of this worker for tasks.",
			func(_ context.Context, o metric.Float64Observer) error {
				observeTime(o, m.polls.last())
				return nil
			}},
		{"refundsync_last_success_timestamp", "s", "When a call to the system last succeeded.",
			func(_ context.Context, o metric.Float64Observer) error {
				for _, calls := range m.calls {
					for _, system := range systems {
						observeTime(o, calls.last(system), ofCompany(calls.company, attribute.String(systemLabel, system))...)
					}
				}
				return nil
			}},
		{"refundsync_flow_info", "", "1 for each flow, with its company.", m.flows.observeInfo},
		{"refundsync_parked_orders", "", "Parked orders of the flow.", m.flows.observeParked},
		{"refundsync_watermark_timestamp", "s", "Watermark of the flow: automatic runs have read everything up to then.", m.flows.observeWatermark},
		{"refundsync_held", "", "1 while the flow is held or disabled, otherwise 0.", m.flows.observeHeld},
		{"refundsync_lag_limit", "s", "How far the watermark of the flow may lag; enabled flows only.", m.flows.observeLagLimit},
	} {
		if _, err := m.meter.Float64ObservableGauge(gauge.name, metric.WithUnit(gauge.unit),
			metric.WithDescription(gauge.description), metric.WithFloat64Callback(gauge.observe)); err != nil {
			return err
		}
	}
	return nil
}

// observeTime omits the zero time.
func observeTime(o metric.Float64Observer, t time.Time, labels ...attribute.KeyValue) {
	if !t.IsZero() {
		o.Observe(float64(t.UnixMilli())/1000, metric.WithAttributes(labels...))
	}
}

// ForTemporal receives the metrics of Temporal's SDK and of the workflows.
func (m *Metrics) ForTemporal() client.MetricsHandler {
	return opentelemetry.NewMetricsHandler(opentelemetry.MetricsHandlerOptions{
		Meter:                m.meter,
		UseMonotonicCounters: true,
		// A metric that can't be registered must not stop the worker.
		OnError: func(error) {},
	})
}

// ServeHTTP serves all metrics in Prometheus' text format.
func (m *Metrics) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{}).ServeHTTP(w, r)
}
