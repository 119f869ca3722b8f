package flow

import (
	"encoding/json"
	"slices"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// Ways to treat a bill dated in a closed period, for ClosedPeriods.Then.
const (
	// ClosedPark keeps the bill from being saved.
	ClosedPark = "park"
	// ClosedFirstOpenDay dates it to the first day that is open.
	ClosedFirstOpenDay = "first_open_day"
)

// ClosedPeriods says to which days no bill may be dated any more. Days are Beijing's.
// Nothing is closed if both Until and MonthClosesOnDay are zero.
type ClosedPeriods struct {
	// Until is the last closed day, at midnight; zero for none.
	Until time.Time
	// MonthClosesOnDay is the day of a month, 1 to 28, from whose start on the month
	// before is closed; 0 for none. The later of the two counts.
	MonthClosesOnDay int
	// Then is what becomes of a bill dated to a closed day: ClosedPark, the default, or
	// ClosedFirstOpenDay.
	Then string
}

// LastDay is the last day that is closed at a point in time, at midnight in
// Beijing; zero for none.
func (c ClosedPeriods) LastDay(now time.Time) time.Time {
	last := c.Until
	if c.MonthClosesOnDay > 0 {
		now = now.In(beijing.Zone)
		open := now.Month()
		if now.Day() < c.MonthClosesOnDay {
			open--
		}
		// Day 0 is the last of the month before, also over the turn of a year.
		if byRule := time.Date(now.Year(), open, 0, 0, 0, 0, 0, beijing.Zone); byRule.After(last) {
			last = byRule
		}
	}
	return last
}

// InOpenPeriod is the last step before a new bill is saved: it sees to it that
// no bill is dated to a day that is closed now. It gives the bill as it came, or
// dated to the first open day, or a *fault.Error, Final, of the reason
// ReasonClosedPeriod, as the flow wants it. It is pure, and stands apart from
// Bill because what it does depends on the time: the same order is the same bill
// in every month, but for the date under which it is saved for the first time.
func (f *Flow) InOpenPeriod(bill Bill, now time.Time) (Bill, error) {
	closed := f.ClosedPeriods.LastDay(now)
	if closed.IsZero() {
		return bill, nil
	}
	date, err := bill.Date()
	if err != nil {
		return Bill{}, err
	}
	if date.IsZero() || date.After(closed) {
		return bill, nil
	}
	firstOpen := closed.AddDate(0, 0, 1)
	if f.ClosedPeriods.Then != ClosedFirstOpenDay {
		return Bill{}, f.inClosedPeriod(date, closed, firstOpen)
	}
	bill.fields = slices.Clone(bill.fields)
	bill.fields[bill.dateIndex()].value = encode(catalog.Field{Type: catalog.Date}, firstOpen)
	bill.Model = object(bill.fields)
	return bill, nil
}

// Date is the day to which the bill is booked, at midnight in Beijing; zero where
// the flow leaves it to Kingdee.
func (b Bill) Date() (time.Time, error) {
	i := b.dateIndex()
	if i < 0 {
		return time.Time{}, nil
	}
	return billDate(b.fields[i].value)
}

func (b Bill) dateIndex() int {
	return slices.IndexFunc(b.fields, func(field fieldValue) bool { return field.name == b.form.Form.Date })
}

func (f *Flow) inClosedPeriod(date, closed, firstOpen time.Time) error {
	field, _ := f.Form.Find(catalog.Head, f.Form.Form.Date)
	show := func(t time.Time) string { return t.Format(time.DateOnly) }
	return &fault.Error{
		Class:  fault.Final,
		Reason: contract.ReasonClosedPeriod,
		Field:  field.Name,
		Err:    text.Errorf("the bill's %s %s is in a closed period (up to %s)", FieldName(field), show(date), show(closed)),
		Advice: text.New("Have finance decide: reopen the period in Kingdee and in the flow's closed_periods, or set then: %s to book the order on %s, or book it by hand and discard it.",
			ClosedFirstOpenDay, show(firstOpen)),
	}
}

// billDate reads a date as [encode] writes it.
func billDate(value json.RawMessage) (time.Time, error) {
	var text string
	if err := json.Unmarshal(value, &text); err != nil {
		return time.Time{}, err
	}
	return time.ParseInLocation(time.DateOnly, text, beijing.Zone)
}
