package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"refundsync/internal/booking"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// sourceBill checks that the source bills of a flow can be queried, and the bills that name
// them, and that the rule exists as far as Kingdee tells.
func (c *checks) sourceBill(ctx context.Context, ledger *kingdee.Client, f *flow.Flow) {
	if f.SourceBill == nil {
		return
	}
	what := text.Sprintf("Source bills (%s)", f.Name)
	query := booking.SourceQuery(f)
	keys := map[string][]string{query.FormID: query.Keys(), f.Call.FormId: query.LinkedKeys()}
	err := within(ctx, func(ctx context.Context) error {
		for _, form := range []string{query.FormID, f.Call.FormId} {
			unknown, err := ledger.UnknownFields(ctx, form, "FID", keys[form])
			if err == nil && len(unknown) > 0 {
				err = text.Errorf("%s has no field %s, so nothing can be linked and orders would wait; correct where in the flow's source_bill, or take source_bill out", form, strings.Join(unknown, ", "))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if !c.report(what, text.Sprintf("%s can be queried by %s", query.FormID, query.Field), err) {
		return
	}
	var known []string
	err = within(ctx, func(ctx context.Context) (err error) {
		known, err = ledger.Rules(ctx, []string{f.SourceBill.Rule})
		return err
	})
	switch {
	case err != nil:
		c.note(what, text.Sprintf("the conversion rules can't be read, so whether %s exists is unknown: %s", f.SourceBill.Rule, err))
	case !slices.Contains(known, f.SourceBill.Rule):
		c.note(what, text.Sprintf("Kingdee shows no conversion rule %s: with a wrong rule a bill is saved, but trace and write-back are lost; correct rule in the flow's source_bill by “转换规则” in Kingdee", f.SourceBill.Rule))
	}
}

// shownLinks says to what the lines of a bill are linked, a sentence for each.
func shownLinks(links []flow.LinkedLine) (shown []string) {
	for i, l := range links {
		if l.SourceBill == "" {
			shown = append(shown, text.Sprintf("Line %d, %s × %s: no source bill.", i+1, l.Item, l.Quantity))
		} else {
			shown = append(shown, text.Sprintf("Line %d, %s × %s: linked to %s, line %s.", i+1, l.Item, l.Quantity, l.SourceBill, l.SourceLine))
		}
	}
	return shown
}

// readLinks reads to what the lines of a bill are linked in Kingdee. A cell without a value
// is of a line that is not linked, or one that the user may not see.
func readLinks(ctx context.Context, ledger booking.Reader, f *flow.Flow, id string) (links []flow.LinkedLine, err error) {
	form, link := f.Form.Form, f.SourceBill.Link
	rows, err := ledger.ReadBill(ctx, booking.FormOf(f), id, []string{form.Item + ".FNumber", form.Quantity, link.Number, link.Line})
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			if cell != nil {
				cells[i] = strings.TrimSpace(fmt.Sprint(cell))
			}
		}
		l := flow.LinkedLine{Item: cells[0], SourceBill: cells[2], SourceLine: cells[3]}
		if l.Quantity, err = decimal.NewFromString(cells[1]); err != nil {
			return nil, kingdee.Unreadable(form.Quantity, id)
		}
		links = append(links, l)
	}
	return links, err
}
