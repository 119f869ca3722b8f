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

const (
	findChunk = 500  // numbers a query, which keeps the filter at some KB
	findPage  = 2000 // rows a page: the limit of older servers
)

// Bill is what a look-up tells of a bill.
type Bill struct {
	// ID is the bill's inner id (FID).
	ID string
	// Number is its number (FBillNo) as Kingdee has it.
	Number string
	// DocumentStatus is Z draft, A created, B under review, C audited or D
	// re-opened.
	DocumentStatus string
	// Date is the day to which it is booked (FDate), as 2006-01-02; "" if Kingdee
	// gave none that can be read.
	Date string
	// Text is the value of the text field that was asked for as well.
	Text string
}

// FindBills looks bills up by their numbers and gives them by number, exactly
// as Kingdee spells it: a number that is no key of the result has no bill. The
// database behind may compare without case, so a key can differ in case from
// the number asked for; it is then another number. More than one bill under a
// number is a double.
//
// textField is a text field of the head to read as well, such as FHeadNote; "" for none.
// Empty numbers name no bill and are not asked for.
func (c *Client) FindBills(ctx context.Context, formID, textField string, numbers []string) (map[string][]Bill, error) {
	wanted := slices.DeleteFunc(slices.Sorted(slices.Values(numbers)), func(number string) bool { return number == "" })
	fields := []string{"FID", "FBillNo", "FDocumentStatus", "FDate"}
	if textField != "" {
		fields = append(fields, textField)
	}
	found := make(map[string][]Bill)
	seen := make(map[string]bool)
	for chunk := range slices.Chunk(slices.Compact(wanted), findChunk) {
		query := BillQuery{
			FormID:       formID,
			FieldKeys:    strings.Join(fields, ","),
			FilterString: "FBillNo in (" + quoteAll(chunk) + ")",
			OrderString:  "FID",
			Limit:        findPage,
		}
		for last := false; !last; query.StartRow += findPage {
			rows, err := c.ExecuteBillQuery(ctx, query)
			if err != nil {
				return nil, err
			}
			fresh, err := addBills(found, seen, rows, len(fields))
			if err != nil {
				return nil, err
			}
			last = len(rows) < findPage
			if !last && fresh == 0 {
				return nil, malformed(executeBillQuery, errNoPaging)
			}
		}
	}
	return found, nil
}

// addBills adds the bills that are new and counts them. A bill is known by its
// id: a page that is read again brings nothing new.
func addBills(found map[string][]Bill, seen map[string]bool, rows [][]any, cells int) (fresh int, err error) {
	for _, row := range rows {
		if len(row) != cells {
			return 0, malformed(executeBillQuery, fmt.Errorf("a row without its %d cells", cells))
		}
		bill := Bill{ID: cellText(row[0]), Number: cellText(row[1]), DocumentStatus: cellText(row[2]), Date: cellDate(row[3])}
		if cells > 4 {
			bill.Text = cellText(row[4])
		}
		if bill.ID == "" {
			return 0, malformed(executeBillQuery, errors.New("a row without FID"))
		}
		if !seen[bill.ID] {
			seen[bill.ID] = true
			found[bill.Number] = append(found[bill.Number], bill)
			fresh++
		}
	}
	return fresh, nil
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
