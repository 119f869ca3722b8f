package booking

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
)

func (l *fakeLedger) SourceLines(_ context.Context, q kingdee.SourceQuery, values []string) (map[string][]kingdee.SourceLine, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.call("sources "+q.FormID+" "+q.Field, values...)
	return l.sources, l.sourceErr
}

// linking has the flow link bills to outbound bills by so_id.
func linking(f *flow.Flow) {
	link := catalog.All()["SAL_RETURNSTOCK"].Form.Link
	value, mistakes := flow.Compile(f.Source.Interface, "so_id", flow.OrderScope)
	if mistakes != nil {
		panic(mistakes)
	}
	f.SourceBill = &flow.SourceBill{
		FormID: "SAL_OUTSTOCK", Source: link.Sources["SAL_OUTSTOCK"], Link: link, Field: "FThirdBillNo", Rule: "OutStock-SalReturnStock",
		Value: &flow.Mapping{Target: catalog.Field{Name: "FThirdBillNo", Type: catalog.Text}, Value: value},
	}
}

func requiring(f *flow.Flow) {
	linking(f)
	f.SourceBill.Required = true
}

// outbound is a line of an outbound bill with so many pieces of SKU-1.
func outbound(id string, quantity, returned int64, linked ...kingdee.LinkedLine) kingdee.SourceLine {
	n := decimal.NewFromInt(quantity)
	return kingdee.SourceLine{BillID: "7", BillNumber: "XSCK7", ID: id, Item: "SKU-1", Unit: "Pcs", Quantity: n, Base: n, Returned: decimal.NewFromInt(returned), Linked: linked}
}

func of(number string, quantity int64) kingdee.LinkedLine {
	return kingdee.LinkedLine{BillNumber: number, Quantity: decimal.NewFromInt(quantity)}
}

// linksOf are the lines of a saved bill: quantity and source line.
func linksOf(t *testing.T, f *flow.Flow, request kingdee.BatchSave) (links []string) {
	t.Helper()
	its, err := f.Links(request.Model[0])
	require.NoError(t, err)
	for _, l := range its {
		links = append(links, l.Quantity.String()+" "+l.SourceLine)
	}
	return links
}

// The order wants 2 pieces of SKU-1.
func TestSaveLinksANewBill(t *testing.T) {
	broken := errors.New("broken")
	for _, c := range []struct {
		name     string
		change   func(*flow.Flow)
		order    map[string]any
		sources  []kingdee.SourceLine
		err      error // of reading them
		links    []string
		unlinked bool
		reason   string
		class    fault.Class
	}{
		{name: "enough is left", change: linking, sources: []kingdee.SourceLine{outbound("71", 5, 3)}, links: []string{"2 71"}},
		{name: "others have it", change: linking, sources: []kingdee.SourceLine{outbound("71", 2, 2)}, links: []string{"2 "}, unlinked: true},
		{name: "others have named it without an audit", change: linking, sources: []kingdee.SourceLine{outbound("71", 2, 0, of("70009", 1))}, links: []string{"1 71", "1 "}, unlinked: true},
		{name: "both say the same", change: linking, sources: []kingdee.SourceLine{outbound("71", 3, 1, of("70009", 1))}, links: []string{"2 71"}},
		{name: "a late save of its own", change: requiring, sources: []kingdee.SourceLine{outbound("71", 2, 2, of("70001", 2))}, links: []string{"2 71"}},
		{name: "a late save of its own, not written back", change: requiring, sources: []kingdee.SourceLine{outbound("71", 2, 0, of("70001", 2))}, links: []string{"2 71"}},
		{name: "none", change: linking, links: []string{"2 "}, unlinked: true},
		{name: "none, but required", change: requiring, reason: tally.SourceBillMissing, class: fault.Final},
		{name: "too little, but required", change: requiring, sources: []kingdee.SourceLine{outbound("71", 1, 0)}, reason: tally.SourceBillMissing, class: fault.Final},
		{name: "no value", change: linking, order: map[string]any{"so_id": nil}, links: []string{"2 "}, unlinked: true},
		{name: "no value, but required", change: requiring, order: map[string]any{"so_id": nil}, reason: tally.SourceBillMissing, class: fault.Final},
		{name: "it can't be read", change: linking, err: failure(fault.Final, "bad_query"), reason: "source_unread", class: fault.Retry},
		{name: "Kingdee asks to wait", change: linking, err: failure(fault.RateLimited, "call_limit"), reason: "call_limit", class: fault.RateLimited},
		{name: "it fails without a class", change: linking, err: broken},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := loadFlow(t, c.change)
			ledger := newFakeLedger()
			ledger.sources, ledger.sourceErr = map[string][]kingdee.SourceLine{"SO1": c.sources}, c.err
			order := pick(t, f, c.order)
			result, err := saveOne(t, f, ledger, order, false, false)
			if c.links == nil {
				require.Error(t, err)
				require.Empty(t, ledger.requests, "what can't be read is not taken for none")
				if c.reason == "" {
					require.ErrorIs(t, err, broken)
					return
				}
				require.Equal(t, c.reason, fault.As(err).Reason)
				require.Equal(t, c.class, fault.As(err).Class)
				return
			}
			require.NoError(t, err)
			require.Equal(t, tally.Saved, result.Outcome)
			require.Equal(t, c.unlinked, result.Unlinked)
			require.Equal(t, c.links, linksOf(t, f, ledger.requests[0]))

			// What has been linked since changes nothing: the bill is the order's as it is.
			ledger.sources = nil
			ledger.requests = nil
			result, err = saveOne(t, f, ledger, order, true, true)
			require.NoError(t, err)
			require.Equal(t, tally.Saved, result.Outcome)
			require.Empty(t, ledger.requests)
		})
	}
}

// A reply that was lost leaves the bill as it was linked. Retried, the order finds it.
func TestALostReplyLinksOnce(t *testing.T) {
	f := loadFlow(t, requiring)
	ledger := newFakeLedger()
	ledger.sources = map[string][]kingdee.SourceLine{"SO1": {outbound("71", 2, 0)}}
	ledger.replies = map[string]func() error{"70001": func() error { return failure(fault.Retry, "timeout") }}
	order := pick(t, f, nil)
	_, err := saveOne(t, f, ledger, order, false, false)
	require.True(t, fault.Is(err, fault.Retry))
	ledger.sources = map[string][]kingdee.SourceLine{"SO1": {outbound("71", 2, 2, of("70001", 2))}}
	result, err := saveOne(t, f, ledger, order, false, true)
	require.NoError(t, err)
	require.Equal(t, tally.Saved, result.Outcome)
	require.Len(t, ledger.requests, 1)
}

// An update links anew, with what the bill has linked free.
func TestUpdateLinksAnew(t *testing.T) {
	f := loadFlow(t, requiring, func(f *flow.Flow) { f.Options.Existing = flow.ExistingUpdate })
	old := f.Mark(pick(t, f, nil))
	old.ChangedAt, old.Hash = old.ChangedAt.Add(-time.Hour), "000000000000"
	for name, lines := range map[string][]kingdee.SourceLine{
		"written back":         {outbound("71", 3, 3, of("70001", 2), of("70009", 1))},
		"not written back yet": {outbound("71", 3, 0, of("70001", 2), of("70009", 1))},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := newFakeLedger().with("70001", "A").marked(old.String()).dated("2024-03-01")
			ledger.sources = map[string][]kingdee.SourceLine{"SO1": lines}
			result, err := saveOne(t, f, ledger, pick(t, f, nil), true, false)
			require.NoError(t, err)
			require.Equal(t, tally.Updated, result.Outcome)
			require.Equal(t, []string{"2 71"}, linksOf(t, f, ledger.requests[0]))
		})
	}
}

// What is looked at only is linked too, and says what is missing.
func TestWouldSaveLinks(t *testing.T) {
	f := loadFlow(t, requiring)
	ledger := newFakeLedger()
	ledger.sources = map[string][]kingdee.SourceLine{"SO1": {outbound("71", 2, 0)}}
	_, request, err := WouldSave(t.Context(), f, ledger, f.Open(pick(t, f, nil)))
	require.NoError(t, err)
	require.Equal(t, []string{"2 71"}, linksOf(t, f, *request))
	require.Empty(t, ledger.requests)
	ledger.sources = nil
	_, _, err = WouldSave(t.Context(), f, ledger, f.Open(pick(t, f, nil)))
	require.Equal(t, tally.SourceBillMissing, fault.As(err).Reason)
	require.Contains(t, err.Error(), "no source for SKU-1 × 2: no audited bill of SAL_OUTSTOCK with FThirdBillNo “SO1” exists")
}

// outboundLedger holds what was linked to an outbound line, as Kingdee does. A save takes
// a while.
type outboundLedger struct {
	*fakeLedger
	flow  *flow.Flow
	lines []kingdee.SourceLine
}

func (l *outboundLedger) SourceLines(_ context.Context, _ kingdee.SourceQuery, values []string) (map[string][]kingdee.SourceLine, error) {
	time.Sleep(time.Millisecond)
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make([]kingdee.SourceLine, len(l.lines))
	for i, line := range l.lines {
		all[i] = line
		all[i].Linked = append([]kingdee.LinkedLine(nil), line.Linked...)
	}
	return map[string][]kingdee.SourceLine{values[0]: all}, nil
}

func (l *outboundLedger) BatchSave(ctx context.Context, request kingdee.BatchSave) ([]kingdee.BillResult, error) {
	time.Sleep(time.Millisecond)
	links, err := l.flow.Links(request.Model[0])
	if err != nil {
		return nil, err
	}
	results, err := l.fakeLedger.BatchSave(ctx, request)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, link := range links {
		for i := range l.lines {
			if l.lines[i].ID == link.SourceLine {
				l.lines[i].Linked = append(l.lines[i].Linked, kingdee.LinkedLine{BillNumber: numberOf(request.Model[0]), Quantity: link.Quantity})
			}
		}
	}
	return results, err
}

func numberOf(model json.RawMessage) string {
	var bill struct{ FBillNo string }
	_ = json.Unmarshal(model, &bill) // it is the flow's
	return bill.FBillNo
}

// Law: however many orders return goods of one outbound bill at once, no line is returned in
// excess, and what has no source is what was returned in excess altogether.
func TestLawOfReturnsAtOnce(t *testing.T) {
	f := loadFlow(t, linking)
	rapid.Check(t, func(r *rapid.T) {
		orders := rapid.IntRange(1, 5).Draw(r, "orders")
		var lines []kingdee.SourceLine
		sent := decimal.Zero
		for i := range rapid.IntRange(0, 4).Draw(r, "lines") {
			lines = append(lines, outbound(fmt.Sprint(71+i), rapid.Int64Range(1, 4).Draw(r, "quantity"), 0))
			sent = sent.Add(lines[i].Quantity)
		}
		linked := decimal.Zero
		var excess []string
		synctest.Test(t, func(t *testing.T) {
			ledger := &outboundLedger{fakeLedger: newFakeLedger(), flow: f, lines: lines}
			book := Book{Flow: f, Flows: flow.Flows{f.Name: f}, Ledger: ledger, Turns: NewTurns()}
			var all sync.WaitGroup
			for _, order := range pickPage(t, f, orders, nil) {
				all.Go(func() {
					_, err := book.Save(t.Context(), f.Open(order), false, false)
					require.NoError(t, err)
				})
			}
			all.Wait()
			for _, line := range ledger.lines {
				its := decimal.Zero
				for _, l := range line.Linked {
					its = its.Add(l.Quantity)
				}
				if its.GreaterThan(line.Quantity) {
					excess = append(excess, line.ID)
				}
				linked = linked.Add(its)
			}
		})
		require.Empty(r, excess, "returned in excess")
		require.Equal(r, decimal.Min(decimal.NewFromInt(int64(2*orders)), sent).String(), linked.String())
	})
}

func TestATurnIsWaitedForNoLongerThanTheCaller(t *testing.T) {
	turns := NewTurns()
	end, err := turns.take(t.Context(), "a")
	require.NoError(t, err)
	other, err := turns.take(t.Context(), "b")
	require.NoError(t, err)
	other()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = turns.take(ctx, "a")
	require.ErrorIs(t, err, context.Canceled)
	end()
	end, err = turns.take(t.Context(), "a")
	require.NoError(t, err)
	end()
	require.Empty(t, turns.taken)
}
