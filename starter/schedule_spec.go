package main

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"
	// Zone names work on machines without zone files.
	_ "time/tzdata"

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"

	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/text"
)

// timesFlags override the times in the flow file.
type timesFlags struct {
	cron, notBetween []string
	timeZone         string
}

func (f *timesFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringArrayVar(&f.cron, "cron", nil, text.Sprintf("cron line, may be repeated; by default the flow's"))
	cmd.Flags().StringArrayVar(&f.notBetween, "not-between", nil, text.Sprintf("span of the day in which nothing runs, such as 01:00-05:30; may be repeated"))
	cmd.Flags().StringVar(&f.timeZone, "time-zone", "", text.Sprintf("time zone of both, such as Asia/Shanghai"))
}

// times are the flow's, overridden by the flags.
func (f *timesFlags) times(of *flow.Flow) (flow.Schedule, error) {
	named, err := f.named()
	times := of.Schedule
	if len(named.Cron) > 0 {
		times.Cron = named.Cron
	}
	if len(named.NotBetween) > 0 {
		times.NotBetween = named.NotBetween
	}
	times.TimeZone = cmp.Or(named.TimeZone, times.TimeZone, "Asia/Shanghai")
	if len(times.Cron) == 0 {
		return times, text.Errorf("flow %s has no checks.schedule: give --cron", of.Name)
	}
	return times, err
}

// named are the times of the flags alone.
func (f *timesFlags) named() (flow.Schedule, error) {
	times := flow.Schedule{Cron: f.cron, TimeZone: f.timeZone}
	var wrong []error
	for _, line := range f.cron {
		wrong = append(wrong, flowfile.CheckCron(line))
	}
	for _, line := range f.notBetween {
		span, ok := flowfile.ParseDaySpan(line)
		if !ok {
			wrong = append(wrong, text.Errorf("--not-between %q is not a span of the day, such as 01:00-05:30", line))
		}
		times.NotBetween = append(times.NotBetween, span)
	}
	if _, err := time.LoadLocation(f.timeZone); err != nil || f.timeZone == "Local" {
		wrong = append(wrong, text.Errorf("there is no time zone %s; give an IANA name, such as Asia/Shanghai", f.timeZone))
	}
	return times, errors.Join(wrong...)
}

// scheduleSpec are the times in Temporal's terms. The server turns cron lines into
// calendars; a comment keeps the line to show.
func scheduleSpec(times flow.Schedule, jitter time.Duration) client.ScheduleSpec {
	return changedSpec(client.ScheduleSpec{Jitter: jitter}, times)
}

// changedSpec is a schedule's spec with the times that are named changed.
func changedSpec(spec client.ScheduleSpec, named flow.Schedule) client.ScheduleSpec {
	if len(named.Cron) > 0 {
		spec.CronExpressions, spec.Calendars, spec.Intervals = nil, nil, nil
		for _, line := range named.Cron {
			spec.CronExpressions = append(spec.CronExpressions, line+" # "+line)
		}
	}
	if len(named.NotBetween) > 0 {
		spec.Skip = nil
		for _, span := range named.NotBetween {
			spec.Skip = append(spec.Skip, skipped(span)...)
		}
	}
	spec.TimeZoneName = cmp.Or(named.TimeZone, spec.TimeZoneName)
	return spec
}

// hasTimes tells whether a schedule has these times, in the form that the server gave them.
func hasTimes(spec *client.ScheduleSpec, times flow.Schedule) bool {
	var lines, spans []string
	for _, line := range times.Cron {
		if every, err := time.ParseDuration(strings.TrimPrefix(line, "@every ")); err == nil {
			line = "@every " + every.String()
		}
		lines = append(lines, line)
	}
	for _, span := range times.NotBetween {
		spans = append(spans, span.String())
	}
	slices.Sort(lines)
	return slices.Equal(slices.Sorted(slices.Values(cronLines(spec))), lines) && slices.Equal(quietSpans(spec), spans) && spec.TimeZoneName == times.TimeZone
}

// skipped are the calendars that match every second of a span of the day.
func skipped(span flow.DaySpan) []client.ScheduleCalendarSpec {
	const day = 24 * 60
	if span.To <= span.From {
		evening := skipped(flow.DaySpan{From: span.From, To: day})
		if span.To == 0 {
			return comment(span, evening)
		}
		return comment(span, append(evening, skipped(flow.DaySpan{From: 0, To: span.To})...))
	}
	var calendars []client.ScheduleCalendarSpec
	add := func(firstHour, lastHour, firstMinute, lastMinute int) {
		calendars = append(calendars, client.ScheduleCalendarSpec{
			Second: []client.ScheduleRange{{Start: 0, End: 59}},
			Minute: []client.ScheduleRange{{Start: firstMinute, End: lastMinute}},
			Hour:   []client.ScheduleRange{{Start: firstHour, End: lastHour}},
		})
	}
	firstHour, lastHour := span.From/60, (span.To-1)/60
	if firstHour == lastHour {
		add(firstHour, firstHour, span.From%60, (span.To-1)%60)
		return comment(span, calendars)
	}
	if span.From%60 > 0 {
		add(firstHour, firstHour, span.From%60, 59)
		firstHour++
	}
	if rest := span.To % 60; rest > 0 {
		add(lastHour, lastHour, 0, rest-1)
		lastHour--
	}
	if firstHour <= lastHour {
		add(firstHour, lastHour, 0, 59)
	}
	return comment(span, calendars)
}

func comment(span flow.DaySpan, calendars []client.ScheduleCalendarSpec) []client.ScheduleCalendarSpec {
	for i := range calendars {
		calendars[i].Comment = span.String()
	}
	return calendars
}

// cronLines and quietSpans read back what scheduleSpec wrote, in the form that the server
// gave it.
func cronLines(spec *client.ScheduleSpec) []string {
	lines := []string{}
	for _, calendar := range spec.Calendars {
		lines = append(lines, calendar.Comment)
	}
	for _, interval := range spec.Intervals {
		lines = append(lines, "@every "+interval.Every.String())
	}
	return lines
}

func quietSpans(spec *client.ScheduleSpec) []string {
	spans := []string{}
	for _, calendar := range spec.Skip {
		if len(spans) == 0 || spans[len(spans)-1] != calendar.Comment {
			spans = append(spans, calendar.Comment)
		}
	}
	return spans
}

// cronSchedule are the times as one line, which is all that a Temporal cron takes.
func cronSchedule(times flow.Schedule) (string, error) {
	if len(times.Cron) != 1 || len(times.NotBetween) > 0 {
		return "", text.Errorf("a cron takes one line and no not_between: use starter schedule, or give one line with --spec")
	}
	line := times.Cron[0]
	if strings.HasPrefix(line, "@every") {
		return line, nil
	}
	return "CRON_TZ=" + times.TimeZone + " " + line, nil
}
