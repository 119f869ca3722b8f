package merchant

import (
	"slices"
	"time"

	"github.com/shopspring/decimal"
)

// ModifiedAt is the order with nothing changed but when it was modified.
func (o *Order) ModifiedAt(t time.Time) *Order {
	changed := *o
	changed.Modified = t.In(Beijing)
	changed.TS++
	return &changed
}

// MoreReceived is the order after the warehouse found one more of the first
// line that came back: another bill must be stored for it.
func (o *Order) MoreReceived(t time.Time) *Order { return o.received(t, 1) }

// LessReceived is the order after the warehouse took back what [Order.MoreReceived]
// says: its bill is again that from before.
func (o *Order) LessReceived(t time.Time) *Order { return o.received(t, -1) }

func (o *Order) received(t time.Time, more int64) *Order {
	changed := o.ModifiedAt(t)
	changed.Lines = slices.Clone(o.Lines)
	for i := range changed.Lines {
		if line := &changed.Lines[i]; line.returned() {
			quantity := line.Quantity.Add(decimal.NewFromInt(more))
			// The money of a piece stays.
			line.Amount = decimal.NewNullDecimal(line.amount().Mul(quantity).DivRound(line.Quantity, 10))
			line.Quantity = quantity
			line.Received = line.Received.Add(decimal.NewFromInt(more))
			break
		}
	}
	return changed
}

// WithLines is the order with its lines repeated until there are so many, each a
// line of its own. It is not modified for that: the order was made so.
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

// Remarked is the order with another remark, which stands in no bill.
func (o *Order) Remarked(t time.Time) *Order {
	changed := o.ModifiedAt(t)
	changed.Remark = "仓库已复核 " + changed.Modified.Format(time.DateTime)
	return changed
}

// Renamed is the order after its products were given other names, which stand in the
// notes of its bill and book nothing.
func (o *Order) Renamed(t time.Time) *Order {
	changed := o.ModifiedAt(t)
	changed.Lines = slices.Clone(o.Lines)
	for i := range changed.Lines {
		changed.Lines[i].Name += " 新款"
	}
	return changed
}

// Withdrawn is the order with another status than Confirmed: it is not to be booked any
// more.
func (o *Order) Withdrawn(t time.Time, status string) *Order {
	changed := o.ModifiedAt(t)
	changed.Status = status
	return changed
}

// MergedFrom makes the order that another was merged into, with the lines of that one.
func (m *Merchant) MergedFrom(o *Order, t time.Time) *Order {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.arriving.asID++
	merged := o.ModifiedAt(t)
	merged.AsID, merged.OID = m.arriving.asID, m.arriving.asID-300000000
	merged.OuterAsID, merged.SoID = o.OuterAsID+"M", o.SoID+"M"
	merged.Lines = slices.Clone(o.Lines)
	m.orders = append(m.orders, merged)
	return merged
}

// DatedByModified reports whether the date of the order's bill is the day on
// which it was modified, because it names no other.
func (o *Order) DatedByModified() bool {
	return o.ConfirmDate.IsZero() && !slices.ContainsFunc(o.Lines, func(l Line) bool {
		return l.returned() && !l.ReceiveDate.IsZero()
	})
}

// Replace puts a newer version of an order into the place of the one with its
// as_id, which must be there. The earlier version is kept for the truth.
func (m *Merchant) Replace(newer *Order) {
	m.mu.Lock()
	defer m.mu.Unlock()
	i, _ := slices.BinarySearchFunc(m.orders, newer, byAsID)
	m.earlier[newer.AsID] = append(m.earlier[newer.AsID], m.orders[i])
	m.orders[i] = newer
}

// earlierBills are the bills of an order's earlier versions, oldest first,
// without one that the version after it asks for again. newest is nil where the order is
// to have none any more.
func earlierBills(earlier []*Order, newest *Bill) []*Bill {
	var bills []*Bill
	for _, o := range earlier {
		bill := o.expectation(func(string) bool { return true }).Bill
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

// equal compares the bills of two versions of one order. Versions differ in
// nothing but quantities and the day.
func (b *Bill) equal(other *Bill) bool {
	return b.Date == other.Date && slices.EqualFunc(b.Lines, other.Lines, func(x, y Entry) bool {
		return x.Quantity.Equal(y.Quantity)
	})
}
