package kingdee

import (
	"context"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
	"refundsync/internal/text"
)

// SourceQuery says which lines of source bills are read, such as those of outbound bills. It
// is comparable.
type SourceQuery struct {
	// FormID is the form of the source bills, and Source describes it.
	FormID string
	Source *catalog.LinkSource
	// Field is the field of the source bill whose value is given.
	Field string
	// To is the form of the bills that are linked to them.
	To *catalog.Interface
}

// SourceLine is a line of a source bill, which is audited and not void.
type SourceLine struct {
	// BillID (FID) and ID (the entry's id) are inner ids, in digits.
	BillID, BillNumber, ID string
	// Item and Unit are the numbers of the material and of the unit.
	Item, Unit string
	// Quantity is in Unit, Base the same in the base unit.
	Quantity, Base decimal.Decimal
	// Returned is what Kingdee has written back as returned, in Unit.
	Returned decimal.Decimal
	// Linked are the lines of bills that name this one, in any status, without void bills.
	Linked []LinkedLine
}

// LinkedLine is a line that names a source line.
type LinkedLine struct {
	BillNumber string
	Quantity   decimal.Decimal
}

// MostSources is how many values one query of source lines asks for: each may have several
// bills with many lines.
const MostSources = 100

// SourceLines is [SourceLines].
func (c *Client) SourceLines(ctx context.Context, q SourceQuery, values []string) (map[string][]SourceLine, error) {
	return SourceLines(ctx, c, q, values)
}

// SourceLines reads the lines of the audited source bills whose field has one of the values,
// by that value, in the order of their ids. Empty values are ignored. It fails if a cell of
// such a line can't be read.
func SourceLines(ctx context.Context, queries Queries, q SourceQuery, values []string) (map[string][]SourceLine, error) {
	values = slices.Compact(slices.DeleteFunc(slices.Sorted(slices.Values(values)), func(value string) bool { return value == "" }))
	found := map[string][]SourceLine{}
	for chunk := range slices.Chunk(values, MostSources) {
		if err := q.read(ctx, queries, chunk, found); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// sourceHead are the first columns of a source line.
const sourceHead = "FID,FBillNo,FDocumentStatus,FCancelStatus"

// Keys are the fields that are read of a source line, as queries name them.
func (q SourceQuery) Keys() []string {
	keys := append([]string{string(q.Source.Lines) + "_FEntryID"}, strings.Split(sourceHead, ",")...)
	keys = append(keys, q.Field, q.Source.Item, q.Source.Unit, q.Source.Quantity, q.Source.Base)
	return append(keys, q.Source.Returned...)
}

// LinkedKeys are the fields that are read of a line that names one.
func (q SourceQuery) LinkedKeys() []string {
	form := q.To.Form
	return []string{string(form.Lines) + "_FEntryID", form.Link.Line, form.Number, "FCancelStatus", form.Link.Form, form.Quantity}
}

// read adds the lines of a few values.
func (q SourceQuery) read(ctx context.Context, queries Queries, values []string, found map[string][]SourceLine) error {
	keys := q.Keys()
	rows, err := allRowsBy(ctx, queries, BillQuery{
		FormID:       q.FormID,
		FieldKeys:    strings.Join(keys, ","),
		FilterString: q.Field + " in (" + quoteAll(values) + ")",
		OrderString:  keys[0],
	}, func(row []any) string {
		if id := entryOf(row); id != "" {
			return id
		}
		return "FID " + cellText(row[1])
	})
	if err != nil {
		return err
	}
	var ids []string
	byID := map[string]*SourceLine{}
	read := map[string][]*SourceLine{}
	for _, row := range rows {
		line, err := q.line(keys, row)
		if err != nil {
			return err
		}
		if line == nil {
			continue
		}
		value := strings.TrimSpace(cellText(row[slices.Index(keys, q.Field)]))
		ids, byID[line.ID] = append(ids, line.ID), line
		read[value] = append(read[value], line)
	}
	for chunk := range slices.Chunk(ids, MostNumbers) {
		if err := q.readLinked(ctx, queries, chunk, byID); err != nil {
			return err
		}
	}
	for _, value := range values {
		// The database may compare without case, and find those of another value.
		for _, line := range read[strings.TrimSpace(value)] {
			found[value] = append(found[value], *line)
		}
	}
	return nil
}

// line reads a row; nil for one that can't be a source.
func (q SourceQuery) line(keys []string, row []any) (*SourceLine, error) {
	bill := cellText(row[1])
	for _, cell := range []int{1, 3, 4} { // a draft may have no number
		if noValue(row[cell]) || cellText(row[cell]) == "" {
			return nil, q.unreadable(keys[cell], bill)
		}
	}
	if cellText(row[3]) != "C" || cellText(row[4]) == void || entryOf(row) == "" {
		return nil, nil
	}
	for cell := range row {
		if noValue(row[cell]) || cellText(row[cell]) == "" {
			return nil, q.unreadable(keys[cell], bill)
		}
	}
	line := &SourceLine{
		BillID: bill, BillNumber: cellText(row[2]), ID: entryOf(row),
		Item: strings.TrimSpace(cellText(row[6])), Unit: strings.TrimSpace(cellText(row[7])),
	}
	for _, id := range []string{line.BillID, line.ID} {
		if strings.Trim(id, "0123456789") != "" {
			return nil, malformed(MethodQuery, text.Errorf("the id %q of a line of %s is not a number", shortenTo(id, 40), q.FormID))
		}
	}
	numbers := make([]decimal.Decimal, len(row)-8)
	for i := range numbers {
		var err error
		if numbers[i], err = decimalCell(row[8+i], keys[8+i], bill); err != nil {
			return nil, err
		}
	}
	line.Quantity, line.Base = numbers[0], numbers[1]
	for _, returned := range numbers[2:] {
		line.Returned = decimal.Max(line.Returned, returned)
	}
	return line, nil
}

// readLinked adds the lines that name some of the source lines.
func (q SourceQuery) readLinked(ctx context.Context, queries Queries, ids []string, lines map[string]*SourceLine) error {
	keys := q.LinkedKeys()
	rows, err := allRowsBy(ctx, queries, BillQuery{
		FormID:       q.To.Name,
		FieldKeys:    strings.Join(keys, ","),
		FilterString: q.To.Form.Link.Line + " in (" + strings.Join(ids, ",") + ")",
		OrderString:  keys[0],
	}, func(row []any) string { return cellText(row[0]) + " " + cellText(row[1]) })
	if err != nil {
		return err
	}
	for _, row := range rows {
		source := lines[cellText(row[1])]
		// The id may be that of a line of another form.
		if form := cellText(row[4]); source == nil || form != "" && !strings.EqualFold(form, q.FormID) {
			continue
		}
		for _, cell := range []int{2, 3, 5} {
			blank := row[cell] == nil || cellText(row[cell]) == ""
			if blank && cell != 2 || !blank && noValue(row[cell]) { // a draft may have no number
				return q.unreadable(keys[cell], cellText(row[2]))
			}
		}
		if cellText(row[3]) == void {
			continue
		}
		quantity, err := decimalCell(row[5], keys[5], cellText(row[2]))
		if err != nil {
			return err
		}
		source.Linked = append(source.Linked, LinkedLine{cellText(row[2]), quantity})
	}
	return nil
}

func (q SourceQuery) unreadable(field, bill string) error {
	f := unreadable.failure(MethodQuery, text.Errorf("the query of %s returned bill %s without a value of %s", q.FormID, bill, field))
	f.Field = field
	return f
}

// decimalCell reads a decimal.
func decimalCell(cell any, field, bill string) (decimal.Decimal, error) {
	number, err := decimal.NewFromString(cellText(cell))
	if err != nil || number.Exponent() < -maxExponent || number.Exponent() > maxExponent {
		return decimal.Zero, malformed(MethodQuery, text.Errorf("%s of bill %s is not a number", field, bill))
	}
	return number, nil
}

// Rules lists those of some conversion rules (转换规则) that the tenant has.
func (c *Client) Rules(ctx context.Context, rules []string) (known []string, err error) {
	rows, err := c.ExecuteBillQuery(ctx, BillQuery{
		FormID: "BOS_ConvertRule", FieldKeys: "FNumber,FName", FilterString: "FNumber in (" + quoteAll(rules) + ")", Limit: findPage,
	})
	if err != nil {
		return nil, err
	}
	for _, row := range rows {
		if len(row) != 2 {
			return nil, malformed(MethodQuery, text.Errorf("a row has %d cells instead of %d", len(row), 2))
		}
		known = append(known, cellText(row[0]))
	}
	return known, nil
}
