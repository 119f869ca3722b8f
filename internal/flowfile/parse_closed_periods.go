package flowfile

import (
	"time"

	"github.com/goccy/go-yaml/ast"

	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/text"
)

// closedPeriods reads closed_periods. It makes a bill's date required: Kingdee would date
// a bill without one by itself, perhaps to a closed day.
func (p *parser) closedPeriods(s section, at span) {
	p.flow.ClosedPeriods = flow.ClosedPeriods{
		Until:            s.day("until"),
		MonthClosesOnDay: s.integer("month_closes_on_day"),
		Then:             s.oneOf("then"),
	}
	if !s.has("until") && !s.has("month_closes_on_day") && !s.unknown {
		p.report(at, text.New("closed_periods needs until or month_closes_on_day."))
	}
	date, _ := p.flow.Form.Find(catalog.Head, p.flow.Form.Form.Date)
	for _, field := range p.flow.Rules.Bill {
		if field.Field.Name == date.Name {
			field.Mapping.Required = true
			return
		}
	}
	if len(p.flow.Rules.Bill) == 0 {
		return
	}
	p.report(at, text.New("With closed_periods, the bill's fields need %s.", flow.FieldName(date)))
}

// day is a key's day at midnight in Beijing; zero if the key is absent.
func (s section) day(key string) time.Time {
	node := s.pairs[key].value
	if node == nil {
		return time.Time{}
	}
	day, _ := s.date(node)
	return day
}

// date reads a day, at midnight in Beijing, and reports anything else.
func (d *document) date(node ast.Node) (time.Time, bool) {
	if value, ok := node.(*ast.StringNode); ok {
		if day, err := time.ParseInLocation(time.DateOnly, value.Value, beijing.Zone); err == nil {
			return day, true
		}
	}
	d.wrongType(node, text.New("a date, such as 2024-03-01"))
	return time.Time{}, false
}
