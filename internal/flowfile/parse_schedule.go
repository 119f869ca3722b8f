package flowfile

import (
	"strings"
	"time"
	// Zone names are checked alike on every machine, whatever is installed there.
	_ "time/tzdata"

	"github.com/goccy/go-yaml/ast"
	"github.com/robfig/cron/v3"

	"refundsync/internal/beijing"
	"refundsync/internal/flow"
	"refundsync/internal/text"
)

func (p *parser) schedule(s section) {
	p.flow.Schedule = flow.Schedule{TimeZone: "Asia/Shanghai"}
	if s.has("time_zone") {
		zone := s.text("time_zone")
		// Local differs from machine to machine.
		if _, err := time.LoadLocation(zone); zone != "" && (err != nil || zone == "Local") {
			p.report(s.valueSpan("time_zone"), text.New("There is no time zone %s; expected an IANA name, such as Asia/Shanghai.", zone))
		}
		p.flow.Schedule.TimeZone = zone
	}
	if s.has("cron") {
		p.cronLines(s)
	}
	if s.has("not_between") {
		p.notBetween(s.pairs["not_between"].value)
	}
}

// daily is read after the schedule, whose time zone it uses. at is the default.
func (p *parser) daily(s section, at int) *flow.Daily {
	daily := &flow.Daily{Days: s.integer("days"), At: at}
	if s.has("at") {
		daily.At = p.timeOfDay(s, "at")
	}
	for _, span := range p.flow.Schedule.NotBetween {
		if s.has("at") && span.Holds(daily.At) {
			p.report(s.valueSpan("at"), text.New("at is within %s of not_between, when nothing runs.", span))
		}
	}
	return daily
}

// timeOfDay reads a time of day as the minute of the day.
func (p *parser) timeOfDay(s section, name string) int {
	at, ok := minuteOfDay(s.text(name))
	if !ok || at == 24*60 {
		p.report(s.valueSpan(name), text.New("%s takes a time of day, such as \"03:30\".", name))
	}
	return at
}

func (p *parser) cronLines(s section) {
	list, ok := s.pairs["cron"].value.(*ast.SequenceNode)
	if !ok {
		if line := s.text("cron"); strings.TrimSpace(line) != "" {
			p.cronLine(s.valueSpan("cron"), line)
		}
		return
	}
	if len(list.Values) == 0 {
		p.report(s.valueSpan("cron"), text.New("cron is empty; expected one or more lines, such as */10 * * * *."))
	}
	for _, entry := range list.Values {
		if line, ok := p.textNode(entry); ok {
			p.cronLine(p.spanOf(entry), line)
		}
	}
}

func (p *parser) cronLine(at span, line string) {
	line = strings.TrimSpace(line)
	if err := CheckCron(line); err != nil {
		p.report(at, text.Of(err))
		return
	}
	p.flow.Schedule.Cron = append(p.flow.Schedule.Cron, line)
}

// CheckCron says in a sentence what is wrong with a cron line; nil if nothing is.
func CheckCron(line string) error {
	if strings.Contains(line, "TZ=") {
		return text.Errorf("cron can't contain a time zone; put it in time_zone.")
	}
	// The parser that the Temporal server itself uses for its cron.
	times, err := cron.ParseStandard(line)
	if err != nil {
		return text.Errorf("The cron line %s is wrong (%w); expected 5 fields: minute, hour, day, month, weekday, such as */10 * * * *.", line, err)
	}
	if times.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, beijing.Zone)).IsZero() {
		return text.Errorf("The cron line %s never comes due; use a day that exists.", line)
	}
	// Temporal's cron runs on a day that matches either, its schedules on one that
	// matches both.
	const star = 1 << 63
	if fields, ok := times.(*cron.SpecSchedule); ok && fields.Dom&star == 0 && fields.Dow&star == 0 {
		return text.Errorf("The cron line %s has both a day and a weekday, which is ambiguous; use * for one of them.", line)
	}
	return nil
}

func (p *parser) notBetween(node ast.Node) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		p.wrongType(node, wantDaySpans)
		return
	}
	for _, entry := range list.Values {
		value, ok := p.textNode(entry)
		if !ok {
			continue
		}
		span, ok := ParseDaySpan(value)
		if !ok {
			p.wrongType(entry, wantDaySpans)
			continue
		}
		p.flow.Schedule.NotBetween = append(p.flow.Schedule.NotBetween, span)
	}
}

var wantDaySpans = text.New("a list of time ranges, such as [\"01:00-05:30\", \"23:00-24:00\"]")

// ParseDaySpan reads a span such as 23:00-05:30; false if it is not one.
func ParseDaySpan(value string) (flow.DaySpan, bool) {
	from, to, ok := strings.Cut(value, "-")
	if !ok {
		return flow.DaySpan{}, false
	}
	span := flow.DaySpan{}
	if span.From, ok = minuteOfDay(from); !ok {
		return flow.DaySpan{}, false
	}
	span.To, ok = minuteOfDay(to)
	whole := span.From == 0 && span.To == 24*60
	return span, ok && !whole && span.From != span.To && span.From != 24*60
}

func minuteOfDay(value string) (int, bool) {
	value = strings.TrimSpace(value)
	if value == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", value)
	return 60*t.Hour() + t.Minute(), err == nil
}
