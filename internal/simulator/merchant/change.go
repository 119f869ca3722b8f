package merchant

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// ModifiedAt returns the order with only its modification time changed.
func (o *Order) ModifiedAt(t time.Time) *Order {
	changed := *o
	changed.Modified = t.In(Beijing)
	changed.TS++
	return &changed
}

// MoreReceived returns the order after the warehouse found one more of the first returned
// line: its bill changes.
func (o *Order) MoreReceived(t time.Time) *Order { return o.received(t, 1) }

// LessReceived undoes [Order.MoreReceived]: the bill is as before.
func (o *Order) LessReceived(t time.Time) *Order { return o.received(t, -1) }

func (o *Order) received(t time.Time, more int64) *Order {
	changed := o.ModifiedAt(t)
	changed.Lines = slices.Clone(o.Lines)
	for i := range changed.Lines {
		if line := &changed.Lines[i]; line.returned() {
			quantity := line.Quantity.Add(decimal.NewFromInt(more))
			// The price per piece stays.
			line.Amount = decimal.NewNullDecimal(line.amount().Mul(quantity).DivRound(line.Quantity, 10))
			line.Quantity = quantity
			line.Received = line.Received.Add(decimal.NewFromInt(more))
			break
		}
	}
	return changed
}

// MoreRefunded returns the order after 1 more was refunded: a bill of its money changes.
func (o *Order) MoreRefunded(t time.Time) *Order {
	changed := o.ModifiedAt(t)
	changed.Refund = o.Refund.Add(decimal.NewFromInt(1))
	return changed
}

// WithLines returns the order with its lines repeated up to the given number, each a line
// of its own. Its modification time stays, as if it had been made so.
func (o *Order) WithLines(lines int) *Order {
	changed := *o
	changed.Lines = nil
	for i := range lines {
		line := o.Lines[i%len(o.Lines)]
		line.AsiID = o.AsID*100_000 + int64(i)
		changed.Lines = append(changed.Lines, line)
	}
	return &changed
}

// Remarked returns the order with another remark, which no bill contains.
func (o *Order) Remarked(t time.Time) *Order {
	changed := o.ModifiedAt(t)
	changed.Remark = "仓库已复核 " + changed.Modified.Format(time.DateTime)
	return changed
}

// Renamed returns the order with its products renamed. Names are in the notes of its bill
// but do not affect the booking.
func (o *Order) Renamed(t time.Time) *Order {
	changed := o.ModifiedAt(t)
	changed.Lines = slices.Clone(o.Lines)
	for i := range changed.Lines {
		changed.Lines[i].Name += " 新款"
	}
	return changed
}

// Withdrawn returns the order with another status than Confirmed: it is no longer to be
// booked.
func (o *Order) Withdrawn(t time.Time, status string) *Order {
	changed := o.ModifiedAt(t)
	changed.Status = status
	return changed
}

// MergedFrom makes the order that o was merged into, with o's lines.
func (m *Merchant) MergedFrom(o *Order, t time.Time) *Order {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.arriving.asID++
	merged := o.ModifiedAt(t)
	merged.AsID, merged.OID = m.arriving.asID, m.arriving.asID-300000000
	merged.OuterAsID, merged.SoID = o.OuterAsID+"M", o.SoID+"M"
	merged.Lines, merged.merged = slices.Clone(o.Lines), true
	m.orders = append(m.orders, merged)
	return merged
}

// DatedByModified reports whether the bill is dated by the order's modification, because
// the order has no other date.
func (o *Order) DatedByModified() bool {
	return o.ConfirmDate.IsZero() && !slices.ContainsFunc(o.Lines, func(l Line) bool {
		return l.returned() && !l.ReceiveDate.IsZero()
	})
}

// Replace replaces the record of the same key, which must exist, by a newer version. The
// earlier version is kept for the truth.
func (m *Merchant) Replace(newer Record) {
	m.mu.Lock()
	defer m.mu.Unlock()
	switch newer := newer.(type) {
	case *Order:
		i, _ := slices.BinarySearchFunc(m.orders, newer, byAsID)
		m.earlier[newer.AsID] = append(m.earlier[newer.AsID], m.orders[i])
		m.orders[i] = newer
	case *Movement:
		i, _ := slices.BinarySearchFunc(m.movements[newer.Of], newer, byIOID)
		m.earlierMovements[newer.IOID] = append(m.earlierMovements[newer.IOID], m.movements[newer.Of][i])
		m.movements[newer.Of][i] = newer
	}
}

// earlierBills returns the bills of a record's earlier versions, oldest first, except
// those that the next version needs too. newest is nil if the record no longer needs a
// bill.
func earlierBills[R Record](earlier []R, newest *Bill, expect func(R, func(string) bool) Expectation) []*Bill {
	var bills []*Bill
	for _, r := range earlier {
		bill := expect(r, func(string) bool { return true }).Bill
		if bill == nil {
			continue
		}
		if len(bills) == 0 || !bill.equal(bills[len(bills)-1]) {
			bills = append(bills, bill)
		}
	}
	if newest != nil && len(bills) > 0 && bills[len(bills)-1].equal(newest) {
		bills = bills[:len(bills)-1]
	}
	return bills
}

// equal compares the bills of two versions of one order, which differ only in quantities,
// amounts and the date.
func (b *Bill) equal(other *Bill) bool {
	return b.Date == other.Date && slices.EqualFunc(b.Lines, other.Lines, func(x, y Entry) bool {
		return x.Quantity.Equal(y.Quantity) && x.AllAmount.Equal(y.AllAmount)
	})
}
