package kingdee

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"refundsync/internal/text"
)

// MostNumbers is how many numbers one query of [Client.FindBills] looks up. It keeps the
// filter at a few KB.
const MostNumbers = 500

// findPage is the number of rows of a page: the limit of older servers.
const findPage = 2000

// Bill is a bill as a look-up shows it.
type Bill struct {
	// ID is the bill's inner id (FID).
	ID string
	// Number is its number as Kingdee has it.
	Number string
	// DocumentStatus is Z draft, A created, B under review, C audited or D
	// re-opened.
	DocumentStatus string
	// Void (作废) is FCancelStatus B, which is independent of the status: a void bill
	// books nothing, and keeps its number.
	Void bool
	// Date is the day to which it is booked, as 2006-01-02; "" if it can't be
	// read.
	Date string
	// Text is its note.
	Text string
	// Unreadable names a field, of the status, Void and Text, whose cell has no value.
	// The field is then not set here.
	Unreadable string
}

// billKeys are the fields of a [Bill].
func (f BillForm) billKeys() []string {
	return []string{"FID", f.Number, "FDocumentStatus", "FCancelStatus", f.Date, f.Note}
}

// FindBills looks bills up, and gives them by the number that was looked up: a number
// that is not a key of the result has no bill. The database may compare without case: a
// bill whose number differs only in case is given if no bill has the exact number, as
// [Bill.Number] shows. Several bills under a number are duplicates.
//
// Empty numbers are ignored.
func (c *Client) FindBills(ctx context.Context, form BillForm, numbers []string) (map[string][]Bill, error) {
	wanted := slices.DeleteFunc(slices.Sorted(slices.Values(numbers)), func(number string) bool { return number == "" })
	wanted = slices.Compact(wanted)
	var bills []Bill
	for chunk := range slices.Chunk(wanted, MostNumbers) {
		rows, err := allRows(ctx, c, BillQuery{
			FormID:       form.ID,
			FieldKeys:    strings.Join(form.billKeys(), ","),
			FilterString: form.Number + " in (" + quoteAll(chunk) + ")",
			OrderString:  "FID",
		})
		if err != nil {
			return nil, err
		}
		found, err := form.readBills(rows)
		if err != nil {
			return nil, err
		}
		bills = append(bills, found...)
	}
	return underNumbers(bills, wanted), nil
}

// NewestBills gives up to limit bills whose note matches an SQL pattern, newest first.
func (c *Client) NewestBills(ctx context.Context, form BillForm, like string, limit int) ([]Bill, error) {
	rows, err := c.ExecuteBillQuery(ctx, BillQuery{
		FormID:       form.ID,
		FieldKeys:    strings.Join(form.billKeys(), ","),
		FilterString: form.Note + " like " + quoteAll([]string{like}),
		OrderString:  "FID desc",
		Limit:        limit,
	})
	if err != nil {
		return nil, err
	}
	return form.readBills(rows)
}

// BillsWith gives up to limit bills of which a field, which a bill has once, has a value,
// newest first.
func (c *Client) BillsWith(ctx context.Context, form BillForm, field, value string, limit int) ([]Bill, error) {
	rows, err := c.ExecuteBillQuery(ctx, BillQuery{
		FormID:       form.ID,
		FieldKeys:    strings.Join(form.billKeys(), ","),
		FilterString: field + "=" + quoteAll([]string{value}),
		OrderString:  "FID desc",
		Limit:        limit,
	})
	if err != nil {
		return nil, err
	}
	return form.readBills(rows)
}

// underNumbers groups the bills by the numbers that were looked up.
func underNumbers(bills []Bill, wanted []string) map[string][]Bill {
	exactly, folded := map[string][]Bill{}, map[string][]Bill{}
	for _, bill := range bills {
		exactly[bill.Number] = append(exactly[bill.Number], bill)
		lower := strings.ToLower(bill.Number)
		folded[lower] = append(folded[lower], bill)
	}
	found := map[string][]Bill{}
	for _, number := range wanted {
		if same, ok := exactly[number]; ok {
			found[number] = same
		} else if similar, ok := folded[strings.ToLower(number)]; ok {
			found[number] = similar
		}
	}
	return found
}

// allRows reads a query page by page. Its first field identifies a row, by which rows
// are deduplicated.
func allRows(ctx context.Context, queries Queries, query BillQuery) ([][]any, error) {
	return allRowsBy(ctx, queries, query, func(row []any) string { return cellText(row[0]) })
}

// allRowsBy reads a query page by page. idOf identifies a row; "" is a failure.
func allRowsBy(ctx context.Context, queries Queries, query BillQuery, idOf func(row []any) string) (all [][]any, err error) {
	query.Limit = findPage
	seen := map[string]bool{}
	for last := false; !last; query.StartRow += findPage {
		rows, err := queries.ExecuteBillQuery(ctx, query)
		if err != nil {
			return nil, err
		}
		before := len(all)
		for _, row := range rows {
			if width := 1 + strings.Count(query.FieldKeys, ","); len(row) != width {
				return nil, malformed(MethodQuery, text.Errorf("a row has %d cells instead of %d", len(row), width))
			}
			id := idOf(row)
			if id == "" {
				first, _, _ := strings.Cut(query.FieldKeys, ",")
				return nil, malformed(MethodQuery, text.Errorf("a row has no %s", first))
			}
			if !seen[id] {
				seen[id] = true
				all = append(all, row)
			}
		}
		last = len(rows) < findPage
		if !last && len(all) == before {
			return nil, malformed(MethodQuery, text.Errorf("the same page came twice: StartRow is ignored"))
		}
	}
	return all, nil
}

// readBills reads rows of billKeys. A row without a number is a failure: it could be of
// any bill.
func (f BillForm) readBills(rows [][]any) ([]Bill, error) {
	fields := f.billKeys()
	bills := make([]Bill, 0, len(rows))
	for _, row := range rows {
		if len(row) != len(fields) {
			return nil, malformed(MethodQuery, text.Errorf("a row has %d cells instead of %d", len(row), len(fields)))
		}
		bill := Bill{ID: cellText(row[0]), Number: cellText(row[1]), DocumentStatus: cellText(row[2]), Void: cellText(row[3]) == void, Date: cellDate(row[4])}
		if bill.ID == "" {
			return nil, malformed(MethodQuery, text.Errorf("a row has no %s", "FID"))
		}
		if bill.Number == "" || noValue(row[1]) {
			return nil, Unreadable(f.Number, bill.ID)
		}
		for cell := 2; cell <= 3; cell++ {
			if noValue(row[cell]) || cellText(row[cell]) == "" {
				bill.Unreadable = fields[cell]
			}
		}
		bill.Text = cellText(row[5])
		if noValue(row[5]) {
			bill.Unreadable = f.Note
		}
		bills = append(bills, bill)
	}
	return bills, nil
}

// void is a value of FCancelStatus; A is a bill that is not void.
const void = "B"

// noValue reports whether a cell has no value: null, as for a field that the user has no
// right to, or asterisks, as for a masked one.
func noValue(cell any) bool {
	value, ok := cell.(string)
	return cell == nil || ok && len(value) >= 3 && strings.Trim(value, "*") == ""
}

// ReasonUnreadable is the Reason of a field of a bill that can't be read.
const ReasonUnreadable = "field_unreadable"

// Unreadable is the failure of a field without a value, of the bill with a FID.
func Unreadable(field, id string) error {
	f := unreadable.failure(MethodQuery, text.Errorf("the query returned the bill with FID %s without a value of %s", id, field))
	f.Field = field
	return f
}

// cellText reads an id or a number, which is a JSON string or number.
func cellText(cell any) string {
	switch v := cell.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	default:
		return ""
	}
}

// cellDate reads the day of a time such as 2024-03-02T00:00:00.
func cellDate(cell any) string {
	day, _, _ := strings.Cut(cellText(cell), "T")
	if _, err := time.Parse(time.DateOnly, day); err != nil {
		return ""
	}
	return day
}

// quoteAll makes SQL strings of the values. Quotes are doubled; nothing else needs
// escaping in a list.
func quoteAll(values []string) string {
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = "'" + strings.ReplaceAll(value, "'", "''") + "'"
	}
	return strings.Join(quoted, ",")
}
