package main

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/tenant"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// codesTimeout bounds the check of a flow's codes in either system: a table may hold many,
// and a range many orders.
const codesTimeout = 5 * time.Minute

// codes checks the codes of a flow that are known without an order.
func (c *checks) codes(ctx context.Context, source tenant.CodeSource, form kingdee.Form, f *flow.Flow) {
	ctx, cancel := context.WithTimeout(ctx, codesTimeout)
	defer cancel()
	what := text.Sprintf("Kingdee codes (%s)", f.Name)
	checked := tenant.CheckCodes(ctx, source, form, f)
	if len(checked.Open) > 0 {
		defer c.note(what, text.Sprintf("only orders tell all codes of %s; these are not checked", strings.Join(checked.Open, ", ")))
	}
	if checked.Codes == 0 {
		for _, finding := range checked.Findings {
			c.note(what, finding.String())
		}
		return
	}
	c.findings(what, text.Sprintf("%d codes of %d fields found, usable as far as Kingdee shows", checked.Codes, checked.Fields), checked.Findings)
}

// seenCodes checks that the codes of the last days' orders have entries in the tables.
// A code without one is no failure: its orders are parked, perhaps as somebody wants it.
func (c *checks) seenCodes(ctx context.Context, source *jushuitan.Client, f *flow.Flow) {
	ctx, cancel := context.WithTimeout(ctx, codesTimeout)
	defer cancel()
	what := text.Sprintf("Codes of the last %d days (%s)", c.days, f.Name)
	for _, table := range f.KingdeeTables {
		if table.State() == nil {
			c.note(what, text.Sprintf("table %s was not read from Kingdee; its codes are not checked", table.Name))
		}
	}
	now := time.Now().Truncate(time.Second)
	span := workflows.Window{From: now.AddDate(0, 0, -c.days), To: now}
	seen := seenCodes{orders: map[flow.UnlistedCode]int{}}
	if err := sourceOrders(ctx, source, f, span, func(record map[string]any) error { return seen.take(f, record) }); err != nil {
		c.note(what, text.Sprintf("not all orders could be read, so codes may be missing here; --days sets how many days: %s", err))
	}
	if missing := seen.missing(); missing != nil {
		c.note(what, missing.Error())
		return
	}
	c.print("✓", what, text.Sprintf("orders read: %d; no code without a row", seen.read))
}

// seenCodes counts orders by their codes without a row.
type seenCodes struct {
	read   int
	orders map[flow.UnlistedCode]int
}

// take adds an order of the source.
func (s *seenCodes) take(f *flow.Flow, record map[string]any) error {
	s.read++
	picked, err := f.Pick(record)
	if err != nil {
		return err
	}
	// An order that can't be judged is not left out.
	if _, leftOut, err := picked.Skip(); err == nil && leftOut {
		return nil
	}
	for _, code := range picked.UnlistedCodes() {
		if code.Parks() {
			s.orders[code]++
		}
	}
	return nil
}

// missing lists all codes, the most frequent first; nil if there is none.
func (s *seenCodes) missing() error {
	var lacks []error
	codes := slices.SortedFunc(maps.Keys(s.orders), func(a, b flow.UnlistedCode) int {
		return cmp.Or(s.orders[b]-s.orders[a], strings.Compare(a.Table.Name, b.Table.Name), strings.Compare(a.Code, b.Code))
	})
	for _, code := range codes {
		lacks = append(lacks, text.Errorf("%s; orders: %d. %s", code.Problem(), s.orders[code], code.Advice()))
	}
	return errors.Join(lacks...)
}
