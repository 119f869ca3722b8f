package workflows

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// A source whose clock is behind ours has the last word: what is past by ours may
// still change there.
func TestSlowerClock(t *testing.T) {
	noon := at("2024-03-01 12:00:00")
	for _, c := range []struct {
		name   string
		source time.Time
		want   string
	}{
		{"the source is behind", noon.Add(-30 * time.Second), "11:59:30"},
		{"the source is ahead", noon.Add(30 * time.Second), "12:00:00"},
		{"together", noon, "12:00:00"},
		{"the source does not say", time.Time{}, "12:00:00"},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, SlowerClock(noon, c.source).Format(time.TimeOnly))
		})
	}
}

// scheduled is a flow's month in miniature: its schedule, its clocks, and which
// seconds were covered by runs that completed.
type scheduled struct {
	plan  Plan
	start time.Time // where the first run starts
	now   time.Time
	// ahead is how far the source's clock is ahead of ours, which now is of.
	ahead time.Duration

	// input is what the schedule starts its runs with, and last the watermark in
	// the last completion result, which a deletion takes away.
	input SyncFlowInput
	last  *time.Time
	// listed is the watermark that the list of runs shows.
	listed *time.Time

	// covered by completed runs, whatever started them.
	covered []Window
}

// run is what SyncFlow does, by its own functions. How it ended is drawn.
func (s *scheduled) run(t *rapid.T, in SyncFlowInput, last *time.Time) (watermark *time.Time, completed bool) {
	if watermark = last; watermark == nil {
		watermark = in.Watermark
	}
	source := s.now.Add(s.ahead)
	now := SlowerClock(s.now, source)
	var span Window
	ok := true
	if in.Range != nil {
		span = GivenRange(*in.Range, now)
	} else {
		span, ok = IncrementalRange(s.plan, watermark, in.Since, now)
	}
	require.True(t, ok)
	require.False(t, span.To.After(s.now), "the future is left alone")
	if in.Range == nil && !span.To.Before(span.From) && !s.now.Before(s.start) {
		require.False(t, span.To.After(s.now.Add(-s.plan.Lag)))
	}
	switch rapid.SampledFrom([]string{"completes", "completes", "completes", "ends early", "fails"}).Draw(t, "ending") {
	case "fails":
		return watermark, false
	case "ends early":
		if count := windowCount(span, s.plan.LongestWindow); count > 1 {
			done := rapid.IntRange(1, count-1).Draw(t, "windows done")
			span.To = span.From.Add(time.Duration(done)*s.plan.LongestWindow - time.Second)
		}
	}
	// The source has shown what had changed by its own clock, and no more.
	shown := span
	if shown.To.After(source) {
		shown.To = source
	}
	s.covered = append(s.covered, shown)
	if in.ByHand || in.Range != nil {
		return watermark, true
	}
	return NextWatermark(watermark, span), true
}

// fire is a run of the schedule.
func (s *scheduled) fire(t *rapid.T) {
	before := s.last
	watermark, completed := s.run(t, s.input, s.last)
	if !completed {
		return
	}
	s.last = watermark
	if watermark != nil {
		s.listed = watermark
	}
	if before != nil {
		require.NotNil(t, watermark)
		require.False(t, watermark.Before(*before), "the watermark moved back")
	}
}

// check is the law: every second from the start to the watermark was covered by
// a run that completed.
func (s *scheduled) check(t *rapid.T) {
	if s.last == nil {
		return
	}
	for next := s.start; !next.After(*s.last); {
		reached := next
		for _, span := range s.covered {
			if !span.From.After(next) && !span.To.Before(next) && span.To.Add(time.Second).After(reached) {
				reached = span.To.Add(time.Second)
			}
		}
		require.True(t, reached.After(next), "a gap at %s before the watermark %s", next, s.last)
		next = reached
	}
}

// A month with failures, pauses, triggers, backfills, runs by hand, a clock that
// is set back, a source whose clock is another, and schedules deleted and made anew.
func TestEverySecondOfAMonthIsCovered(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		duration := func(longest time.Duration, label string) time.Duration {
			return time.Duration(rapid.Int64Range(0, int64(longest/time.Second)).Draw(t, label)) * time.Second
		}
		start := at("2024-03-01 00:00:00")
		s := &scheduled{start: start, now: start, input: SyncFlowInput{Since: &start}, plan: Plan{
			LongestWindow: time.Minute + duration(7*24*time.Hour, "window"),
			Overlap:       duration(2*time.Hour, "overlap"),
			Lag:           duration(2*time.Hour, "lag"),
		}}
		t.Repeat(map[string]func(*rapid.T){
			"the schedule fires": func(t *rapid.T) {
				s.now = s.now.Add(10*time.Minute + time.Duration(rapid.IntRange(0, 999).Draw(t, "ms"))*time.Millisecond)
				s.fire(t)
			},
			"paused": func(*rapid.T) { s.now = s.now.Add(duration(9*24*time.Hour, "pause")) },
			"triggered twice": func(t *rapid.T) {
				s.fire(t)
				s.fire(t)
			},
			"the clock is set back": func(*rapid.T) { s.now = s.now.Add(-duration(3*time.Hour, "step back")) },
			"the source's clock is another": func(*rapid.T) {
				s.ahead = duration(20*time.Minute, "source's clock") - 10*time.Minute
			},
			"the flow is changed": func(*rapid.T) {
				s.plan.Overlap, s.plan.Lag = duration(2*time.Hour, "overlap"), duration(2*time.Hour, "lag")
			},
			"by hand or backfill": func(t *rapid.T) {
				from := s.now.Add(-duration(40*24*time.Hour, "from"))
				before := s.last
				s.run(t, SyncFlowInput{Range: &Window{From: from, To: from.Add(duration(60*24*time.Hour, "to"))}}, nil)
				require.Equal(t, before, s.last)
			},
			"by hand without a range": func(t *rapid.T) {
				if s.listed == nil {
					t.Skip("no watermark yet")
				}
				watermark, _ := s.run(t, SyncFlowInput{ByHand: true, Watermark: s.listed}, nil)
				require.Equal(t, s.listed, watermark, "a run by hand moves no watermark")
			},
			"deleted and made anew": func(t *rapid.T) {
				if s.listed == nil {
					t.Skip("there is no watermark to go on from")
				}
				s.last, s.input = nil, SyncFlowInput{Watermark: s.listed}
			},
			"": func(t *rapid.T) { s.check(t) },
		})
		// The last word: a run that completes brings the watermark up to the lag.
		in, last := s.input, s.last
		if last == nil {
			last = in.Watermark
		}
		for _, reached := range []*time.Time{&s.start, last} {
			if reached != nil && reached.After(s.now) {
				s.now = *reached
			}
		}
		s.now, s.ahead = s.now.Add(4*time.Hour), 0
		span, ok := IncrementalRange(s.plan, last, in.Since, s.now)
		require.True(t, ok)
		s.covered = append(s.covered, span)
		s.last = NextWatermark(last, span)
		require.NotNil(t, s.last)
		require.Equal(t, s.now.Add(-s.plan.Lag).Truncate(time.Second).Unix(), s.last.Unix())
		s.check(t)
	})
}
