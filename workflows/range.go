package workflows

import (
	"time"

	"refundsync/internal/beijing"
)

// The laws of the watermark, which range_test.go checks: every second before it was covered
// by a run that completed, and it never moves back. Only scheduled runs move it.

// SlowerClock is the current time for a run: that of the source's clock if it is behind
// ours. An order has its time from the source, so what our clock calls past may still change
// there. A zero source is unknown.
func SlowerClock(ours, source time.Time) time.Time {
	if !source.IsZero() && source.Before(ours) {
		return source
	}
	return ours
}

// GivenRange is the given range without the future: orders that change while the run reads
// must not move from one window to the next.
func GivenRange(given Window, now time.Time) Window {
	span := Window{From: given.From.In(beijing.Zone), To: given.To.In(beijing.Zone)}
	if now = now.Truncate(time.Second); span.To.After(now) {
		span.To = now.In(beijing.Zone)
	}
	return span
}

// IncrementalRange is what a run without a given range covers: from the watermark less the
// overlap, or without a watermark from since, to now less the lag. It ends before it begins
// if there is nothing to do. false says that there is no start.
func IncrementalRange(plan Plan, watermark, since *time.Time, now time.Time) (Window, bool) {
	var from time.Time
	switch {
	case watermark != nil:
		from = watermark.Add(-plan.Overlap)
	case since != nil:
		from = *since
	default:
		return Window{}, false
	}
	return Window{
		From: from.Truncate(time.Second).In(beijing.Zone),
		To:   now.Add(-plan.Lag).Truncate(time.Second).In(beijing.Zone),
	}, true
}

// sweepRange is what a sweep covers.
func sweepRange(sweep Sweep, now time.Time) Window {
	to := now.Add(-sweep.Behind).Truncate(time.Second).In(beijing.Zone)
	return Window{From: to.Add(-sweep.Span), To: to}
}

// NextWatermark is the watermark after a run that started with one, or nil, and covered the
// range. It does not move if the clock or the lag has moved the range's end behind it.
func NextWatermark(watermark *time.Time, covered Window) *time.Time {
	if covered.To.Before(covered.From) || watermark != nil && watermark.After(covered.To) {
		return watermark
	}
	return &covered.To
}

// lastDays are so many whole days up to yesterday.
func lastDays(days int, now time.Time) Window {
	now = now.In(beijing.Zone)
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, beijing.Zone)
	return Window{From: today.AddDate(0, 0, -days), To: today.Add(-time.Second)}
}
