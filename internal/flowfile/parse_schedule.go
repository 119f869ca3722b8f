package flowfile

import (
	"errors"
	"strings"
	"time"
	// Zone names are judged alike on every machine, also where none are installed.
	_ "time/tzdata"

	"github.com/goccy/go-yaml/ast"
	"github.com/robfig/cron/v3"

	"refundsync/internal/beijing"
	"refundsync/internal/flow"
)

func (p *parser) schedule(s section) {
	p.flow.Schedule = flow.Schedule{TimeZone: "Asia/Shanghai"}
	if s.has("time_zone") {
		zone := s.text("time_zone")
		// Local is whatever the machine says, and differs from one to the next.
		if _, err := time.LoadLocation(zone); zone != "" && (err != nil || zone == "Local") {
			p.report(s.valueSpan("time_zone"), say("没有时区 %[1]s，应为 IANA 名称，如 Asia/Shanghai。", "There is no time zone %[1]s; expected an IANA name, such as Asia/Shanghai.", zone))
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

// sweep comes after the schedule, in whose zone its time is.
func (p *parser) sweep(s section) {
	sweep := &flow.Sweep{Days: s.integer("days"), At: 3*60 + 30}
	p.flow.Sweep = sweep
	if !s.has("at") {
		return
	}
	at, ok := minuteOfDay(s.text("at"))
	if !ok || at == 24*60 {
		p.report(s.valueSpan("at"), say("at 应为一天中的时刻，如 \"03:30\"。", "at should be a time of the day, such as \"03:30\"."))
		return
	}
	sweep.At = at
	for _, span := range p.flow.Schedule.NotBetween {
		if span.Holds(at) {
			p.report(s.valueSpan("at"), say("at 在 not_between 的 %[1]s 之内，不会运行。", "at lies within %[1]s of not_between, so that it would never run.", span))
		}
	}
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
		p.report(s.valueSpan("cron"), say("cron 是空的，应为一行或多行，如 */10 * * * *。", "cron is empty; expected one line or several, such as */10 * * * *."))
	}
	for _, entry := range list.Values {
		if line, ok := p.textNode(entry); ok {
			p.cronLine(p.spanOf(entry), line)
		}
	}
}

func (p *parser) cronLine(at span, line string) {
	line = strings.TrimSpace(line)
	if problem := checkCron(line); problem != nil {
		p.report(at, *problem)
		return
	}
	p.flow.Schedule.Cron = append(p.flow.Schedule.Cron, line)
}

// CheckCron says what is wrong with a cron line, nil if nothing is.
func CheckCron(line string) error {
	if problem := checkCron(line); problem != nil {
		return errors.New(problem.Chinese + " " + problem.English)
	}
	return nil
}

func checkCron(line string) *message {
	wrong := func(chinese, english string, args ...any) *message {
		problem := say(chinese, english, args...)
		return &problem
	}
	if strings.Contains(line, "TZ=") {
		return wrong("cron 里不能写时区，请写在 time_zone 里。", "cron can't hold a time zone; put it in time_zone.")
	}
	// The parser that the Temporal server itself uses for its cron.
	times, err := cron.ParseStandard(line)
	if err != nil {
		return wrong("cron 行 %[1]s 有误（%[2]s），应为 5 个字段：分 时 日 月 星期，如 */10 * * * *。",
			"The cron line %[1]s is wrong (%[2]s); expected 5 fields: minute, hour, day, month, weekday, such as */10 * * * *.", line, err)
	}
	if times.Next(time.Date(2024, 1, 1, 0, 0, 0, 0, beijing.Zone)).IsZero() {
		return wrong("cron 行 %[1]s 永远不会到时间，应为会出现的日期。", "The cron line %[1]s never comes due; expected days that exist.", line)
	}
	// Temporal's cron takes a day that fits either, its schedules one that fits
	// both.
	const star = 1 << 63
	if fields, ok := times.(*cron.SpecSchedule); ok && fields.Dom&star == 0 && fields.Dow&star == 0 {
		return wrong("cron 行 %[1]s 同时限定了日和星期，含义不明，请只写一个，另一个写 *。",
			"The cron line %[1]s has both a day and a weekday, which is read in two ways; expected * for one of them.", line)
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
		text, ok := p.textNode(entry)
		if !ok {
			continue
		}
		span, ok := ParseDaySpan(text)
		if !ok {
			p.wrongType(entry, wantDaySpans)
			continue
		}
		p.flow.Schedule.NotBetween = append(p.flow.Schedule.NotBetween, span)
	}
}

var wantDaySpans = say("每天不运行的时段的列表，如 [\"01:00-05:30\", \"23:00-24:00\"]", "a list of spans of the day, such as [\"01:00-05:30\", \"23:00-24:00\"]")

// ParseDaySpan reads a span such as 23:00-05:30; false says that it is none.
func ParseDaySpan(text string) (flow.DaySpan, bool) {
	from, to, ok := strings.Cut(text, "-")
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

func minuteOfDay(text string) (int, bool) {
	text = strings.TrimSpace(text)
	if text == "24:00" {
		return 24 * 60, true
	}
	t, err := time.Parse("15:04", text)
	return 60*t.Hour() + t.Minute(), err == nil
}
