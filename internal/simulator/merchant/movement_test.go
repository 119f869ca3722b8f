package merchant

import (
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
)

func movements(m *Merchant, d Document) (list []*Movement) {
	for _, r := range m.Records(d) {
		list = append(list, r.(*Movement))
	}
	return list
}

func TestMovementsDependOnTheSeedAlone(t *testing.T) {
	first, again := usual(), usual()
	again.Replace(savable(t, again).MoreReceived(at("2024-03-09 10:00:00")))
	for _, d := range []Document{Receipts, Outbounds} {
		records := first.Records(d)
		require.Equal(t, records, again.Records(d), "whatever became of the orders meanwhile")
		for i, r := range records {
			require.Equal(t, d, DocumentOf(r.Key()))
			require.False(t, r.When(0).Before(march))
			require.True(t, r.When(0).Before(first.options.To()))
			if i > 0 {
				require.Greater(t, r.Key(), records[i-1].Key())
			}
		}
	}
}

func TestReceiptsAndOutboundsBelongToTheirOrders(t *testing.T) {
	m := usual()
	byID, byOrder := map[int64]*Order{}, map[string][]*Movement{}
	for _, o := range m.Orders() {
		byID[o.AsID] = o
	}
	for _, out := range movements(m, Outbounds) {
		byOrder[out.SoID] = append(byOrder[out.SoID], out)
	}
	several, none, statuses := 0, 0, map[string]int{}
	received := map[int64]decimal.Decimal{}
	for _, r := range movements(m, Receipts) {
		statuses["receipt "+r.Status]++
		if r.AsID == 0 {
			none++
			continue
		}
		o := byID[r.AsID]
		require.Equal(t, []any{o.OID, o.SoID, o.Shop}, []any{r.OID, r.SoID, r.Shop})
		if !received[r.AsID].IsZero() {
			several++
		}
		for _, line := range r.Lines {
			require.True(t, line.Quantity.IsPositive())
			received[r.AsID] = received[r.AsID].Add(line.Quantity)
		}
		require.Len(t, byOrder[r.SoID], 1)
		out := byOrder[r.SoID][0]
		require.Contains(t, []string{StatusConfirmed, StatusArchived}, out.Status, "only what was shipped comes back")
		require.True(t, out.Moved.Before(o.Created))
		require.Equal(t, o.OID, out.OID)
	}
	for id, quantity := range received {
		total := decimal.Zero
		for _, line := range byID[id].Lines {
			total = total.Add(line.Received)
		}
		require.True(t, quantity.LessThanOrEqual(total), "as_id %d", id)
	}
	require.NotZero(t, several, "some orders have several receipts")
	require.NotZero(t, none, "some receipts have no order")
	discounts := 0
	for _, out := range movements(m, Outbounds) {
		statuses["outbound "+out.Status]++
		require.NotEmpty(t, out.Lines)
		if out.Discount.IsPositive() {
			discounts++
		}
	}
	require.NotZero(t, discounts)
	for _, status := range []string{
		"receipt " + StatusConfirmed, "receipt " + StatusArchived, "receipt " + StatusCancelled, "receipt " + StatusWaits,
		"outbound " + StatusConfirmed, "outbound " + StatusArchived, "outbound " + StatusCancelled, "outbound " + StatusDeleted,
		"outbound " + StatusWaits, "outbound " + StatusOutside,
	} {
		require.NotZero(t, statuses[status], status)
	}
}

func TestTruthOfEveryFlow(t *testing.T) {
	m := usual()
	var truths []Truth
	saved := 0
	for _, f := range Flows {
		truth := m.TruthOf(f, known)
		require.Len(t, truth, len(m.Records(f.Document())), f)
		totals := truth.Totals()
		require.NotZero(t, totals.Saved, f)
		require.NotEmpty(t, totals.Skipped, f)
		for key, e := range truth {
			require.Equal(t, key, strings.TrimPrefix(e.Number, ReceiptPrefix))
			require.Equal(t, e.Outcome == Saved, e.Bill != nil)
			if e.Bill == nil {
				require.NotEmpty(t, e.Reason, "%s %s", f, key)
				continue
			}
			require.Equal(t, []string{e.Form, e.Number}, []string{e.Bill.Form, e.Bill.Number})
			require.NotEmpty(t, e.Bill.Customer)
			for _, line := range e.Bill.Lines {
				require.Equal(t, f == RefundOnlyToOtherReceivable, line.AllAmount.IsNegative(), "%s %s", f, key)
			}
		}
		if f != RefundToReturnOpen && f != SaleoutToOutstockOpen {
			truths = append(truths, truth)
			saved += totals.Saved
		}
	}
	require.Equal(t, saved, Together(truths...).Totals().Saved)
	refunds := m.TruthOf(RefundToReturn, known)
	require.Equal(t, refunds, Together(refunds, m.TruthOf(RefundToReturnOpen, known).Without(OnlyQimen)))
	require.Less(t, len(refunds.Without(OnlyQimen)), len(refunds))
}

func TestChangedMovements(t *testing.T) {
	later := at("2024-03-05 10:00:00")
	for _, f := range []Flow{ReceiptToReturn, SaleoutToOutstock} {
		t.Run(string(f), func(t *testing.T) {
			m := usual()
			var old *Movement
			for _, each := range movements(m, f.Document()) {
				if m.TruthOf(f, known)[each.ID()].Bill != nil {
					old = each
					break
				}
			}
			truth := func() Expectation { return m.TruthOf(f, known)[old.ID()] }
			before := truth()
			m.Replace(old.Remarked(later))
			require.False(t, truth().Changed)
			more := old.MoreReceived(later)
			m.Replace(more)
			require.Equal(t, []*Bill{before.Bill}, truth().Earlier)
			require.Equal(t, "1", truth().Bill.Lines[0].Quantity.Sub(before.Bill.Lines[0].Quantity).String())
			changed := truth().Bill
			m.Replace(more.Renamed(later).Withdrawn(later.Add(time.Second), StatusCancelled))
			require.True(t, truth().Withdrawn)
			require.Equal(t, []*Bill{before.Bill, changed}, truth().Earlier)
			require.Equal(t, ReasonCancelled, truth().Reason)
			require.True(t, truth().Modified.Equal(later.Add(time.Second)))
		})
	}
}

func TestMovementsArriveWithTheirOrders(t *testing.T) {
	options := Options{Seed: 3, Orders: 20, From: march, Days: 1}
	options.Arrivals = Arrivals{PerMinute: 30, From: options.To()}
	lazy, eager := New(options), New(options)
	eager.Records(Receipts)
	eager.Records(Outbounds)
	now := options.To().Add(10 * time.Minute)
	require.Len(t, lazy.ArriveRecords(now, 0), 300, "nobody has asked for the others")
	arrived := map[Document]int{}
	for _, r := range eager.ArriveRecords(now, 0) {
		arrived[r.Document()]++
		require.False(t, r.When(0).After(now))
		require.False(t, r.When(0).Before(options.To().Add(-longestDelay)))
	}
	require.Equal(t, 300, arrived[Refunds])
	for _, d := range []Document{Receipts, Outbounds} {
		require.NotZero(t, arrived[d])
		require.Equal(t, lazy.Records(d), eager.Records(d))
	}
}

// A receipt has the fields that are documented, and only the styles differ between gateways.
func TestMovementsOnTheWire(t *testing.T) {
	m := usual()
	for _, d := range []Document{Receipts, Outbounds} {
		for _, style := range []Style{MoneyAsText, Typed} {
			numbers := map[string]bool{}
			for _, each := range movements(m, d) {
				got := decode(t, each.AppendJSON(nil, 1, style))
				line := got["items"].([]any)[0].(map[string]any)
				_, number := line["sale_amount"].(string)
				numbers["amount"] = numbers["amount"] || number
				_, number = got["io_id"].(string)
				numbers["io_id"] = numbers["io_id"] || number
			}
			require.Equal(t, style == MoneyAsText, numbers["amount"])
			require.Equal(t, style != Typed, numbers["io_id"])
		}
	}
}
