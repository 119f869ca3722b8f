package merchant

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// savable returns an order of the merchant that has a bill.
func savable(t *testing.T, m *Merchant) *Order {
	truth := m.Truth(known)
	for _, o := range m.Orders() {
		if truth[o.ID()].Bill != nil && !o.DatedByModified() {
			return o
		}
	}
	t.Fatal("no order with a bill")
	return nil
}

func TestChangedOrders(t *testing.T) {
	later := at("2024-03-05 10:00:00")
	cases := []struct {
		name    string
		change  func(o *Order) *Order
		changed bool
	}{
		{"modified again", func(o *Order) *Order { return o.ModifiedAt(later) }, false},
		{"another remark", func(o *Order) *Order { return o.Remarked(later) }, false},
		{"more received", func(o *Order) *Order { return o.MoreReceived(later) }, true},
		{"and taken back", func(o *Order) *Order { return o.MoreReceived(later).LessReceived(later) }, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m := usual()
			old := savable(t, m)
			before := m.Truth(known)[old.ID()]
			require.False(t, before.Changed)
			version := c.change(old)
			require.True(t, version.Modified.Equal(later))
			require.Greater(t, version.TS, old.TS)
			require.Equal(t, before, m.Truth(known)[old.ID()], "the old version stays as it is")

			m.Replace(version)
			after := m.Truth(known)[old.ID()]
			require.True(t, after.Modified.Equal(later))
			require.Equal(t, later, m.Truth(known).Latest())
			require.Equal(t, c.changed, after.Changed)
			if !c.changed {
				require.Equal(t, before.Bill, after.Bill)
				require.Empty(t, after.Earlier)
				return
			}
			require.Equal(t, []*Bill{before.Bill}, after.Earlier)
			grown := after.Bill.Lines[0].Quantity.Sub(before.Bill.Lines[0].Quantity)
			require.Equal(t, "1", grown.String())
			require.Equal(t, before.Bill.Lines[1:], after.Bill.Lines[1:])

			m.Replace(version.MoreReceived(later.Add(time.Second)).Remarked(later.Add(time.Minute)))
			again := m.Truth(known)[old.ID()]
			require.Equal(t, []*Bill{before.Bill, after.Bill}, again.Earlier)
		})
	}
}

func TestOrderWithManyLines(t *testing.T) {
	m := usual()
	old := savable(t, m)
	m.Replace(old.WithLines(5000))
	bill := m.Truth(known)[old.ID()].Bill
	require.Greater(t, len(bill.Lines), 1000)
	notes := map[string]bool{}
	for _, line := range bill.Lines {
		notes[line.Note] = true
	}
	require.Len(t, notes, len(bill.Lines), "each line is one of its own")
	require.Equal(t, old.Modified, m.Truth(known)[old.ID()].Modified)
}

func TestBillDatedByModification(t *testing.T) {
	o := order(line(1, "TS1001-WH-M", "1", "59.90"))
	require.False(t, o.DatedByModified(), "it was confirmed")
	o.ConfirmDate = time.Time{}
	require.True(t, o.DatedByModified())
	o.Lines[0].ReceiveDate = at("2024-03-01 10:00:00")
	require.False(t, o.DatedByModified(), "it was received")
	require.Equal(t, o.expectation(known).Bill.Date, o.ModifiedAt(at("2024-03-09 10:00:00")).expectation(known).Bill.Date)
}
