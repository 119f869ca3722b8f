// Package preview says what a flow would do with an order now: the bill that it would save,
// field by field beside the one that Kingdee has, and the outcome. It has no way to change
// anything.
package preview

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"refundsync/internal/booking"
	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// Outcomes of a preview that are none of a run.
const (
	// NotRead: a run does not see the order, because it does not meet the flow's parameters.
	NotRead = "not_read"
	// NotFound: Jushuitan does not show the order.
	NotFound = "not_found"
)

// Order is what would become of an order.
type Order struct {
	ID         string `json:"id"`
	BillNumber string `json:"bill_number,omitempty"`
	Shop       string `json:"shop,omitempty"`
	// Outcome is saved, updated, already_saved, skipped, bill_deleted, parked, [NotRead] or
	// [NotFound]. That Kingdee accepts a bill is only known once it is sent.
	Outcome string `json:"outcome"`
	// Amount is what the order's bill adds up to with tax; zero for an order that is left out
	// or parked.
	Amount decimal.Decimal `json:"amount,omitzero"`
	// Reason is why the order is left out or parked, and Message says it for a person.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// Condition is the one of the flow by which the order is left out or parked, if one is.
	Condition *flow.Condition `json:"condition,omitempty"`
	// Mismatches are the flow's parameters that the order does not meet.
	Mismatches []jushuitan.Mismatch `json:"mismatches,omitempty"`
	// Bills are those that Kingdee has under the order's numbers, void ones too.
	Bills []Bill `json:"bills,omitempty"`
	// Head are the fields of the bill's head, and Lines its lines; none if the order is not
	// mapped.
	Head  []Field `json:"head,omitempty"`
	Lines []Line  `json:"lines,omitempty"`
	// Links are the lines that would be sent with the sources that they name, where the flow
	// links bills and the bill would be saved.
	Links []flow.LinkedLine `json:"links,omitempty"`
	// Request is the body of the call that saves the bill: the one that would be made or, if
	// none would, the one that saves it as a new bill. Empty if the order is not mapped.
	Request json.RawMessage `json:"-"`
}

// Bill is a bill that Kingdee has.
type Bill struct {
	ID     string `json:"id"`
	Number string `json:"number"`
	// Status is FDocumentStatus: Z draft, A created, B under review, C audited, D re-opened.
	Status string `json:"status"`
	Void   bool   `json:"void,omitempty"`
	Date   string `json:"date,omitempty"`
	// Mark is the mark at the end of its note; "" without one.
	Mark string `json:"mark,omitempty"`
}

// Field is a field of the bill on both sides.
type Field struct {
	Field string `json:"field"`
	Label string `json:"label"`
	// Value is what would be sent, of base data the number; "" if nothing is.
	Value string `json:"value,omitempty"`
	// Hidden: the value may be about a person and is not shown.
	Hidden bool `json:"hidden,omitempty"`
	// Wrong is why there is no value although the bill needs one.
	Wrong string `json:"wrong,omitempty"`
	// Kingdee is what Kingdee has; "" if there is no bill, or if the field is not compared.
	Kingdee string `json:"kingdee,omitempty"`
	Differs bool   `json:"differs,omitempty"`
}

// Line is a line of the bill, with the line of Kingdee's that has the same item and is
// most like it.
type Line struct {
	// Number is that of the line that would be sent, and Kingdee that of the line in
	// Kingdee, both from 1; 0 if there is none.
	Number  int     `json:"number,omitempty"`
	Kingdee int     `json:"kingdee,omitempty"`
	Fields  []Field `json:"fields"`
}

// Differs reports whether a field of the bill differs, or a line is only on one side.
func (o Order) Differs() bool {
	differs := func(field Field) bool { return field.Differs }
	return slices.ContainsFunc(o.Head, differs) || slices.ContainsFunc(o.Lines, func(line Line) bool {
		return slices.ContainsFunc(line.Fields, differs)
	})
}

// Kingdee is what a preview needs of a [kingdee.Client].
type Kingdee interface {
	booking.Reader
	UnknownFields(ctx context.Context, formID, order string, keys []string) ([]string, error)
}

// Preview previews orders of a flow.
type Preview struct {
	Flow *flow.Flow
	// Kingdee is nil if Kingdee is not to be asked: the order then counts as one without a
	// bill.
	Kingdee Kingdee

	// columns are the fields that Kingdee is asked for, once it has said which it knows.
	columns []column
}

// Order previews an order as it comes from Jushuitan, with numbers as json.Number. It fails
// if Kingdee can't be read, or if the order has no key.
func (p *Preview) Order(ctx context.Context, record map[string]any) (Order, error) {
	opened, err := p.Flow.Pick(record)
	if err != nil {
		return Order{}, err
	}
	o := Order{
		ID: opened.Order.ID, BillNumber: opened.Order.BillNumber, Shop: opened.Order.Shop,
		Mismatches: jushuitan.Mismatches(p.Flow.Source.Interface, p.Flow.Source.Parameters, record),
	}
	bills, err := p.bills(ctx, opened.Order.BillNumber)
	if err != nil {
		return o, err
	}
	for _, bill := range bills {
		o.Bills = append(o.Bills, shownBill(bill))
	}
	explained := opened.Explain()
	if err := p.decide(ctx, &o, opened, explained); err != nil {
		return o, err
	}
	rows, err := p.rows(ctx, bills)
	if err != nil {
		return o, err
	}
	o.Head, o.Lines = p.sides(explained.Fields, rows)
	p.move(&o)
	if len(o.Mismatches) > 0 {
		o.Outcome = NotRead
	}
	return o, nil
}

// decide finds the outcome, and the request.
func (p *Preview) decide(ctx context.Context, o *Order, opened *flow.Opened, explained flow.Explanation) error {
	var ledger booking.Reader = noBills{}
	if p.Kingdee != nil {
		ledger = p.Kingdee
	}
	o.Condition = explained.LeftOut
	f := p.Flow
	if p.Kingdee == nil {
		// What the source bills hold is unknown, which is not nothing.
		unlinked := *f
		unlinked.SourceBill = nil
		f = &unlinked
	}
	result, request, err := booking.WouldSave(ctx, f, ledger, opened)
	switch f := fault.As(err); {
	case f != nil && f.Class == fault.Final:
		o.Outcome, o.Reason, o.Message = string(tally.Parked), f.Reason, text.Of(err).String()
		if explained.Unmet != nil {
			o.Condition = explained.Unmet
		}
	case err != nil:
		return err
	case result.Outcome.IsLeftOut():
		o.Outcome, o.Reason = result.Outcome.Label(), result.Reason
		if result.Outcome == tally.BillDeleted {
			o.Outcome = string(tally.BillDeleted)
		}
	default:
		o.Outcome, o.Amount = string(result.Outcome), result.Amount
	}
	if request != nil && f.SourceBill != nil {
		if o.Links, err = f.Links(request.Model[0]); err != nil {
			return err
		}
	}
	if request == nil && o.Condition == nil {
		bill, err := opened.Bill()
		if err != nil {
			return nil // decide has said why
		}
		asNew := booking.Request(p.Flow, bill.Model)
		request = &asNew
	}
	if request != nil {
		o.Request, err = request.Body()
		return err
	}
	return nil
}

// bills are those under the numbers that the order's bills can have.
func (p *Preview) bills(ctx context.Context, number string) (bills []kingdee.Bill, err error) {
	if p.Kingdee == nil || number == "" {
		return nil, nil
	}
	numbers := flow.BillNumbers(number)
	found, err := p.Kingdee.FindBills(ctx, booking.FormOf(p.Flow), numbers)
	for _, number := range numbers {
		bills = append(bills, found[number]...)
	}
	return bills, err
}

func shownBill(bill kingdee.Bill) Bill {
	shown := Bill{ID: bill.ID, Number: bill.Number, Status: bill.DocumentStatus, Void: bill.Void, Date: bill.Date}
	if mark, ok := flow.FindMark(bill.Text); ok {
		shown.Mark = mark.String()
	}
	return shown
}

// move shows the date under which a new bill would be saved if its own is in a closed
// period.
func (p *Preview) move(o *Order) {
	if o.Outcome != string(tally.Saved) || len(o.Request) == 0 {
		return
	}
	var body struct {
		Data struct{ Model []map[string]any }
	}
	if json.Unmarshal(o.Request, &body) != nil || len(body.Data.Model) == 0 {
		return
	}
	name := p.Flow.Form.Form.Date
	date, _ := body.Data.Model[0][name].(string)
	i := slices.IndexFunc(o.Head, func(field Field) bool { return field.Field == name })
	if i < 0 || date == "" || o.Head[i].Value == date {
		return
	}
	o.Message = text.Sprintf("The bill's date %s is in a closed period; it becomes the first open day, %s.", o.Head[i].Value, date)
	o.Head[i].Value = date
}

// noBills is a ledger without any bill.
type noBills struct{}

func (noBills) FindBills(context.Context, kingdee.BillForm, []string) (map[string][]kingdee.Bill, error) {
	return nil, nil
}

func (noBills) NewestBills(context.Context, kingdee.BillForm, string, int) ([]kingdee.Bill, error) {
	return nil, nil
}

func (noBills) ReadBill(context.Context, kingdee.BillForm, string, []string) ([][]any, error) {
	return nil, nil
}

func (noBills) ExecuteBillQuery(context.Context, kingdee.BillQuery) ([][]any, error) { return nil, nil }

func (noBills) ByItem(context.Context, kingdee.BillForm, string) (map[string]decimal.Decimal, error) {
	return nil, nil
}

func (noBills) SourceLines(context.Context, kingdee.SourceQuery, []string) (map[string][]kingdee.SourceLine, error) {
	return nil, nil
}

// column is a field of the form that Kingdee is asked for.
type column struct {
	catalog.Field
	key string // in a query
}

// rows are the lines of the bills that book something, with the cells of columns.
func (p *Preview) rows(ctx context.Context, bills []kingdee.Bill) (all [][]any, err error) {
	for _, bill := range bills {
		if bill.Void {
			continue
		}
		if p.columns == nil {
			if p.columns, err = p.findColumns(ctx); err != nil {
				return nil, err
			}
		}
		var keys []string
		for _, column := range p.columns {
			keys = append(keys, column.key)
		}
		rows, err := p.Kingdee.ReadBill(ctx, booking.FormOf(p.Flow), bill.ID, keys)
		if err != nil {
			return nil, text.Errorf("reading bill %s failed: %w", bill.Number, err)
		}
		all = append(all, rows...)
	}
	return all, nil
}

// findColumns are those of the flow's fields that a query of one row a line takes. Groups
// within a line and other lists are not among them.
func (p *Preview) findColumns(ctx context.Context) (known []column, err error) {
	var all []column
	var keys []string
	for _, field := range p.Flow.SentFields() {
		if form := p.Flow.Form; !form.OfBill(field.Place) && field.Place != form.Form.Lines {
			continue
		}
		c := column{field.Field, field.QueryKey()}
		all, keys = append(all, c), append(keys, c.key)
	}
	unknown, err := p.Kingdee.UnknownFields(ctx, p.Flow.Call.FormId, "FID", keys)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(c column) bool { return slices.Contains(unknown, c.key) }), nil
}

// sides puts the fields that would be sent beside those that Kingdee has.
func (p *Preview) sides(explained []flow.ExplainedField, rows [][]any) (head []Field, lines []Line) {
	var sent [][]flow.ExplainedField // by line
	for _, field := range explained {
		if field.Line == 0 {
			var row []any
			if len(rows) > 0 {
				row = rows[0]
			}
			head = appendShown(head, p.side(field, row))
			continue
		}
		for len(sent) < field.Line {
			sent = append(sent, nil)
		}
		sent[field.Line-1] = append(sent[field.Line-1], field)
	}
	matches := p.match(sent, rows)
	for i, fields := range sent {
		line := Line{Number: i + 1, Kingdee: matches[i] + 1}
		for _, field := range fields {
			side := Field{}
			if matches[i] >= 0 {
				side = p.side(field, rows[matches[i]])
			} else {
				side = p.side(field, nil)
				side.Differs = len(rows) > 0 && side.Value != ""
			}
			line.Fields = appendShown(line.Fields, side)
		}
		lines = append(lines, line)
	}
	if len(sent) == 0 {
		return head, nil // the order is not mapped
	}
	for i, row := range rows {
		if !slices.Contains(matches, i) {
			lines = append(lines, p.onlyInKingdee(i, row))
		}
	}
	return head, lines
}

// appendShown leaves out a field that neither side has.
func appendShown(fields []Field, field Field) []Field {
	if field.Value == "" && field.Kingdee == "" && field.Wrong == "" && !field.Hidden {
		return fields
	}
	return append(fields, field)
}

// side is a field beside that of a row; nil for none.
func (p *Preview) side(field flow.ExplainedField, row []any) Field {
	side := Field{Field: field.Field, Label: field.Label, Value: field.Value, Hidden: field.Hidden, Wrong: field.Wrong}
	i := slices.IndexFunc(p.columns, func(c column) bool { return c.Place == field.Place && c.Name == field.Field })
	if i < 0 || row == nil || field.Hidden {
		return side
	}
	c, cell := p.columns[i], row[i]
	if cell == nil {
		if field.Value != "" {
			side.Kingdee = text.Sprintf("(no value, or no right to see it)")
			side.Differs = true
		}
		return side
	}
	side.Kingdee = p.shownCell(c.Field, cell)
	side.Differs = field.Value != "" && !p.same(c.Field, field.Value, side.Kingdee)
	return side
}

// same compares a value as it is sent with Kingdee's.
func (p *Preview) same(field catalog.Field, sent, read string) bool {
	if p.isNote(field) {
		return sent == read // both without the mark
	}
	return flow.SameValue(p.Flow.Form, field, sent, read)
}

func (p *Preview) isNote(field catalog.Field) bool {
	return field.Place == catalog.Head && field.Name == p.Flow.Form.Form.Note
}

// shownCell is a cell for a person: days without a time, numbers without zeros at the end,
// and the note without the mark.
func (p *Preview) shownCell(field catalog.Field, cell any) string {
	value, err := catalog.Text.Parse(cell)
	if flag, ok := cell.(bool); ok {
		value, err = "false", nil
		if flag {
			value = "true"
		}
	}
	if err != nil || value == nil {
		return ""
	}
	shown := value.(string)
	switch field.Type {
	case catalog.Date:
		shown, _, _ = strings.Cut(shown, "T")
	case catalog.Decimal, catalog.Integer:
		if number, err := catalog.Decimal.Parse(shown); err == nil && number != nil {
			shown = number.(decimal.Decimal).String()
		}
	}
	if p.isNote(field) {
		if mark, ok := flow.FindMark(shown); ok {
			shown = strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(shown), mark.String()))
		}
	}
	return shown
}

// onlyInKingdee is a line that would not be sent.
func (p *Preview) onlyInKingdee(i int, row []any) Line {
	line := Line{Kingdee: i + 1}
	for column, c := range p.columns {
		if c.Place == p.Flow.Form.Form.Lines && row[column] != nil {
			shown := p.shownCell(c.Field, row[column])
			line.Fields = appendShown(line.Fields, Field{Field: c.Name, Label: c.Chinese, Kingdee: shown, Differs: shown != ""})
		}
	}
	return line
}

// mostPairs bounds the comparisons of lines of one item; beyond it they are matched in
// their order.
const mostPairs = 10_000

// match gives the row of Kingdee's for each line that would be sent, -1 for none: one with
// the same item, and of these the one with the most equal values.
func (p *Preview) match(sent [][]flow.ExplainedField, rows [][]any) []int {
	matches, taken := make([]int, len(sent)), make([]bool, len(rows))
	item := p.Flow.Form.Form.Item
	lines := map[string][]int{} // by item
	for i, fields := range sent {
		matches[i] = -1
		for _, field := range fields {
			if field.Field == item && field.Place == p.Flow.Form.Form.Lines {
				lines[field.Value] = append(lines[field.Value], i)
			}
		}
	}
	stock := map[string][]int{}
	column := slices.IndexFunc(p.columns, func(c column) bool { return c.Name == item && c.Place == p.Flow.Form.Form.Lines })
	for r, row := range rows {
		if column >= 0 {
			value := p.shownCell(p.columns[column].Field, row[column])
			stock[value] = append(stock[value], r)
		}
	}
	type pair struct{ line, row, equal int }
	for value, own := range lines {
		var pairs []pair
		few := len(own)*len(stock[value]) <= mostPairs
		for _, line := range own {
			for _, row := range stock[value] {
				one := pair{line: line, row: row}
				if few {
					one.equal = p.likeness(sent[line], rows[row])
				}
				pairs = append(pairs, one)
			}
		}
		slices.SortStableFunc(pairs, func(a, b pair) int { return b.equal - a.equal })
		for _, one := range pairs {
			if matches[one.line] < 0 && !taken[one.row] {
				matches[one.line], taken[one.row] = one.row, true
			}
		}
	}
	return matches
}

// likeness counts the equal values of two lines.
func (p *Preview) likeness(fields []flow.ExplainedField, row []any) (equal int) {
	for _, field := range fields {
		if side := p.side(field, row); side.Kingdee != "" && !side.Differs {
			equal++
		}
	}
	return equal
}
