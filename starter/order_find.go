package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"

	"go.temporal.io/api/serviceerror"

	"refundsync/internal/beijing"
	"refundsync/internal/booking"
	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// find finds the order with an id, and reads it at the source. Kingdee and the parked orders
// are asked first: what they know tells when the order changed, and so where to look.
func (r *storyReader) find(ctx context.Context, id string) error {
	changedAt, err := r.findBill(ctx, id)
	if err != nil {
		return err
	}
	if r.story.OrderID == "" {
		if err := r.findWaiting(ctx, id); err != nil {
			return err
		}
	}
	r.readParked(ctx)
	for _, parked := range r.story.Parked {
		if changedAt.IsZero() {
			changedAt = parked.order.ChangedAt
		}
	}
	return r.findAtSource(ctx, id, changedAt)
}

// findBill finds the order by a bill: by its number, or by a field of the bill that is sent
// as the source has it, such as an outer_as_id in FThirdBillNo. It gives when the order of
// the bill had last changed.
func (r *storyReader) findBill(ctx context.Context, id string) (changedAt time.Time, err error) {
	form := booking.FormOf(r.flow)
	under, err := r.ledger.FindBills(ctx, form, []string{id})
	if r.kingdeeAway = r.couldNot(text.New("Kingdee"), err); r.kingdeeAway {
		return time.Time{}, nil
	}
	bills := under[id]
	r.read(text.New("Kingdee: the bill number %s", id))
	for _, field := range r.idFields() {
		if len(bills) > 0 {
			break
		}
		more, err := r.ledger.BillsWith(ctx, form, field, id, 10)
		if !r.couldNot(text.New("Kingdee's bills by %s", field), err) {
			r.read(text.New("Kingdee: bills with %s = %s", field, id))
			bills = more
		}
	}
	var orders []string
	for _, bill := range bills {
		if mark, marked := flow.FindMark(bill.Text); marked && !slices.Contains(orders, mark.OrderID) {
			orders, changedAt = append(orders, mark.OrderID), mark.ChangedAt
		}
	}
	if len(orders) > 1 {
		return changedAt, r.severalOrders(id, orders)
	}
	if len(orders) == 1 {
		r.story.OrderID = orders[0]
	}
	if len(bills) > 0 {
		r.story.BillNumber = bills[0].Number
	}
	return changedAt, nil
}

func (r *storyReader) severalOrders(id string, orders []string) error {
	slices.Sort(orders)
	return text.Errorf("%s belongs to several orders; give the %s of one: %s", id, r.flow.Source.Key, strings.Join(orders, ", "))
}

// idFields are the fields of the bill's head that hold a text of the order as the source has
// it, so perhaps an id.
func (r *storyReader) idFields() (names []string) {
	var collect func(fields []flow.BillField)
	collect = func(fields []flow.BillField) {
		for _, field := range fields {
			switch m := field.Mapping; {
			case !r.flow.Form.OfBill(field.Field.Place) || r.flow.Form.OfLine(catalog.Place(field.Field.Name)) || field.Field.Name == r.flow.Form.Form.Number:
			case m == nil:
				collect(field.Fields)
			case field.Field.Type == catalog.Text && m.Value != nil && m.Table == nil:
				source, ok := r.flow.Source.Interface.Find(catalog.Header, m.Value.Source)
				if ok && source.Type == catalog.Text && !source.Personal {
					names = append(names, field.Field.Name)
				}
			}
		}
	}
	collect(r.flow.Rules.Bill)
	return names
}

// findWaiting finds the order among the parked ones, by its number or the bill's.
func (r *storyReader) findWaiting(ctx context.Context, id string) error {
	if r.temporal == nil {
		return nil
	}
	described, err := r.temporal.DescribeWorkflow(ctx, workflows.ParkedOrderID(r.flow.Name, r.flow.Keys([]string{id})[0]), "")
	var unknown *serviceerror.NotFound
	if err == nil {
		order, err := readParked(described.RawResponse.GetWorkflowExecutionInfo())
		if !r.temporalFailed(text.New("the parked order"), err) {
			r.story.OrderID, r.story.BillNumber = order.ID, order.BillNumber
		}
		return nil
	}
	if !errors.As(err, &unknown) {
		r.temporalFailed(text.New("the parked orders"), err)
		return nil
	}
	var orders []string
	under, err := parkedUnder(ctx, r.temporal, r.flow.Name, id)
	r.temporalFailed(text.New("the parked orders"), err)
	r.read(text.New("Temporal: parked orders by order and bill number"))
	for _, order := range under {
		orders = append(orders, order.ID)
	}
	if len(orders) > 1 {
		return r.severalOrders(id, orders)
	}
	if len(orders) == 1 {
		r.story.OrderID, r.story.BillNumber = orders[0], id
	}
	return nil
}

// digits are what a key of Jushuitan's consists of.
var digits = regexp.MustCompile(`^[0-9]{1,18}$`)

// findAtSource reads the order at the source: by its key if that is known by now, else by
// whatever the id may be.
func (r *storyReader) findAtSource(ctx context.Context, id string, changedAt time.Time) error {
	type attempt struct{ field, id string }
	key := cmp.Or(r.story.OrderID, r.flow.Keys([]string{id})[0])
	attempts := []attempt{{r.flow.Source.Key, key}}
	if r.story.OrderID == "" {
		if !digits.MatchString(key) {
			attempts = nil
		}
		attempts = append(attempts, attempt{r.flow.Source.Interface.Source.Online, id})
	}
	for _, a := range attempts {
		found, err := jushuitan.LookUp{
			Interface: r.flow.Source.Interface, Field: a.field, IDs: []string{a.id},
			Parameters: jushuitan.Widening(r.flow.Source.Interface, r.flow.Source.Parameters), ChangedAt: changedAt, Horizon: r.horizon,
		}.Find(ctx, r.source)
		if fault.As(err) != nil && fault.As(err).Reason == "no_such_filter" && len(found.Orders) == 0 {
			r.unknown(text.New("Jushuitan: orders by %s: %v", a.field, err))
			continue
		}
		if r.couldNot(text.New("Jushuitan"), err) {
			return nil
		}
		r.read(text.New("Jushuitan: orders with %s = %s that changed from %s to %s", a.field, a.id, shownTime(found.From), shownTime(found.To)))
		if len(found.Orders) == 0 {
			continue
		}
		var orders []string
		for _, record := range found.Orders {
			orders = append(orders, jushuitan.FieldText(record, r.flow.Source.Key))
		}
		if len(orders) > 1 {
			return r.severalOrders(id, orders)
		}
		r.story.OrderID, r.story.record = orders[0], found.Orders[0]
		return nil
	}
	return nil
}

func shownTime(at time.Time) string {
	if at.IsZero() {
		return "–"
	}
	return at.In(beijing.Zone).Format(time.DateTime)
}

// showSource shows the fields of the order that the flow names, without those that may be
// about a person.
func showSource(f *flow.Flow, record map[string]any, order contract.Order) *sourceStory {
	s := &sourceStory{Lines: [][]sourceField{}, Unmet: jushuitan.Mismatches(f.Source.Interface, f.Source.Parameters, record)}
	var fields map[string]any
	decoder := json.NewDecoder(strings.NewReader(string(order.Fields)))
	decoder.UseNumber()
	// Pick has written them.
	_ = decoder.Decode(&fields)
	modified := f.Source.ModifiedField()
	if _, named := fields[modified]; !named && record[modified] != nil {
		fields[modified] = record[modified] // runs find an order by it
	}
	s.Fields = showFields(f.Source.Interface.Fields[catalog.Header], fields)
	lines, _ := fields["items"].([]any)
	for _, line := range lines {
		named, _ := line.(map[string]any)
		s.Lines = append(s.Lines, showFields(f.Source.Interface.Fields[catalog.Items], named))
	}
	return s
}

// showFields shows the values of fields in the catalog's order.
func showFields(fields []catalog.Field, values map[string]any) (shown []sourceField) {
	for _, field := range fields {
		value, ok := values[field.Name]
		if !ok || field.Personal || field.Type == catalog.List {
			continue
		}
		written, ok := value.(string)
		if !ok {
			raw, _ := json.Marshal(value) // decoded from JSON
			written = string(raw)
		}
		if strings.TrimSpace(written) == "" {
			continue
		}
		shown = append(shown, sourceField{field.Name, field.Chinese, written})
	}
	return shown
}

// readBills reads the bills under the order's numbers, with who signed them.
func (r *storyReader) readBills(ctx context.Context) {
	numbers := []string{r.story.BillNumber}
	if r.opened != nil && r.opened.Order.BillNumber != "" {
		numbers = append(numbers, r.opened.Order.BillNumber)
	} else if r.story.OrderID != "" {
		number, err := r.flow.NumberOf(r.story.OrderID)
		if err == nil {
			numbers = append(numbers, number)
		}
	}
	if r.story.BillNumber == "" {
		r.story.BillNumber = numbers[len(numbers)-1]
	}
	var all []string
	for _, number := range numbers {
		if number != "" {
			all = append(all, flow.BillNumbers(number)...)
		}
	}
	if len(all) == 0 || r.kingdeeAway {
		return
	}
	form := booking.FormOf(r.flow)
	whole, err := kingdee.WholeBills(ctx, r.ledger, form, all)
	if r.couldNot(text.New("Kingdee's bills"), err) {
		return
	}
	r.read(text.New("Kingdee: the bills %s, with supplements up to -%d, their lines, and who signed them", numbers[len(numbers)-1], len(flow.BillNumbers("x"))))
	slices.SortFunc(whole, func(a, b kingdee.WholeBill) int {
		return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.FID, b.FID))
	})
	r.whole = append([]kingdee.WholeBill{}, whole...) // not nil: it was read
	now := ""
	if r.opened != nil {
		if bill, err := r.opened.Bill(); err == nil {
			now = bill.Mark.Hash
		}
	}
	for _, bill := range r.whole {
		b := billStory{
			ID: bill.ID, Number: bill.Number, Status: bill.DocumentStatus, Void: bill.Void, Date: bill.Date, Customer: bill.Customer,
			Lines: append([]kingdee.Line{}, bill.Lines...), // not null
		}
		if mark, marked := flow.FindMark(bill.Text); marked {
			b.Mark = &markStory{OrderID: mark.OrderID, ChangedAt: mark.ChangedAt, Hash: mark.Hash, Version: mark.Version, AsNow: mark.Hash == now}
		}
		signed, err := r.ledger.Signatures(ctx, form.ID, bill.ID)
		if err != nil {
			r.unknown(text.New("who signed bill %s: %v", bill.Number, err))
		}
		b.Signed = signed
		if r.flow.SourceBill != nil {
			if b.Links, err = readLinks(ctx, r.ledger, r.flow, bill.ID); err != nil {
				r.unknown(text.New("to what bill %s is linked: %v", bill.Number, err))
			}
		}
		r.story.Bills = append(r.story.Bills, b)
	}
}
