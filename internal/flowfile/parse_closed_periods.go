package flowfile

import (
	"time"

	"github.com/goccy/go-yaml/ast"

	"refundsync/internal/beijing"
	"refundsync/internal/flow"
)

// closedPeriods reads closed_periods. With it every bill needs a date: one
// without would be dated by Kingdee, to whatever day that is.
func (p *parser) closedPeriods(s section, at span) {
	p.flow.ClosedPeriods = flow.ClosedPeriods{
		Until:            s.date("until"),
		MonthClosesOnDay: s.integer("month_closes_on_day"),
		Then:             s.oneOf("then"),
	}
	if !s.has("until") && !s.has("month_closes_on_day") && !s.unknown {
		p.report(at, say("closed_periods 应有 until 或 month_closes_on_day。", "closed_periods needs until or month_closes_on_day."))
	}
	for _, field := range p.flow.Rules.Bill {
		if field.Field.Name == flow.DateField {
			field.Mapping.Required = true
			return
		}
	}
	if len(p.flow.Rules.Bill) == 0 {
		return
	}
	p.report(at, say("有 closed_periods 时，bill 的 fields 里应有 FDate（日期）。", "With closed_periods the bill's fields need FDate."))
}

// date gives a key's day at midnight in Beijing; zero where it is absent.
func (s section) date(key string) time.Time {
	node := s.pairs[key].value
	if node == nil {
		return time.Time{}
	}
	if text, ok := node.(*ast.StringNode); ok {
		if day, err := time.ParseInLocation(time.DateOnly, text.Value, beijing.Zone); err == nil {
			return day
		}
	}
	s.wrongType(node, wantDate)
	return time.Time{}
}
