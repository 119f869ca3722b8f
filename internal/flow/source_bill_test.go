package flow_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/flow"
	"refundsync/internal/testkit/golden"
)

// linking is the built-in flow, which then links bills.
func linking(t *testing.T) *flow.Flow {
	t.Helper()
	return builtInWith(t, "  split_defective: true\n", "  split_defective: true\n  source_bill: { FormId: SAL_OUTSTOCK, where: { FThirdBillNo: { field: so_id } } }\n")
}

func mapped(t *testing.T, f *flow.Flow, header fields, lines ...fields) (*flow.Opened, flow.Bill) {
	t.Helper()
	raw, err := json.Marshal(fields{
		"as_id": 81000001, "outer_as_id": "T1", "so_id": " SO1 ", "type": "普通退货", "status": "Confirmed", "good_status": "SELLER_RECEIVED",
		"modified": "2024-03-03 10:20:30", "confirm_date": "2024-03-02 12:00:00", "shop_name": "天猫旗舰店", "wms_co_id": 20001, "refund": "39.80",
		"items": lines,
	}.with(header))
	require.NoError(t, err)
	opened := f.Open(pick(t, f, string(raw)))
	bill, err := opened.Bill()
	require.NoError(t, err)
	return opened, bill
}

// source is a line with so many pieces left of 10.
func source(bill, id, item string, left int64) flow.SourceLine {
	ten := decimal.NewFromInt(10)
	return flow.SourceLine{BillID: bill, BillNumber: "XSCK" + bill, ID: id, Item: item, Unit: "Pcs", Quantity: ten, Base: ten, Left: decimal.NewFromInt(left)}
}

func shownLinks(links []flow.LinkedLine) (shown []string) {
	for _, l := range links {
		shown = append(shown, strings.TrimSpace(fmt.Sprintf("%s %s %s %s", l.Item, l.Quantity, l.SourceBill, l.SourceLine)))
	}
	return shown
}

func TestLinesAreLinked(t *testing.T) {
	const one, other = "MAT-001", "MAT-002"
	two := wholeLine
	five := wholeLine.with(fields{"qty": 5, "r_qty": 5})
	for _, c := range []struct {
		name    string
		lines   []fields
		sources []flow.SourceLine
		want    []string
	}{
		{"no source", []fields{two}, nil, []string{"MAT-001 2"}},
		{"one with enough", []fields{two}, []flow.SourceLine{source("7", "71", one, 2)}, []string{"MAT-001 2 XSCK7 71"}},
		{"of another material", []fields{two}, []flow.SourceLine{source("7", "71", other, 2)}, []string{"MAT-001 2"}},
		{"with nothing left", []fields{two}, []flow.SourceLine{source("7", "71", one, 0)}, []string{"MAT-001 2"}},
		{"over-returned", []fields{two}, []flow.SourceLine{source("7", "71", one, -3)}, []string{"MAT-001 2"}},
		{"with less", []fields{two}, []flow.SourceLine{source("7", "71", one, 1)}, []string{"MAT-001 1 XSCK7 71", "MAT-001 1"}},
		{"the first with enough, in the order of ids", []fields{two}, []flow.SourceLine{source("10", "102", one, 5), source("10", "101", one, 5), source("9", "95", one, 1), source("9", "96", one, 2)}, []string{"MAT-001 2 XSCK9 96"}},
		{"split over several", []fields{five}, []flow.SourceLine{source("7", "71", one, 2), source("8", "81", one, 1), source("9", "91", one, 4)}, []string{"MAT-001 2 XSCK7 71", "MAT-001 1 XSCK8 81", "MAT-001 2 XSCK9 91"}},
		{"two lines share one", []fields{two, two}, []flow.SourceLine{source("7", "71", one, 3)}, []string{"MAT-001 2 XSCK7 71", "MAT-001 1 XSCK7 71", "MAT-001 1"}},
		{"each its own", []fields{two, two.with(fields{"sku_id": other})}, []flow.SourceLine{source("7", "72", other, 2), source("7", "71", one, 2)}, []string{"MAT-001 2 XSCK7 71", "MAT-002 2 XSCK7 72"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := linking(t)
			_, bill := mapped(t, f, nil, c.lines...)
			linked, links, err := f.Linked(bill, c.sources)
			require.NoError(t, err)
			assert.Equal(t, c.want, shownLinks(links))
			assert.Equal(t, bill.Mark, linked.Mark)
			assert.Contains(t, string(linked.Model), bill.Mark.String())
			again, _, err := f.Linked(bill, slices.Clone(c.sources))
			require.NoError(t, err)
			assert.Equal(t, string(linked.Model), string(again.Model))
			if !strings.Contains(strings.Join(c.want, ""), "XSCK") {
				assert.Equal(t, string(bill.Model), string(linked.Model), "as if nothing was to be linked")
			}
		})
	}
}

func TestALinkedBill(t *testing.T) {
	f := linking(t)
	_, bill := mapped(t, f, nil, wholeLine.with(fields{"qty": 3, "r_qty": 3, "amount": "100"}))
	box := source("100010", "200022", "MAT-001", 10)
	box.Base = decimal.NewFromInt(120)
	linked, _, err := f.Linked(bill, []flow.SourceLine{source("100009", "200021", "MAT-001", 1), box, source("100011", "200031", "MAT-002", 9)})
	require.NoError(t, err)
	golden.Equal(t, "linked_line.json", shownLines(t, linked))

	one := source("100009", "200021", "MAT-001", 1)
	linked, _, err = f.Linked(bill, []flow.SourceLine{one, source("100010", "200022", "MAT-001", 1)})
	require.NoError(t, err)
	golden.Equal(t, "split_line.json", shownLines(t, linked))
}

// shownLines are the lines of a bill as they are sent.
func shownLines(t *testing.T, bill flow.Bill) string {
	t.Helper()
	var model struct{ FEntity []json.RawMessage }
	require.NoError(t, json.Unmarshal(bill.Model, &model))
	text, err := json.MarshalIndent(model.FEntity, "", "  ")
	require.NoError(t, err)
	return string(text) + "\n"
}

// Quantities are only comparable in one unit. A flow that leaves the unit to Kingdee says
// that they are in that of the outbound line.
func TestUnitsOfSources(t *testing.T) {
	boxes, pieces := source("6", "61", "MAT-001", 9), source("7", "71", "MAT-001", 9)
	boxes.Unit = "Box"
	sent := linking(t)
	unsent := builtInWith(t, "      FUnitID: { field: item.sku_id, table: units }", "     ")
	unsent.SourceBill = sent.SourceBill
	for f, want := range map[*flow.Flow]string{sent: "MAT-001 2 XSCK7 71", unsent: "MAT-001 2 XSCK6 61"} {
		_, bill := mapped(t, f, nil, wholeLine)
		_, links, err := f.Linked(bill, []flow.SourceLine{boxes, pieces})
		require.NoError(t, err)
		assert.Equal(t, []string{want}, shownLinks(links))
	}
}

func TestTheValueOfSources(t *testing.T) {
	f := linking(t)
	opened, _ := mapped(t, f, nil, wholeLine)
	value, err := opened.SourceValue()
	require.NoError(t, err)
	assert.Equal(t, "SO1", value)
	opened, _ = mapped(t, f, fields{"so_id": nil}, wholeLine)
	value, err = opened.SourceValue()
	require.NoError(t, err)
	assert.Empty(t, value)
}

// The mark is about the order, however its bill was linked.
func TestTheMarkDoesNotDependOnLinks(t *testing.T) {
	with, without := linking(t), builtIn(t)
	_, linked := mapped(t, with, nil, wholeLine)
	_, plain := mapped(t, without, nil, wholeLine)
	assert.Equal(t, plain.Mark.Hash, linked.Mark.Hash)
}

// Laws of linking: the parts of the lines have their quantities and, to the cent, their
// money; no source gives more than it has left; a rest without a source remains only where
// all are used up; the result depends on nothing else.
func TestLawsOfLinking(t *testing.T) {
	f := linking(t)
	rapid.Check(t, func(r *rapid.T) {
		var lines []fields
		for range rapid.IntRange(1, 5).Draw(r, "lines") {
			quantity := decimal.New(rapid.Int64Range(1, 5000).Draw(r, "quantity"), -rapid.Int32Range(0, 2).Draw(r, "places"))
			lines = append(lines, wholeLine.with(fields{
				"sku_id": rapid.SampledFrom([]string{"MAT-001", "MAT-002"}).Draw(r, "sku"), "qty": quantity.String(), "r_qty": quantity.String(),
				"amount": decimal.New(rapid.Int64Range(1, 1e7).Draw(r, "amount"), -2).String(),
			}))
		}
		var sources []flow.SourceLine
		left := map[string]decimal.Decimal{}
		for i := range rapid.IntRange(0, 6).Draw(r, "sources") {
			s := source(fmt.Sprint(rapid.IntRange(5, 15).Draw(r, "bill")), fmt.Sprint(100+i), rapid.SampledFrom([]string{"MAT-001", "MAT-002"}).Draw(r, "item"), 0)
			s.Left = decimal.New(rapid.Int64Range(-10, 3000).Draw(r, "left"), -rapid.Int32Range(0, 2).Draw(r, "left places"))
			sources, left[s.ID] = append(sources, s), s.Left
		}
		raw, err := json.Marshal(fields{
			"as_id": 81000001, "so_id": "SO1", "type": "普通退货", "status": "Confirmed", "good_status": "SELLER_RECEIVED", "modified": "2024-03-03 10:20:30",
			"shop_name": "天猫旗舰店", "wms_co_id": 20001, "items": lines,
		})
		require.NoError(r, err)
		picked, err := f.Pick(decode(t, string(raw)))
		require.NoError(r, err)
		bill, err := picked.Bill()
		require.NoError(r, err)
		linked, links, err := f.Linked(bill, sources)
		require.NoError(r, err)

		before, after := bill.Lines(), linked.Lines()
		require.Len(r, links, len(after))
		sum := func(lines []flow.Line) (quantities, amounts map[string]string) {
			quantity, amount := map[string]decimal.Decimal{}, map[string]decimal.Decimal{}
			for _, l := range lines {
				quantity[l.Item], amount[l.Item] = quantity[l.Item].Add(l.Quantity), amount[l.Item].Add(l.Amount)
			}
			quantities, amounts = map[string]string{}, map[string]string{}
			for material := range quantity {
				quantities[material], amounts[material] = quantity[material].String(), amount[material].StringFixed(2)
			}
			return quantities, amounts
		}
		quantities, amounts := sum(before)
		nowQuantities, nowAmounts := sum(after)
		require.Equal(r, quantities, nowQuantities)
		require.Equal(r, amounts, nowAmounts)
		for i, l := range links {
			require.Equal(r, after[i].Quantity.String(), l.Quantity.String())
			require.True(r, l.Quantity.IsPositive())
			if l.SourceLine != "" {
				left[l.SourceLine] = left[l.SourceLine].Sub(l.Quantity)
				require.False(r, left[l.SourceLine].IsNegative(), "more was linked than was left")
			}
		}
		for _, l := range links {
			for _, s := range sources {
				if l.SourceLine == "" && s.Item == l.Item {
					require.False(r, left[s.ID].IsPositive(), "what has no source could have had one")
				}
			}
		}
		require.Equal(r, bill.Mark, linked.Mark)
		slices.Reverse(sources)
		again, _, err := f.Linked(bill, sources)
		require.NoError(r, err)
		require.Equal(r, string(linked.Model), string(again.Model))
	})
}

// Fields that go with a quantity are shared out with it.
func TestFieldsOfASplitLine(t *testing.T) {
	f := builtInWith(t, "      FMaterialId:", "      FAmount: { expression: '10.00' }\n      FSalBaseQty: { expression: item.r_qty * 2 }\n      FMaterialId:")
	f.SourceBill = linking(t).SourceBill
	_, bill := mapped(t, f, nil, wholeLine.with(fields{"qty": 3, "r_qty": 3}))
	linked, _, err := f.Linked(bill, []flow.SourceLine{source("7", "71", "MAT-001", 1), source("8", "81", "MAT-001", 1)})
	require.NoError(t, err)
	var model struct {
		FEntity []struct{ FRealQty, FAmount, FSalBaseQty, FEntryTaxRate json.Number }
	}
	require.NoError(t, json.Unmarshal(linked.Model, &model))
	assert.Equal(t, []struct{ FRealQty, FAmount, FSalBaseQty, FEntryTaxRate json.Number }{{"1", "3.33", "2", "13"}, {"1", "3.34", "2", "13"}, {"1", "3.33", "2", "13"}}, model.FEntity)
}
