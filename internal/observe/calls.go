package observe

import (
	"context"
	"errors"
	"net/http/httptrace"
	"slices"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"refundsync/activities"
	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/jushuitan"
)

// Values of the label system.
const (
	systemJushuitan = "jushuitan"
	systemKingdee   = "kingdee"
)

var systems = [2]string{systemJushuitan, systemKingdee}

const (
	companyLabel = "company"

	systemLabel = "system"
	callLabel   = "call"
	// resultLabel is ok, cancelled, unknown, or the failure's [fault.Class].
	resultLabel = "result"
)

// Calls measures the calls of a company to both systems. It implements
// [groupcommit.Observer].
type Calls struct {
	*callInstruments
	company string
	// allowed is how many calls to Kingdee may currently run at a time.
	allowed atomic.Int64

	lastSuccess [len(systems)]moment // in the order of systems
}

// callInstruments are those that all companies share.
type callInstruments struct {
	duration metric.Float64Histogram
	wait     metric.Float64Histogram
	bills    metric.Int64Histogram
}

func newCallInstruments(meter metric.Meter) (*callInstruments, error) {
	c := &callInstruments{}
	var errs [3]error
	c.duration, errs[0] = meter.Float64Histogram("refundsync_call_duration", metric.WithUnit("s"),
		metric.WithDescription("Duration and result of calls to the outside systems, without the wait before a call."),
		metric.WithExplicitBucketBoundaries(secondsBuckets...))
	c.wait, errs[1] = meter.Float64Histogram("refundsync_call_wait", metric.WithUnit("s"),
		metric.WithDescription("How long a call waited before it was made: for Jushuitan's limit of calls a second, or at Kingdee for others to share the call and for a session."),
		metric.WithExplicitBucketBoundaries(secondsBuckets...))
	c.bills, errs[2] = meter.Int64Histogram("refundsync_kingdee_call_bills",
		metric.WithDescription("Bills, or numbers of bills, that shared a call to Kingdee."),
		metric.WithExplicitBucketBoundaries(1, 2, 5, 10, 20, 50, 100, 200, 500))
	return c, errors.Join(errs[:]...)
}

// labels adds the company to labels, if it has a name.
func (c *Calls) labels(labels ...attribute.KeyValue) metric.MeasurementOption {
	return metric.WithAttributes(ofCompany(c.company, labels...)...)
}

func ofCompany(company string, labels ...attribute.KeyValue) []attribute.KeyValue {
	if company == "" {
		return labels
	}
	return append(labels, attribute.String(companyLabel, company))
}

func (c *Calls) waited(system, call string, wait time.Duration) {
	c.wait.Record(context.Background(), wait.Seconds(), c.labels(attribute.String(systemLabel, system), attribute.String(callLabel, call)))
}

func (c *Calls) called(system, call string, took time.Duration, err error) {
	if err == nil {
		c.lastSuccess[slices.Index(systems[:], system)].isNow()
	}
	c.duration.Record(context.Background(), took.Seconds(),
		c.labels(attribute.String(systemLabel, system), attribute.String(callLabel, call), attribute.String(resultLabel, resultOf(err))))
}

func resultOf(err error) string {
	f := fault.As(err)
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, context.Canceled):
		return "cancelled"
	case f == nil:
		return "unknown"
	default:
		return string(f.Class)
	}
}

// Waited implements [groupcommit.Observer].
func (c *Calls) Waited(call string, wait time.Duration) { c.waited(systemKingdee, call, wait) }

// Called implements [groupcommit.Observer].
func (c *Calls) Called(call string, size int, took time.Duration, err error) {
	c.called(systemKingdee, call, took, err)
	c.bills.Record(context.Background(), int64(size), c.labels(attribute.String(callLabel, call)))
}

// Allowed implements [groupcommit.Observer].
func (c *Calls) Allowed(calls int) { c.allowed.Store(int64(calls)) }

// Source measures the calls to a source.
func (c *Calls) Source(source activities.Source) activities.Source {
	return measuredSource{source: source, calls: c}
}

type measuredSource struct {
	source activities.Source
	calls  *Calls
}

// List calls the source. Its wait for the rate limit ends when the request asks
// for a connection; a call that was given up before that doesn't count.
func (s measuredSource) List(ctx context.Context, source *catalog.Interface, params map[string]string) (jushuitan.Page, error) {
	var requested atomic.Int64 // nanoseconds since start
	start := time.Now()
	page, err := s.source.List(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) { requested.CompareAndSwap(0, int64(max(1, time.Since(start)))) },
	}), source, params)
	if wait := time.Duration(requested.Load()); wait > 0 {
		s.calls.waited(systemJushuitan, source.Name, wait)
		s.calls.called(systemJushuitan, source.Name, time.Since(start)-wait, err)
	}
	return page, err
}

// last is when a call to the system last succeeded; zero if none has since the worker
// started.
func (c *Calls) last(system string) time.Time {
	return c.lastSuccess[slices.Index(systems[:], system)].time()
}
