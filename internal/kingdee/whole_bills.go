package kingdee

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"refundsync/internal/text"
)

// mostWhole is how many bills one query of whole bills asks for: they come with their lines.
const mostWhole = 100

// WholeBill is a bill with its lines.
type WholeBill struct {
	Bill
	// FID is [Bill.ID] as a number.
	FID int64
	// Customer is the number of whom the bill is for.
	Customer string
	Lines    []Line
}

// Line is a line of a bill. What the form does not have is "" or zero.
type Line struct {
	// Item and Stock are numbers of base data; Stock is "" for none.
	Item  string `json:"item"`
	Stock string `json:"stock"`
	// TaxPrice and Amount are with tax.
	Quantity decimal.Decimal `json:"quantity"`
	TaxPrice decimal.Decimal `json:"price"`
	Amount   decimal.Decimal `json:"amount"`
}

// WholeBills gives all bills of the numbers, in no particular order. Empty numbers are
// ignored. It fails if a field of a bill can't be read.
func WholeBills(ctx context.Context, queries Queries, form BillForm, numbers []string) ([]WholeBill, error) {
	return wholeBills(ctx, queries, form, numbers, func(numbers []string) string {
		return form.Number + " in (" + quoteAll(numbers) + ")"
	})
}

// WholeBillsOf gives the bills of the ids (FID) that exist.
func WholeBillsOf(ctx context.Context, queries Queries, form BillForm, ids []int64) ([]WholeBill, error) {
	var texts []string
	for _, id := range ids {
		texts = append(texts, strconv.FormatInt(id, 10))
	}
	return wholeBills(ctx, queries, form, texts, func(ids []string) string {
		return "FID in (" + strings.Join(ids, ",") + ")"
	})
}

func wholeBills(ctx context.Context, queries Queries, form BillForm, keys []string, filter func([]string) string) (bills []WholeBill, err error) {
	keys = slices.Compact(slices.DeleteFunc(slices.Sorted(slices.Values(keys)), func(key string) bool { return key == "" }))
	reader := wholeReader{form: form, line: form.lineKeys(), places: map[string]int{}}
	columns := append([]string{form.entryID()}, reader.line...)
	for chunk := range slices.Chunk(keys, mostWhole) {
		rows, err := allRowsBy(ctx, queries, BillQuery{
			FormID:       form.ID,
			FieldKeys:    strings.Join(append(columns[:len(columns):len(columns)], form.billKeys()...), ","),
			FilterString: filter(chunk),
			OrderString:  form.entryID(),
		}, func(row []any) string {
			if id := entryOf(row); id != "" {
				return id
			}
			return "FID " + cellText(row[len(columns)])
		})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			if err := reader.take(row[len(columns):], row[:len(columns)]); err != nil {
				return nil, err
			}
		}
	}
	return reader.bills, nil
}

// lineKeys are the fields of a [WholeBill] besides those of [Bill].
func (f BillForm) lineKeys() []string {
	return slices.DeleteFunc([]string{f.Customer, f.Item, f.Stock, f.Quantity, f.Price, f.Amount}, func(key string) bool { return key == "" })
}

// entryOf is the id of the line in a row; "" for the row of a bill without lines.
func entryOf(row []any) string {
	if id := cellText(row[0]); id != "0" {
		return id
	}
	return ""
}

// wholeReader reads rows, one per line.
type wholeReader struct {
	form   BillForm
	line   []string // keys
	bills  []WholeBill
	places map[string]int // in bills, by FID
}

// take reads a row. A draft (Z) may lack anything, as Kingdee keeps it unchecked: what it
// has no value of is empty or zero, and it may have no lines.
func (r *wholeReader) take(ofBill, ofLine []any) error {
	heads, err := r.form.readBills([][]any{ofBill})
	if err != nil {
		return err
	}
	head := heads[0]
	if head.Unreadable != "" {
		return Unreadable(head.Unreadable, head.ID)
	}
	if head.Date == "" {
		return Unreadable(r.form.Date, head.ID)
	}
	draft := head.DocumentStatus == "Z"
	if entryOf(ofLine) == "" && !draft {
		return Unreadable(r.form.entryID(), head.ID)
	}
	cells := map[string]any{}
	for i, key := range r.line {
		cell := ofLine[1+i]
		masked := noValue(cell) && cell != nil
		if blank := cellText(cell) == ""; blank && key != r.form.Stock && !draft || masked {
			return Unreadable(fieldOf(key), head.ID)
		}
		cells[key] = cell
	}
	number := func(key string) (value decimal.Decimal) {
		// A draft may have none, and a form may have no such field.
		if err == nil && cellText(cells[key]) != "" {
			value, err = cellNumber(key, head.ID, cells[key])
		}
		return value
	}
	line := Line{
		Item: strings.TrimSpace(cellText(cells[r.form.Item])), Stock: strings.TrimSpace(cellText(cells[r.form.Stock])),
		Quantity: number(r.form.Quantity), TaxPrice: number(r.form.Price), Amount: number(r.form.Amount),
	}
	if err != nil {
		return err
	}
	place, known := r.places[head.ID]
	if !known {
		id, err := strconv.ParseInt(head.ID, 10, 64)
		if err != nil {
			return malformed(MethodQuery, text.Errorf("FID %q is not a number", head.ID))
		}
		place = len(r.bills)
		r.places[head.ID] = place
		r.bills = append(r.bills, WholeBill{Bill: head, FID: id, Customer: strings.TrimSpace(cellText(cells[r.form.Customer]))})
	}
	if entryOf(ofLine) != "" {
		r.bills[place].Lines = append(r.bills[place].Lines, line)
	}
	return nil
}

// DatedBills says which bills [BillIDs] lists.
type DatedBills struct {
	Form BillForm
	// From and To are days, as 2006-01-02, both included.
	From, To string
	// BillTypes and Organisations are numbers; empty for any.
	BillTypes, Organisations []string
}

// BillIDs lists up to limit ids (FID) of bills above after, in order. Void bills are among
// them.
func BillIDs(ctx context.Context, queries Queries, which DatedBills, after int64, limit int) ([]int64, error) {
	date := which.Form.Date
	filter := date + ">=" + quoteAll([]string{which.From}) + " and " + date + "<=" + quoteAll([]string{which.To + " 23:59:59"}) +
		" and FID>" + strconv.FormatInt(after, 10)
	for _, in := range []struct {
		key     string
		numbers []string
	}{{which.Form.BillType, which.BillTypes}, {which.Form.Organisation, which.Organisations}} {
		if len(in.numbers) > 0 {
			filter += " and " + in.key + " in (" + quoteAll(in.numbers) + ")"
		}
	}
	rows, err := queries.ExecuteBillQuery(ctx, BillQuery{FormID: which.Form.ID, FieldKeys: "FID", FilterString: filter, OrderString: "FID", Limit: limit})
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(rows))
	last := after
	for i, row := range rows {
		if len(row) != 1 {
			return nil, malformed(MethodQuery, text.Errorf("a row has %d cells instead of %d", len(row), 1))
		}
		if ids[i], err = strconv.ParseInt(cellText(row[0]), 10, 64); err != nil || ids[i] <= last {
			return nil, malformed(MethodQuery, text.Errorf("the ids (FID) of the rows are not ascending numbers above %d", after))
		}
		last = ids[i]
	}
	return ids, nil
}
