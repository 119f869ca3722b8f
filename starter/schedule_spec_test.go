package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"pgregory.net/rapid"

	"refundsync/internal/flow"
)

// matches reports whether a calendar matches a minute of the day.
func matches(calendar client.ScheduleCalendarSpec, minute int) bool {
	in := func(ranges []client.ScheduleRange, value int) bool {
		for _, r := range ranges {
			if value >= r.Start && value <= max(r.Start, r.End) {
				return true
			}
		}
		return false
	}
	return in(calendar.Minute, minute%60) && in(calendar.Hour, minute/60) && in(calendar.Second, 0) && in(calendar.Second, 59)
}

// Whatever the span, its minutes are skipped and no others.
func TestSkippedCalendarsMatchTheSpanOfTheDay(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := flow.DaySpan{From: rapid.IntRange(0, 24*60-1).Draw(t, "from"), To: rapid.IntRange(0, 24*60).Draw(t, "to")}
		if span.From == span.To || span.From == 0 && span.To == 24*60 {
			t.Skip("no span")
		}
		calendars := skipped(span)
		for minute := range 24 * 60 {
			inside := minute >= span.From && minute < span.To
			if span.To <= span.From {
				inside = minute >= span.From || minute < span.To
			}
			skip := false
			for _, calendar := range calendars {
				skip = skip || matches(calendar, minute)
			}
			require.Equal(t, inside, skip, "%02d:%02d", minute/60, minute%60)
		}
		require.Equal(t, []string{span.String()}, quietSpans(&client.ScheduleSpec{Skip: calendars}))
	})
}

func TestTimesOfAScheduleComeFromTheFlowUnlessFlagsSayOtherwise(t *testing.T) {
	of := &flow.Flow{Name: "refunds", Schedule: flow.Schedule{
		Cron: []string{"*/10 * * * *"}, TimeZone: "Asia/Tokyo", NotBetween: []flow.DaySpan{{From: 60, To: 300}},
	}}
	for _, c := range []struct {
		name  string
		of    *flow.Flow
		flags timesFlags
		want  flow.Schedule
		err   string
	}{
		{"the flow's", of, timesFlags{}, of.Schedule, ""},
		{"by flags", of, timesFlags{cron: []string{"@hourly", "0 9 * * MON"}, notBetween: []string{"23:00-01:00"}, timeZone: "UTC"},
			flow.Schedule{Cron: []string{"@hourly", "0 9 * * MON"}, NotBetween: []flow.DaySpan{{From: 23 * 60, To: 60}}, TimeZone: "UTC"}, ""},
		{"of a flow without a schedule", &flow.Flow{Name: "refunds"}, timesFlags{cron: []string{"@daily"}},
			flow.Schedule{Cron: []string{"@daily"}, TimeZone: "Asia/Shanghai"}, ""},
		{"none", &flow.Flow{Name: "refunds"}, timesFlags{}, flow.Schedule{}, "--cron"},
		{"no cron line", of, timesFlags{cron: []string{"every hour"}}, flow.Schedule{}, "every hour"},
		{"no span", of, timesFlags{notBetween: []string{"night"}}, flow.Schedule{}, "--not-between"},
		{"no zone", of, timesFlags{timeZone: "Asia/Beijing"}, flow.Schedule{}, "Asia/Beijing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			times, err := c.flags.times(c.of)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				return
			}
			require.NoError(t, err)
			require.Equal(t, c.want, times)
		})
	}
}

// What a schedule's update does not name stays as the server has it.
func TestUpdateKeepsTheTimesThatItDoesNotName(t *testing.T) {
	calendar := client.ScheduleCalendarSpec{Comment: "*/10 8-22 * * *"}
	night := skipped(flow.DaySpan{From: 60, To: 300})
	old := client.ScheduleSpec{
		Calendars: []client.ScheduleCalendarSpec{calendar}, Intervals: []client.ScheduleIntervalSpec{{Every: 90 * time.Second}},
		Skip: night, TimeZoneName: "Asia/Tokyo", Jitter: time.Minute,
	}
	noon := flow.DaySpan{From: 720, To: 780}
	for _, c := range []struct {
		name   string
		flags  timesFlags
		change func(*client.ScheduleSpec)
	}{
		{"nothing", timesFlags{}, func(*client.ScheduleSpec) {}},
		{"the times", timesFlags{cron: []string{"@hourly"}}, func(s *client.ScheduleSpec) {
			s.CronExpressions, s.Calendars, s.Intervals = []string{"@hourly # @hourly"}, nil, nil
		}},
		{"the spans", timesFlags{notBetween: []string{"12:00-13:00"}}, func(s *client.ScheduleSpec) { s.Skip = skipped(noon) }},
		{"the zone", timesFlags{timeZone: "UTC"}, func(s *client.ScheduleSpec) { s.TimeZoneName = "UTC" }},
	} {
		t.Run(c.name, func(t *testing.T) {
			named, err := c.flags.named()
			require.NoError(t, err)
			want := old
			c.change(&want)
			require.Equal(t, want, changedSpec(old, named))
		})
	}
}

func TestHasTimes(t *testing.T) {
	spec := &client.ScheduleSpec{
		Calendars: []client.ScheduleCalendarSpec{{Comment: "@daily"}}, Intervals: []client.ScheduleIntervalSpec{{Every: 90 * time.Second}},
		Skip: skipped(flow.DaySpan{From: 60, To: 310}), TimeZoneName: "Asia/Shanghai",
	}
	same := flow.Schedule{Cron: []string{"@every 90s", "@daily"}, NotBetween: []flow.DaySpan{{From: 60, To: 310}}, TimeZone: "Asia/Shanghai"}
	require.True(t, hasTimes(spec, same))
	for name, change := range map[string]func(*flow.Schedule){
		"another line":   func(s *flow.Schedule) { s.Cron = []string{"@every 90s", "@hourly"} },
		"no span":        func(s *flow.Schedule) { s.NotBetween = nil },
		"another zone":   func(s *flow.Schedule) { s.TimeZone = "UTC" },
		"one line fewer": func(s *flow.Schedule) { s.Cron = []string{"@daily"} },
	} {
		other := same
		change(&other)
		require.False(t, hasTimes(spec, other), name)
	}
}

func TestCronScheduleIsOneLineWithItsZone(t *testing.T) {
	for _, c := range []struct {
		name  string
		times flow.Schedule
		want  string
	}{
		{"a line", flow.Schedule{Cron: []string{"*/10 * * * *"}, TimeZone: "Asia/Shanghai"}, "CRON_TZ=Asia/Shanghai */10 * * * *"},
		{"an interval", flow.Schedule{Cron: []string{"@every 90s"}, TimeZone: "Asia/Shanghai"}, "@every 90s"},
		{"two lines", flow.Schedule{Cron: []string{"@hourly", "@daily"}}, ""},
		{"a span of the day", flow.Schedule{Cron: []string{"@hourly"}, NotBetween: []flow.DaySpan{{From: 60, To: 120}}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := cronSchedule(c.times)
			require.Equal(t, c.want == "", err != nil)
			require.Equal(t, c.want, got)
		})
	}
}
