package preview

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/kingdee"
)

func loadFlow(t *testing.T, change ...func(*flow.Flow)) *flow.Flow {
	t.Helper()
	f, err := flowfile.Load("../../flows/refund_to_return.yaml")
	require.NoError(t, err)
	for _, c := range change {
		c(f)
	}
	return f
}

func line(sku string, quantity, price int) map[string]any {
	number := json.Number(fmt.Sprint(quantity))
	return map[string]any{
		"asi_id": json.Number("1"), "sku_id": sku, "type": "退货", "qty": number, "r_qty": number, "price": json.Number(fmt.Sprint(price)), "name": "T恤",
	}
}

func record(change map[string]any, lines ...map[string]any) map[string]any {
	var items []any
	for _, line := range lines {
		items = append(items, line)
	}
	order := map[string]any{
		"as_id": json.Number("70001"), "so_id": "SO1", "outer_as_id": "R1", "shop_name": "天猫旗舰店", "status": "Confirmed", "good_status": "SELLER_RECEIVED",
		"type": "普通退货", "wms_co_id": json.Number("20001"), "modified": "2024-03-01 08:00:00", "items": items,
	}
	for name, value := range change {
		order[name] = value
	}
	return order
}

// books is a Kingdee in memory. Its bill is the one that the flow makes of an order, with
// changes.
type books struct {
	bills   []kingdee.Bill
	lines   []map[string]any // cells by key, of all lines
	unknown []string
	sources map[string][]kingdee.SourceLine
	err     error
	asked   int // how often for unknown fields
}

// booksOf holds the bill of an order.
func booksOf(t *testing.T, f *flow.Flow, order map[string]any) *books {
	t.Helper()
	opened, err := f.Pick(order)
	require.NoError(t, err)
	bill, err := opened.Bill()
	require.NoError(t, err)
	var model map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(bill.Model)))
	decoder.UseNumber()
	require.NoError(t, decoder.Decode(&model))
	cells := map[string]any{}
	var add func(group map[string]any, into map[string]any)
	add = func(group map[string]any, into map[string]any) {
		for name, value := range group {
			switch value := value.(type) {
			case []any:
			case map[string]any:
				for key, number := range value {
					if strings.EqualFold(key, "FNumber") {
						into[name+".FNumber"] = number
					}
				}
				if name == "SubHeadEntity" {
					add(value, into)
				}
			case json.Number:
				into[name] = json.Number(value.String() + ".0000000000")
				if strings.Contains(value.String(), ".") {
					into[name] = json.Number(value.String() + "00")
				}
			default:
				into[name] = value
			}
		}
	}
	add(model, cells)
	cells["FDate"] = cells["FDate"].(string) + "T00:00:00"
	b := &books{bills: []kingdee.Bill{{ID: "1", Number: bill.Number, DocumentStatus: "A", Date: "2024-03-01", Text: cells["FHeadNote"].(string)}}}
	for _, entry := range model["FEntity"].([]any) {
		row := map[string]any{}
		for key, value := range cells {
			row[key] = value
		}
		add(entry.(map[string]any), row)
		b.lines = append(b.lines, row)
	}
	return b
}

func (b *books) FindBills(_ context.Context, _ kingdee.BillForm, numbers []string) (map[string][]kingdee.Bill, error) {
	found := map[string][]kingdee.Bill{}
	for _, bill := range b.bills {
		if slices.Contains(numbers, bill.Number) {
			found[bill.Number] = append(found[bill.Number], bill)
		}
	}
	return found, b.err
}

func (b *books) NewestBills(context.Context, kingdee.BillForm, string, int) ([]kingdee.Bill, error) {
	return nil, b.err
}

func (b *books) ExecuteBillQuery(context.Context, kingdee.BillQuery) ([][]any, error) {
	return nil, b.err
}

func (b *books) ByItem(context.Context, kingdee.BillForm, string) (map[string]decimal.Decimal, error) {
	return nil, b.err
}

func (b *books) SourceLines(context.Context, kingdee.SourceQuery, []string) (map[string][]kingdee.SourceLine, error) {
	return b.sources, b.err
}

func (b *books) UnknownFields(context.Context, string, string, []string) ([]string, error) {
	b.asked++
	return b.unknown, b.err
}

func (b *books) ReadBill(_ context.Context, _ kingdee.BillForm, _ string, keys []string) (rows [][]any, err error) {
	for _, line := range b.lines {
		var row []any
		for _, key := range keys {
			if slices.Contains(b.unknown, key) {
				return nil, errors.New("no such field: " + key)
			}
			row = append(row, line[key])
		}
		rows = append(rows, row)
	}
	return rows, b.err
}

func look(t *testing.T, f *flow.Flow, kingdee Kingdee, order map[string]any) Order {
	t.Helper()
	o, err := (&Preview{Flow: f, Kingdee: kingdee}).Order(t.Context(), order)
	require.NoError(t, err)
	return o
}

// differing names the fields that differ, by line.
func differing(o Order) (names []string) {
	for _, field := range o.Head {
		if field.Differs {
			names = append(names, field.Field+": "+field.Value+"/"+field.Kingdee)
		}
	}
	for _, line := range o.Lines {
		for _, field := range line.Fields {
			if field.Differs {
				names = append(names, fmt.Sprintf("%d/%d %s: %s/%s", line.Number, line.Kingdee, field.Field, field.Value, field.Kingdee))
			}
		}
	}
	return names
}

func TestBillThatIsAsTheFlowMakesIt(t *testing.T) {
	f := loadFlow(t)
	order := record(nil, line("A", 2, 10), line("B", 1, 20))
	o := look(t, f, booksOf(t, f, order), order)
	require.Equal(t, "already_saved", o.Outcome)
	require.Equal(t, "40", o.Amount.String())
	require.Empty(t, differing(o))
	require.False(t, o.Differs())
	require.Len(t, o.Bills, 1)
	require.Contains(t, o.Bills[0].Mark, "[70001@")
	require.Len(t, o.Lines, 2)
	for _, field := range slices.Concat(o.Head, o.Lines[0].Fields) {
		require.Equal(t, field.Value, field.Kingdee, field.Field)
	}
	var body struct {
		Data struct{ Model []json.RawMessage }
	}
	require.NoError(t, json.Unmarshal(o.Request, &body))
	require.Len(t, body.Data.Model, 1)
}

func TestBillThatDiffers(t *testing.T) {
	before := record(nil, line("A", 2, 10), line("B", 1, 20))
	for _, c := range []struct {
		name   string
		order  map[string]any
		change func(*books)
		want   []string
	}{
		{"another quantity", record(nil, line("A", 3, 10), line("B", 1, 20)), nil, []string{"1/1 FRealQty: 3/2"}},
		{"lines in another order", record(nil, line("B", 1, 20), line("A", 2, 10)), nil, nil},
		{"of two lines of a material, the more alike", record(nil, line("A", 1, 9), line("A", 2, 10), line("B", 1, 20)), nil,
			[]string{"1/0 FMaterialId: A/", "1/0 FUnitID: Pcs/", "1/0 FRealQty: 1/", "1/0 FTaxPrice: 9/", "1/0 FEntryTaxRate: 13/", "1/0 FIsFree: false/",
				"1/0 FReturnType: THLX01_SYS/", "1/0 FStockId: CK001/", "1/0 FStockstatusId: KCZT01_SYS/", "1/0 FOwnerTypeId: BD_OwnerOrg/", "1/0 FOwnerId: 100/", "1/0 FNote: 1 T恤/"}},
		{"another customer and day", before, func(b *books) {
			for _, line := range b.lines {
				line["FRetcustId.FNumber"], line["FDate"] = "CUST_JD", "2024-03-05T00:00:00"
			}
		}, []string{"FDate: 2024-03-01/2024-03-05", "FRetcustId: CUST_TMALL/CUST_JD"}},
		{"a value that can't be seen", before, func(b *books) { b.lines[1]["FTaxPrice"] = nil },
			[]string{"2/2 FTaxPrice: 20/(no value, or no right to see it)"}},
		{"a field that the form does not have", before, func(b *books) {
			b.unknown = []string{"FReturnType"}
			b.lines[0]["FReturnType"] = "other"
		}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			kingdee := booksOf(t, f, before)
			if c.change != nil {
				c.change(kingdee)
			}
			o := look(t, f, kingdee, c.order)
			assert.Equal(t, c.want, differing(o))
			assert.Equal(t, len(c.want) > 0, o.Differs())
		})
	}
}

func TestLineThatIsOnlyInKingdee(t *testing.T) {
	f := loadFlow(t)
	o := look(t, f, booksOf(t, f, record(nil, line("A", 2, 10), line("B", 1, 20))), record(nil, line("B", 1, 20)))
	require.Len(t, o.Lines, 2)
	require.Equal(t, []int{1, 2}, []int{o.Lines[0].Number, o.Lines[0].Kingdee})
	require.Equal(t, []int{0, 1}, []int{o.Lines[1].Number, o.Lines[1].Kingdee})
	require.Contains(t, differing(o), "0/1 FMaterialId: /A")
}

func TestOutcomes(t *testing.T) {
	good := record(nil, line("A", 2, 10))
	for _, c := range []struct {
		name      string
		change    func(*flow.Flow)
		order     map[string]any
		outcome   string
		reason    string
		condition string
		fields    bool
	}{
		{name: "new", order: good, outcome: "saved", fields: true},
		{name: "left out", order: record(map[string]any{"status": "Cancelled"}, line("A", 2, 10)), outcome: "skipped", reason: "已作废 (cancelled)", condition: "status"},
		{name: "no code", order: record(map[string]any{"shop_name": "新店"}, line("A", 2, 10)), outcome: "parked", reason: "unknown_code customers 新店", fields: true},
		{name: "requirement not met", order: record(nil, line("A", -2, 10)), outcome: "parked", reason: "quantity_wrong", condition: "item.r_qty"},
		{name: "in a closed period", order: record(map[string]any{"modified": "2020-01-01 00:00:00"}, line("A", 2, 10)), outcome: "parked", reason: "closed_period", fields: true},
		{name: "hidden by the flow's parameters", change: func(f *flow.Flow) { f.Source.Parameters["status"] = "WaitConfirm" }, order: good, outcome: NotRead, fields: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t)
			if c.change != nil {
				c.change(f)
			}
			for _, kingdee := range []Kingdee{nil, &books{}} {
				o := look(t, f, kingdee, c.order)
				require.Equal(t, c.outcome, o.Outcome)
				require.Equal(t, c.reason, o.Reason)
				require.Equal(t, c.fields, len(o.Head) > 0)
				if c.condition == "" {
					require.Nil(t, o.Condition)
				} else {
					require.Contains(t, o.Condition.Expression, c.condition)
				}
				require.Equal(t, c.outcome == "parked", o.Message != "")
			}
		})
	}
}

// A new bill whose day is closed is shown with the day on which it would be booked.
func TestDateThatMoves(t *testing.T) {
	f := loadFlow(t, func(f *flow.Flow) { f.ClosedPeriods.Then = flow.ClosedFirstOpenDay })
	o := look(t, f, &books{}, record(map[string]any{"modified": "2020-01-01 00:00:00"}, line("A", 2, 10)))
	require.Equal(t, "saved", o.Outcome)
	require.Contains(t, o.Message, "2024-01-01")
	require.Contains(t, string(o.Request), `"FDate":"2024-01-01"`)
	i := slices.IndexFunc(o.Head, func(field Field) bool { return field.Field == "FDate" })
	require.Equal(t, "2024-01-01", o.Head[i].Value)
}

// Kingdee that can't be read is no order without a bill.
func TestKingdeeThatCannotBeRead(t *testing.T) {
	away := &fault.Error{Class: fault.Final, Reason: "away", Err: errors.New("away")}
	_, err := (&Preview{Flow: loadFlow(t), Kingdee: &books{err: away}}).Order(t.Context(), record(nil, line("A", 2, 10)))
	require.ErrorIs(t, err, away)
}

// The form is asked once for which fields it has, and thousands of lines are matched.
func TestManyOrdersAndLines(t *testing.T) {
	f := loadFlow(t)
	var lines []map[string]any
	for i := range 1500 {
		lines = append(lines, line("A", i+1, 10))
	}
	order := record(nil, lines...)
	kingdee := booksOf(t, f, order)
	p := &Preview{Flow: f, Kingdee: kingdee}
	for range 2 {
		o, err := p.Order(t.Context(), order)
		require.NoError(t, err)
		require.Empty(t, differing(o))
	}
	require.Equal(t, 1, kingdee.asked)
}
