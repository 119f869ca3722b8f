package kingdee

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// MostNumbers is how many numbers one query of [Client.FindBills] asks for: it keeps the
// filter at some KB.
const MostNumbers = 500

// findPage is the rows of a page: the limit of older servers.
const findPage = 2000

// Bill is what a look-up tells of a bill.
type Bill struct {
	// ID is the bill's inner id (FID).
	ID string
	// Number is its number (FBillNo) as Kingdee has it.
	Number string
	// DocumentStatus is Z draft, A created, B under review, C audited or D
	// re-opened.
	DocumentStatus string
	// Void (作废) is FCancelStatus B, which stands beside the status: a void bill books
	// nothing, and still has its number.
	Void bool
	// Date is the day to which it is booked (FDate), as 2006-01-02; "" if Kingdee
	// gave none that can be read.
	Date string
	// Text is the value of the text field that was asked for as well.
	Text string
	// Unreadable names a field, of the status, Void and Text, whose cell holds no value.
	// What stands for it here is none.
	Unreadable string
}

// billKeys are the fields of a [Bill]; textField may be "".
func billKeys(textField string) string {
	return strings.TrimSuffix("FID,FBillNo,FDocumentStatus,FCancelStatus,FDate,"+textField, ",")
}

// FindBills looks bills up by their numbers, and gives them by the number that was
// asked for: one that is no key of the result has no bill. The database behind may
// compare without case. A bill whose number differs in case alone is given where none
// has the very number; [Bill.Number] tells. More than one bill under a number is a
// double.
//
// textField is a text field of the head to read as well, such as FHeadNote; "" for none.
// Empty numbers name no bill and are not asked for.
func (c *Client) FindBills(ctx context.Context, formID, textField string, numbers []string) (map[string][]Bill, error) {
	wanted := slices.DeleteFunc(slices.Sorted(slices.Values(numbers)), func(number string) bool { return number == "" })
	wanted = slices.Compact(wanted)
	var bills []Bill
	for chunk := range slices.Chunk(wanted, MostNumbers) {
		rows, err := c.allRows(ctx, BillQuery{
			FormID:       formID,
			FieldKeys:    billKeys(textField),
			FilterString: "FBillNo in (" + quoteAll(chunk) + ")",
			OrderString:  "FID",
		})
		if err != nil {
			return nil, err
		}
		found, err := readBills(rows, textField)
		if err != nil {
			return nil, err
		}
		bills = append(bills, found...)
	}
	return underNumbers(bills, wanted), nil
}

// NewestBills gives up to limit bills whose text field is like a pattern of SQL's, the
// last that were made first.
func (c *Client) NewestBills(ctx context.Context, formID, textField, like string, limit int) ([]Bill, error) {
	rows, err := c.ExecuteBillQuery(ctx, BillQuery{
		FormID:       formID,
		FieldKeys:    billKeys(textField),
		FilterString: textField + " like " + quoteAll([]string{like}),
		OrderString:  "FID desc",
		Limit:        limit,
	})
	if err != nil {
		return nil, err
	}
	return readBills(rows, textField)
}

// underNumbers gives the bills by the numbers that were asked for.
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

// allRows reads a query page by page. Its first field identifies a row: a page that is
// read again brings nothing new. Rows come once each.
func (c *Client) allRows(ctx context.Context, query BillQuery) (all [][]any, err error) {
	query.Limit = findPage
	seen := map[string]bool{}
	for last := false; !last; query.StartRow += findPage {
		rows, err := c.ExecuteBillQuery(ctx, query)
		if err != nil {
			return nil, err
		}
		before := len(all)
		for _, row := range rows {
			if width := 1 + strings.Count(query.FieldKeys, ","); len(row) != width {
				return nil, malformed(MethodQuery, fmt.Errorf("a row with %d cells instead of %d", len(row), width))
			}
			id := cellText(row[0])
			if id == "" {
				first, _, _ := strings.Cut(query.FieldKeys, ",")
				return nil, malformed(MethodQuery, errors.New("a row without "+first))
			}
			if !seen[id] {
				seen[id] = true
				all = append(all, row)
			}
		}
		last = len(rows) < findPage
		if !last && len(all) == before {
			return nil, malformed(MethodQuery, errNoPaging)
		}
	}
	return all, nil
}

// readBills reads rows of billKeys. A row without a number can't be told to be of any
// bill, and is never taken for one of no bill.
func readBills(rows [][]any, textField string) ([]Bill, error) {
	fields := strings.Split(billKeys(textField), ",")
	bills := make([]Bill, 0, len(rows))
	for _, row := range rows {
		if len(row) != len(fields) {
			return nil, malformed(MethodQuery, fmt.Errorf("a row with %d cells instead of %d", len(row), len(fields)))
		}
		bill := Bill{ID: cellText(row[0]), Number: cellText(row[1]), DocumentStatus: cellText(row[2]), Void: cellText(row[3]) == void, Date: cellDate(row[4])}
		if bill.ID == "" {
			return nil, malformed(MethodQuery, errors.New("a row without FID"))
		}
		if bill.Number == "" || noValue(row[1]) {
			return nil, Unreadable("FBillNo", bill.ID)
		}
		for cell := 2; cell <= 3; cell++ {
			if noValue(row[cell]) || cellText(row[cell]) == "" {
				bill.Unreadable = fields[cell]
			}
		}
		if textField != "" {
			bill.Text = cellText(row[5])
			if noValue(row[5]) {
				bill.Unreadable = textField
			}
		}
		bills = append(bills, bill)
	}
	return bills, nil
}

// void is a FCancelStatus; A is a bill that is not void.
const void = "B"

// noValue reports whether a cell holds no value of its field: null, as for a field
// that the user has no right to, or asterisks, as for one that is masked.
func noValue(cell any) bool {
	text, ok := cell.(string)
	return cell == nil || ok && len(text) >= 3 && strings.Trim(text, "*") == ""
}

// ReasonUnreadable is the Reason of a field of a bill that can't be read.
const ReasonUnreadable = "field_unreadable"

// Unreadable is a field of a bill, given by its FID, whose cell holds no value.
func Unreadable(field, id string) error {
	f := unreadable.failure(MethodQuery, fmt.Sprintf("单据（FID %[1]s）在查询里没有给出 %[2]s 的值。 The look-up gives bill FID %[1]s without the value of %[2]s", id, field))
	f.Field = field
	return f
}

// cellText reads an id or a number, which come as JSON strings or numbers.
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

// quoteAll makes SQL strings of the values. Doubling is all that the quotes
// need, and in a list nothing else has a meaning.
func quoteAll(values []string) string {
	quoted := make([]string, len(values))
	for i, value := range values {
		quoted[i] = "'" + strings.ReplaceAll(value, "'", "''") + "'"
	}
	return strings.Join(quoted, ",")
}

// errNoPaging is a server that would give the same page for ever.
var errNoPaging = errors.New("StartRow is not heeded: the same page again")
