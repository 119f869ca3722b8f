package tally

import (
	"encoding/json"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/packed"
)

// Version is an order as the source shows it at one moment.
type Version struct {
	ID string `json:"id"`
	// ChangedAt is zero where it is unknown.
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// Content identifies the content; empty for an order that is left out or can't be
	// read.
	Content string `json:"content,omitempty"`
}

// Order is what is kept of an order that was shown.
type Order struct {
	Version
	Outcome Outcome `json:"outcome,omitempty"`
	// Reason is the one under which an order is counted that was left out, parked or
	// failed.
	Reason string `json:"reason,omitempty"`
	// Fetched means that the order is counted as fetched.
	Fetched bool `json:"fetched,omitempty"`
	// NotBooked are the amounts of the order that no bill holds, by reason.
	NotBooked map[string]decimal.Decimal `json:"not_booked,omitempty"`
}

// Orders are all orders of a window, in the order in which the source showed them, with
// their tally.
type Orders struct {
	Tally Tally
	shown List
	place map[string]int
}

// Sight says how a version compares with what was shown before.
type Sight int

const (
	// Repeat is no newer than what was shown.
	Repeat Sight = iota
	// New is the first version of its order.
	New
	// Newer must be saved after the version shown before.
	Newer
)

// Sight compares a version with what was shown before. Of two versions that changed in the
// same second, or at unknown times, the one shown later is newer if its content differs.
func (o *Orders) Sight(v Version) Sight {
	known, ok := o.Order(v.ID)
	switch {
	case !ok, known.Outcome == Outside:
		return New
	case v.Content == "", known.Content == v.Content:
		// An order that is left out now keeps its bill until the next run, which compares
		// the two.
		return Repeat
	case known.ChangedAt.IsZero() || v.ChangedAt.IsZero() || !v.ChangedAt.Before(known.ChangedAt):
		return Newer
	}
	return Repeat
}

// Order is what is kept of an order; false if it was never shown.
func (o *Orders) Order(id string) (Order, bool) {
	i, ok := o.place[id]
	if !ok {
		return Order{}, false
	}
	return o.shown[i], true
}

// Len is the number of distinct orders shown.
func (o *Orders) Len() int { return len(o.shown) }

// Show keeps a version in place of the one before. The outcome of that one stays counted
// until the outcome of the new one is recorded.
func (o *Orders) Show(v Version) {
	if i, ok := o.place[v.ID]; ok {
		o.shown[i].Version = v
		if o.shown[i].Outcome == Outside {
			o.shown[i].Outcome = Open
		}
		return
	}
	if o.place == nil {
		o.place = map[string]int{}
	}
	o.place[v.ID] = len(o.shown)
	o.shown = append(o.shown, Order{Version: v})
}

// NotBooked counts the amounts of a shown order that no bill holds, in place of those of
// an earlier version.
func (o *Orders) NotBooked(id string, amounts map[string]decimal.Decimal) {
	order := &o.shown[o.place[id]]
	for _, reason := range Reasons(order.NotBooked) {
		o.Tally.addMoney(reason, Money{-1, order.NotBooked[reason].Neg()})
	}
	order.NotBooked = amounts
	for _, reason := range Reasons(amounts) {
		o.Tally.addMoney(reason, Money{1, amounts[reason]})
	}
}

// AddSaved adds the amount of an order's bill to the tally if that bill is now saved, and
// the order is not counted as saved yet. It comes before Record. The amount is not kept with
// the order: those of the largest window would not fit into a payload.
func (o *Orders) AddSaved(id string, now Outcome, amount decimal.Decimal) {
	if now == Saved && o.shown[o.place[id]].Outcome != Saved {
		o.Tally.AddSaved(amount)
	}
}

// LeftOutSince counts the orders that are left out and that changed after a time, by reason;
// all that are left out if the time is zero.
func (o *Orders) LeftOutSince(since time.Time) (counts map[string]int) {
	for _, order := range o.shown {
		if order.Outcome.IsLeftOut() && (since.IsZero() || order.ChangedAt.After(since)) {
			AddCounts(&counts, map[string]int{order.Reason: 1})
		}
	}
	return counts
}

// Fetch counts a shown order as fetched, once.
func (o *Orders) Fetch(id string) {
	if order := &o.shown[o.place[id]]; !order.Fetched {
		order.Fetched = true
		o.Tally.Fetched++
	}
}

// Record counts the outcome of a shown order, in place of the outcome of an earlier
// version. It returns the outcome under which the order is counted, and false if that has
// not changed.
func (o *Orders) Record(id string, now Outcome, failure Failure) (Outcome, bool) {
	if now != Outside {
		o.Fetch(id)
	}
	order := &o.shown[o.place[id]]
	switch {
	case now == AlreadySaved && (order.Outcome == Saved || order.Outcome == Updated), now == Updated && order.Outcome == Saved:
		return order.Outcome, false // this very run did it
	case now == Parked && order.Outcome == NewlyParked, now == LeftOut && order.Outcome == BillDeleted:
		now = order.Outcome // this very run did it
	}
	failure.ID = id
	o.Tally.count(order.Outcome, Failure{ID: id, Reason: order.Reason}, -1)
	order.Outcome, order.Reason = now, failure.Reason
	o.Tally.count(now, failure, 1)
	return now, true
}

// orders is the JSON form of Orders.
type orders struct {
	Tally Tally `json:"tally"`
	Shown List  `json:"shown"`
}

// MarshalJSON gives the tally, and the orders as compressed text.
func (o Orders) MarshalJSON() ([]byte, error) { return json.Marshal(orders{o.Tally, o.shown}) }

// UnmarshalJSON reads what MarshalJSON wrote.
func (o *Orders) UnmarshalJSON(raw []byte) error {
	var form orders
	if err := json.Unmarshal(raw, &form); err != nil {
		return err
	}
	*o = Orders{Tally: form.Tally, shown: form.Shown, place: map[string]int{}}
	for i, order := range o.shown {
		o.place[order.ID] = i
	}
	return nil
}

// List is a list of orders whose JSON is compressed, to some 30 bytes an order.
type List []Order

// MarshalJSON gives the compressed list as text.
func (l List) MarshalJSON() ([]byte, error) {
	raw, err := json.Marshal([]Order(l))
	if err != nil {
		return nil, err
	}
	return json.Marshal(packed.Pack(raw))
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (l *List) UnmarshalJSON(raw []byte) error {
	var compressed []byte
	if err := json.Unmarshal(raw, &compressed); err != nil {
		return err
	}
	list, err := packed.Unpack(compressed)
	if err != nil {
		return err
	}
	return json.Unmarshal(list, (*[]Order)(l))
}
