package main

import (
	"iter"
	"strings"
	"testing"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
	"refundsync/internal/reconcile"
	"refundsync/workflows"
)

func TestReconcileIsNotJoinedWithAnotherTolerance(t *testing.T) {
	span := workflows.Window{From: time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), To: time.Date(2024, 3, 2, 0, 0, 0, 0, time.UTC)}
	id := func(tolerance string) string {
		return reconcileWorkflowID(workflows.ReconcileInput{Flow: "f", Range: span, Tolerance: decimal.RequireFromString(tolerance)})
	}
	require.Equal(t, id("0"), id("0.00"))
	require.Equal(t, id("0.1"), id("0.10"))
	require.NotEqual(t, id("0"), id("0.01"))
	require.NotEqual(t, id("0.1"), id("0.01"))
}

func TestPlanRepair(t *testing.T) {
	early, late := time.Date(2024, 3, 1, 0, 0, 0, 0, time.UTC), time.Date(2024, 3, 2, 0, 0, 0, 0, time.UTC)
	row := func(kind reconcile.Kind, id, bill string, at time.Time) reconcile.Row {
		return reconcile.Row{Kind: kind, OrderID: id, BillNumber: bill, At: at}
	}
	for _, c := range []struct {
		name string
		rows []reconcile.Row
		want repair
	}{
		{"what has no bill is synced", []reconcile.Row{row(reconcile.Missing, "1", "B1", late), row(reconcile.Unmapped, "2", "B2", early)}, repair{orders: []string{"1", "2"}, since: early}},
		{"an order without a time is looked for as long as possible", []reconcile.Row{row(reconcile.Missing, "1", "B1", late), row(reconcile.Missing, "2", "B2", time.Time{})}, repair{orders: []string{"1", "2"}}},
		{"an order without a key can't be", []reconcile.Row{row(reconcile.Unmapped, "sha256:0123456789abcdef", "", time.Time{}), row(reconcile.Missing, "1", "B1", late)}, repair{orders: []string{"1"}, since: late, others: 1}},
		{"what is parked is retried", []reconcile.Row{row(reconcile.Parked, "1", "B1", late)}, repair{parked: []chosenOrder{{"1", workflows.ParkedOrderID("f", "1")}}}},
		{"the rest is for a person", []reconcile.Row{
			row(reconcile.OnlyInKingdee, "1", "B1", late), row(reconcile.Different, "2", "B2", late), row(reconcile.Void, "3", "B3", late),
			row(reconcile.Doubled, "4", "B4", late), row(reconcile.Withdrawn, "5", "B5", late), {Kind: reconcile.Agrees, NotAudited: true},
		}, repair{others: 6}},
		{"what is no difference is left alone", []reconcile.Row{row(reconcile.Agrees, "1", "B1", late), row(reconcile.OthersBill, "", "B2", late), row(reconcile.LeftOut, "3", "B3", late)}, repair{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			plan, err := planRepair("f", rowsIn(c.rows))
			require.NoError(t, err)
			require.Equal(t, c.want, plan)
		})
	}
}

func rowsIn(rows []reconcile.Row) iter.Seq2[reconcile.Row, error] {
	return func(yield func(reconcile.Row, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// TestSomeRowsOfEachKind: many rows of one kind hide none of another.
func TestSomeRowsOfEachKind(t *testing.T) {
	for name, c := range map[string]struct {
		rows string
		want string
	}{
		"none":                   {"", ""},
		"fewer than the most":    {"pmd", "mpd"},
		"many of one kind":       {"pppppppppp", "ppppp"},
		"many of one kind first": {"ppppppppppdm", "mpppd"},
		"more kinds than room":   {"wvsdupm", "mpuds"},
	} {
		t.Run(name, func(t *testing.T) {
			kinds := map[string]reconcile.Kind{"m": reconcile.Missing, "p": reconcile.Parked, "u": reconcile.Unmapped,
				"d": reconcile.Different, "s": reconcile.Doubled, "v": reconcile.Void, "w": reconcile.Withdrawn}
			var rows []reconcile.Row
			for _, letter := range strings.Split(c.rows, "") {
				rows = append(rows, reconcile.Row{Kind: kinds[letter], OrderID: letter})
			}
			some, err := someOfEachKind(rowsIn(rows), 5)
			require.NoError(t, err)
			got := ""
			for _, row := range some {
				got += row.OrderID
			}
			require.Equal(t, c.want, got)
		})
	}
}

// A missing order that changed only after the range is mostly yet to be synced.
func TestMissingOrdersThatChangedLater(t *testing.T) {
	end := time.Date(2024, 3, 1, 23, 59, 59, 0, beijing.Zone)
	report := reconcile.Report{Flow: "f", To: end, Sums: reconcile.Sums{Differences: 4}}
	row := func(id string, kind reconcile.Kind, after time.Duration) reconcile.Row {
		return reconcile.Row{Kind: kind, OrderID: id, At: end.Add(after)}
	}
	lost, later := row("1", reconcile.Missing, -time.Hour), row("2", reconcile.Missing, 2*time.Second)
	for name, c := range map[string]struct {
		rows []reconcile.Row
		says string
	}{
		"within the range":          {[]reconcile.Row{lost}, ""},
		"after it, but not missing": {[]reconcile.Row{row("2", reconcile.Different, time.Hour)}, ""},
		"after it":                  {[]reconcile.Row{row("3", reconcile.Missing, time.Hour), lost, later}, `range: 2. A run over the range alone does not read them. Sync them with --repair, or with: starter run --flow f --from "2024-03-02 00:00:01" --to "2024-03-02 00:59:59"`},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			require.NoError(t, printDifferences(&out, report, rowsIn(c.rows)))
			require.Equal(t, c.says != "", strings.Contains(out.String(), "changed only after the range, at 2024-03-02 00:"), out.String())
			require.Contains(t, out.String(), c.says)
		})
	}
}
