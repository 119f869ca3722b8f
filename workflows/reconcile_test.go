package workflows

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"pgregory.net/rapid"

	"refundsync/internal/beijing"
	"refundsync/internal/paging"
	"refundsync/internal/reconcile"
	"refundsync/internal/tally"
)

// fakeSides stands in for the activities of a reconciliation: an order a minute, each with a
// bill whose id is that minute, as a Unix time.
type fakeSides struct {
	*fakeWorld
	mu sync.Mutex
	// most is how many orders a window may have.
	most int
	// lost are bills of no order that is read, and own those that orders account for.
	lost     []int64
	failure  error
	listed   int // in one ListBills
	windows  []Window
	compared []int64 // by CompareBills
}

func (s *fakeSides) register(env *testsuite.TestWorkflowEnvironment) {
	for name, do := range map[string]any{ListBillsName: s.list, ComparePagesName: s.comparePages, CompareBillsName: s.compareBills, LoadFlowName: s.loadFlow} {
		env.RegisterActivityWithOptions(do, activity.RegisterOptions{Name: name})
	}
	Register(env)
}

// bills are all bills dated in a range.
func (s *fakeSides) bills(span Window) (ids []int64) {
	for at := span.From; !at.After(span.To); at = at.Add(time.Minute) {
		ids = append(ids, at.Unix())
	}
	ids = append(ids, s.lost...)
	slices.Sort(ids)
	return ids
}

func (s *fakeSides) list(_ context.Context, params ListBillsParams) (ListBillsResult, error) {
	if s.failure != nil {
		return ListBillsResult{}, s.failure
	}
	var ids []int64
	for _, id := range s.bills(params.Range) {
		if id > params.After && len(ids) < s.listed {
			ids = append(ids, id)
		}
	}
	result := ListBillsResult{Bills: reconcile.PackIDs(ids), Last: params.After, Complete: len(ids) < s.listed}
	if len(ids) > 0 {
		result.Last = slices.Max(ids)
	}
	return result, nil
}

// comparePages compares the orders of a window, one a minute, in two calls.
func (s *fakeSides) comparePages(_ context.Context, params ComparePagesParams) (ComparePagesResult, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []int64
	for at := params.Window.From.Truncate(time.Minute); !at.After(params.Window.To); at = at.Add(time.Minute) {
		if params.Window.Holds(at) {
			ids = append(ids, at.Unix())
		}
	}
	if len(ids) > s.most {
		return ComparePagesResult{Crowded: len(ids)}, nil
	}
	half := len(ids) / 2
	reader := paging.Reader{Next: 2}
	if params.Reading.Next == 2 {
		ids, reader = ids[half:], paging.Reader{}
		s.windows = append(s.windows, params.Window)
	} else {
		ids = ids[:half]
	}
	return ComparePagesResult{Reader: reader, Shown: tally.List{{Version: tally.Version{ID: params.Window.String()}}}, ComparedRows: rowsOf(ids, params.Range)}, nil
}

// rowsOf are rows of orders with their bills, as far as they lie in a range.
func rowsOf(ids []int64, span Window) ComparedRows {
	var sums reconcile.Sums
	var rows []reconcile.Row
	ids = slices.DeleteFunc(slices.Clone(ids), func(id int64) bool { return !span.Holds(time.Unix(id, 0)) })
	for _, id := range ids {
		row := reconcile.OfBill(reconcile.OthersBill, reconcile.Bill{ID: id, Date: time.Unix(id, 0).In(beijing.Zone).Format(time.DateOnly)}, "", "")
		rows = append(rows, row.Row)
		sums.Count(row)
	}
	return ComparedRows{Rows: reconcile.PackRows(rows), Sums: sums, Bills: reconcile.PackIDs(ids)}
}

func (s *fakeSides) compareBills(_ context.Context, params CompareBillsParams) (ComparedRows, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids, err := reconcile.UnpackIDs(params.All)
	if err != nil {
		return ComparedRows{}, err
	}
	s.compared = append(s.compared, ids[params.First:params.Behind]...)
	var sums reconcile.Sums
	for range ids[params.First:params.Behind] {
		sums.Count(reconcile.OfBill(reconcile.OnlyInKingdee, reconcile.Bill{}, "", ""))
	}
	return ComparedRows{Sums: sums}, nil
}

func newFakeSides() *fakeSides {
	s := &fakeSides{fakeWorld: newFakeWorld(0), most: 30_000, listed: 1000}
	s.plan.LongestWindow = 7*24*time.Hour - 2*time.Second
	return s
}

func reconcileIn(env *testsuite.TestWorkflowEnvironment, in ReconcileInput) (result ReconcileResult, err error) {
	env.ExecuteWorkflow(ReconcileName, in)
	if err := env.GetWorkflowError(); err != nil {
		return result, err
	}
	return result, env.GetWorkflowResult(&result)
}

// Law: the windows cover what is read, no second twice, and none lies partly in the range;
// and of the listed bills, exactly those that the windows do not account for are looked into.
func TestReconcileReadsAround(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newFakeSides()
		s.most, s.listed = rapid.IntRange(4000, 30_000).Draw(t, "most"), rapid.IntRange(20, 500).Draw(t, "listed")
		from := time.Date(2024, 3, 1, 0, 0, rapid.IntRange(0, 59).Draw(t, "second"), 0, beijing.Zone)
		span := Window{From: from, To: from.Add(time.Duration(rapid.IntRange(0, 300).Draw(t, "minutes")) * time.Minute)}
		s.lost = rapid.SliceOfNDistinct(rapid.Int64Range(1, 99), 0, 5, func(id int64) int64 { return id }).Draw(t, "lost")
		now := span.To.Add(time.Duration(rapid.IntRange(-3, 10).Draw(t, "days")) * 24 * time.Hour)
		env := newEnvironment()
		env.SetStartTime(now)
		s.register(env)
		result, err := reconcileIn(env, ReconcileInput{Flow: "f", Range: span})
		require.NoError(t, err)

		slices.SortFunc(s.windows, func(a, b Window) int { return a.From.Compare(b.From) })
		next := result.ReadFrom
		for _, window := range s.windows {
			require.True(t, window.From.Equal(next), "%s begins where the one before ends", window)
			require.Equal(t, span.Holds(window.From), span.Holds(window.To), "%s", window)
			next = window.To.Add(time.Second)
		}
		require.True(t, next.Equal(result.ReadTo.Add(time.Second)))
		require.False(t, result.ReadTo.After(now))
		want := slices.DeleteFunc(s.bills(span), func(id int64) bool {
			at := time.Unix(id, 0)
			return id > 99 && at.Truncate(time.Minute).Equal(at) && !at.After(result.ReadTo)
		})
		require.Equal(t, want, append([]int64{}, s.compared...))
		require.Equal(t, len(s.compared), result.Differences)
	})
}

func TestReconcileKeepsItsRowsInItsChildren(t *testing.T) {
	s := newFakeSides()
	env := newEnvironment()
	env.SetStartTime(testWindow.To.AddDate(0, 1, 0))
	s.register(env)
	result, err := reconcileIn(env, ReconcileInput{Flow: "f", Range: testWindow, By: "finance"})
	require.NoError(t, err)
	require.Equal(t, "finance", result.By)
	rows := 0
	for _, part := range result.Parts {
		for page, pages := 0, 1; page < pages; page++ {
			value, err := env.QueryWorkflowByID(part.WorkflowID, RowsQuery, page)
			require.NoError(t, err)
			var answer RowsPage
			require.NoError(t, value.Get(&answer))
			some, err := reconcile.UnpackRows(answer.Rows)
			require.NoError(t, err)
			rows, pages = rows+len(some), answer.Pages
		}
	}
	require.Positive(t, rows)
	require.Equal(t, result.Totals.Kingdee.Count, rows)
}

func TestReconcileOverTheLastDays(t *testing.T) {
	s := newFakeSides()
	s.most = 1e6
	env := newEnvironment()
	env.SetStartTime(time.Date(2024, 3, 4, 6, 0, 0, 0, beijing.Zone))
	s.register(env)
	result, err := reconcileIn(env, ReconcileInput{Flow: "f", Days: 3})
	require.NoError(t, err)
	require.Equal(t, "2024-03-01 00:00:00", shownTime(result.From))
	require.Equal(t, "2024-03-03 23:59:59", shownTime(result.To))

	s = newFakeSides()
	s.plan.Enabled = false
	env = newEnvironment()
	s.register(env)
	_, err = reconcileIn(env, ReconcileInput{Flow: "f", Days: 3})
	require.ErrorContains(t, err, "is disabled")
}

func TestReconcileThatCannotRead(t *testing.T) {
	s := newFakeSides()
	s.failure = temporal.NewNonRetryableApplicationError("no right", "field_unreadable", nil)
	env := newEnvironment()
	s.register(env)
	_, err := reconcileIn(env, ReconcileInput{Flow: "f", Range: testWindow})
	require.True(t, isType(err, ReconcileUnfinished))
	require.ErrorContains(t, err, "no right. The reconciliation changed nothing")
}

func TestReconcileContinuesAsNew(t *testing.T) {
	s := newFakeSides()
	s.listed = 10
	env := newEnvironment()
	env.SetStartTime(testWindow.To.AddDate(0, 1, 0))
	env.SetContinueAsNewSuggested(true)
	s.register(env)
	_, err := reconcileIn(env, ReconcileInput{Flow: "f", Range: testWindow})
	var next *workflow.ContinueAsNewError
	require.True(t, errors.As(err, &next))
}
