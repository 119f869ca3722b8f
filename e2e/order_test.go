package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/tally"
	"refundsync/internal/testkit"
)

// toldStory is what a test reads of a story.
type toldStory struct {
	State, Reason string
	OrderID       string `json:"id"`
	BillNumber    string `json:"bill_number"`
	Mapping       *struct {
		LeftOut *struct{ Reason, Expression string } `json:"left_out"`
	}
	Bills []struct {
		Status string
		Mark   struct {
			AsNow bool `json:"as_now"`
		}
		Signed struct{ Created, Audited struct{ By string } }
	}
	Runs []struct {
		HistoryRead bool `json:"history_read"`
		Seen        []struct {
			Kind    string
			Outcome tally.Outcome
			Reason  string
		}
	}
	Parked []struct {
		Ending, By, Note, Reason string
		Attempts                 *int
	}
	Sent *struct {
		Rebuilt bool
		Changed []struct{ Field string }
	}
	Next       *struct{ Outcome, Reason string }
	Comparison *struct {
		Differences []struct{ Field, Source, Kingdee string }
	}
	Unknown []string
}

func (w *world) story(t *testing.T, wantCode int, args ...string) (s toldStory) {
	t.Helper()
	e := w.starter(t, wantCode, append([]string{"order", "-o", "json"}, args...)...)
	require.NoError(t, json.Unmarshal([]byte(e.stdout), &s), e.stdout)
	return s
}

// storyOfRuns is a story that so many runs have part in, which the server lists late.
func (w *world) storyOfRuns(t *testing.T, runs int, args ...string) (s toldStory) {
	t.Helper()
	testkit.Wait(t, "the server lists the runs and their windows", func() bool {
		s = w.story(t, 0, args...)
		read := 0
		for _, run := range s.Runs {
			if run.HistoryRead {
				read++
			}
		}
		return read >= runs
	})
	return s
}

// seen is all that the runs of a story saw.
func (s toldStory) seen() (kinds []string) {
	for _, run := range s.Runs {
		for _, seen := range run.Seen {
			kinds = append(kinds, strings.TrimSuffix(seen.Kind+" "+string(seen.Outcome), " "))
		}
	}
	return kinds
}

// The story of an order in each of its states, by each of its ids.
func TestStoryOfAnOrder(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 120})
	w.startWorker(t)
	w.sync(t)
	truth := w.Truth()
	one := func(right func(merchant.Expectation) bool) string {
		for id, expectation := range truth {
			if right(expectation) {
				return id
			}
		}
		require.Fail(t, "there is no such order")
		return ""
	}

	booked := w.savable()
	saved := booked[0]
	require.NoError(t, w.AuditBills(saved, "李会计"))
	s := w.storyOfRuns(t, 1, saved)
	require.Equal(t, "agrees", s.State)
	require.Equal(t, "C", s.Bills[0].Status)
	require.Equal(t, "李会计", s.Bills[0].Signed.Audited.By)
	require.NotEmpty(t, s.Bills[0].Signed.Created.By)
	require.True(t, s.Bills[0].Mark.AsNow)
	require.Equal(t, []string{"read", "done saved"}, s.seen())
	require.True(t, s.Sent.Rebuilt)
	require.Empty(t, s.Sent.Changed)
	require.Empty(t, s.Comparison.Differences)
	for _, unknown := range s.Unknown {
		require.Contains(t, unknown, "the server has deleted them", "the orders are older than the test's namespace keeps runs")
	}
	shown := w.starter(t, 0, "order", saved).stdout
	for _, want := range []string{"李会计", "table customers, row", "FRetcustId（退货客户）", "saved"} {
		require.Contains(t, shown, want)
	}
	require.NotContains(t, shown, merchant.PersonalData)

	// By the ids of the shop: the bill's, and the order's own.
	for _, bill := range w.State().Kingdee.Bills {
		if bill.Number == saved {
			require.Equal(t, saved, w.story(t, 0, bill.Fields["FThirdBillNo"]).OrderID, "by outer_as_id")
			_, so, _ := strings.Cut(bill.Fields["FHeadNote"], "线上订单 ")
			so, _, _ = strings.Cut(so, " ")
			require.Equal(t, saved, w.story(t, 0, so, "--days", "1200").OrderID, "by so_id")
		}
	}

	// More is received: the bill differs.
	changed := booked[1]
	require.True(t, w.ReceiveMore(changed, false))
	s = w.story(t, 0, changed)
	require.Equal(t, "different", s.State)
	require.NotEmpty(t, s.Comparison.Differences)
	require.False(t, s.Bills[0].Mark.AsNow)
	require.True(t, s.Sent.Rebuilt)
	require.NotEmpty(t, s.Sent.Changed)
	require.Equal(t, "parked", s.Next.Outcome)
	require.Equal(t, tally.OrderChanged, s.Next.Reason)

	// It is withdrawn, and its bill is left.
	withdrawn := booked[2]
	require.True(t, w.Withdraw(withdrawn, merchant.StatusCancelled))
	s = w.story(t, 0, withdrawn)
	require.Equal(t, "withdrawn", s.State)
	require.Equal(t, `status == "Cancelled"`, s.Mapping.LeftOut.Expression)

	require.NoError(t, w.VoidBills(booked[3]))
	s = w.story(t, 0, booked[3])
	require.Equal(t, "void", s.State)
	require.Equal(t, tally.BillVoid, s.Next.Reason)

	leftOut := one(func(e merchant.Expectation) bool { return e.Outcome == merchant.Skipped })
	s = w.story(t, 0, leftOut, "--days", "1200")
	require.Equal(t, "left_out", s.State)
	require.Equal(t, s.Reason, s.Mapping.LeftOut.Reason)
	require.Contains(t, s.seen(), "left_out")

	parked := one(func(e merchant.Expectation) bool {
		return e.Outcome == merchant.Failed && e.Reason == "unknown_material"
	})
	s = w.story(t, 0, parked)
	require.Equal(t, "parked", s.State)
	require.Equal(t, "unknown_material", s.Reason)
	require.NotNil(t, s.Parked[0].Attempts)
	require.Subset(t, s.seen(), []string{"failed", "parked"})

	w.starter(t, 0, "parked", "discard", parked, "--note", "测试单", "--by", "wang", "--yes")
	w.waitForParked(t, func(waiting map[string]tally.Failure) bool { _, waits := waiting[parked]; return !waits })
	s = w.story(t, 0, parked)
	require.Equal(t, "discarded", s.State)
	require.Equal(t, "wang", s.Parked[0].By)
	require.Equal(t, "测试单", s.Parked[0].Note)
	require.Equal(t, "discarded", s.Next.Outcome)

	require.Equal(t, "unknown", w.story(t, 1, "99999999999").State)
	require.Contains(t, w.starter(t, 1, "order", "nothing").stdout, "Nothing has the id nothing")
}

// By pages the history holds an order's outcome alone; and with keys, what it says is
// decrypted.
func TestStoryOfAnOrderSavedByPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 60})
	w.setKeys(newKey)
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, someWindows...)
	w.startWorker(t)
	w.starterSync(t, 3, "--grain", "page")
	w.starterSync(t, 3)
	saved := w.savable()[0]
	s := w.storyOfRuns(t, 2, saved)
	require.Equal(t, "agrees", s.State)
	require.Equal(t, []string{"done saved", "read", "has_bill"}, s.seen(), "by the first run, and the second")
	require.Nil(t, s.Sent)
	require.Equal(t, "already_saved", s.Next.Outcome)
	for id := range w.parked(t) {
		s := w.story(t, 0, id)
		require.Equal(t, "parked", s.State, id)
		require.Contains(t, s.seen(), "failed")
		require.NotContains(t, w.starter(t, 0, "order", id, "-o", "json").stdout, merchant.PersonalData)
	}

	// What can't be read is said, and the rest is told.
	away := w.with("KINGDEE_APP_SECRET", strings.Repeat("0", 32)).with("TEMPORAL_NAMESPACE", "nowhere")
	s = away.story(t, 1, saved, "--days", "1200")
	require.Equal(t, "unclear", s.State)
	require.Len(t, s.Unknown, 2, "Kingdee and Temporal")
	require.NotNil(t, s.Mapping)
}
