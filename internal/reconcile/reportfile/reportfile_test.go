package reportfile

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/reconcile"
	"refundsync/internal/text"
)

// written gives a file of the report in the format.
func written(t require.TestingT, format string, r reconcile.Report, rows []reconcile.Row) []byte {
	var out bytes.Buffer
	require.NoError(t, Write(&out, format, r, each(rows)))
	return out.Bytes()
}

func TestBothLanguages(t *testing.T) {
	t.Cleanup(func() { text.Use(text.English) })
	r, rows := sample(1, 50, 3)
	for _, language := range []text.Language{text.Chinese, text.English} {
		text.Use(language)
		for _, format := range Formats {
			written(t, format, r, rows)
			written(t, format, reconcile.Report{}, nil)
		}
	}
}

// broken fails after so many bytes.
type broken struct{ left int }

var errFull = errors.New("the disk is full")

func (b *broken) Write(p []byte) (int, error) {
	if b.left -= len(p); b.left < 0 {
		return 0, errFull
	}
	return len(p), nil
}

func TestWriteFails(t *testing.T) {
	r, rows := sample(1, 200, 3)
	require.ErrorContains(t, Write(io.Discard, "pdf", r, each(rows)), `there is no format "pdf"; the formats are: xlsx, csv, html`)
	errLost := errors.New("the worker is gone")
	for _, format := range Formats {
		require.ErrorIs(t, Write(io.Discard, format, r, func(yield func(reconcile.Row, error) bool) {
			_ = yield(rows[0], nil) && yield(reconcile.Row{}, errLost)
		}), errLost, format)
		require.ErrorIs(t, Write(&broken{100}, format, r, each(rows)), errFull, format)
		require.ErrorIs(t, Write(&broken{5000}, format, r, each(rows)), errFull, format)
		require.ErrorContains(t, Write(io.Discard, format, r, each(rows[1:])), "the details of the report add up to", format)
		other := r
		other.Totals.Kingdee.Quantity = other.Totals.Kingdee.Quantity.Add(decimal.New(1, -4))
		require.ErrorContains(t, Write(io.Discard, format, other, each(rows)), "the details of the report add up to", format)
	}
}

// anyRows draws rows of any kind, each with an id of its own.
func anyRows(r *rapid.T) []reconcile.Row {
	kinds := rapid.SliceOfN(rapid.SampledFrom(reconcile.Kinds), 0, 12).Draw(r, "kinds")
	var rows []reconcile.Row
	for i, kind := range kinds {
		row := reconcile.Row{Kind: kind, OrderID: "order" + string(rune('a'+i)), BillNumber: "bill" + string(rune('a'+i)), Day: "2026-11-01"}
		row.NotAudited = rapid.Bool().Draw(r, "not audited")
		row.Source = reconcile.Sum{Count: rapid.IntRange(0, 1).Draw(r, "orders")}
		row.Kingdee = reconcile.Sum{Count: rapid.IntRange(0, 1).Draw(r, "bills"), Amount: decimal.New(rapid.Int64Range(-1e9, 1e9).Draw(r, "cents"), -2)}
		if kind == reconcile.Different {
			for range rapid.IntRange(1, 3).Draw(r, "differences") {
				row.Differences = append(row.Differences, reconcile.Difference{Field: reconcile.FieldQuantity, Item: "M", Source: "1", Kingdee: "2"})
			}
			row.MoreDifferences = rapid.IntRange(0, 2).Draw(r, "more differences")
		}
		rows = append(rows, row)
	}
	return rows
}

// TestEveryRowIsWhereItBelongs: the list of all has each row once, and another list has the
// rows that its name says, each once; that of differences has a line for each one, and one
// for those that the row doesn't name.
func TestEveryRowIsWhereItBelongs(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		rows := anyRows(r)
		var report reconcile.Report
		report.Sums = sumsOf(rows)
		file := openExcel(r, written(r, "xlsx", report, rows))
		defer func() { require.NoError(r, file.Close()) }()
		for sheet, want := range map[string]func(reconcile.Row) int{
			"All orders": func(reconcile.Row) int { return 1 },
			"Differences": func(row reconcile.Row) int {
				return map[bool]int{true: max(1, len(row.Differences)+min(1, row.MoreDifferences))}[row.Kind.Differs()]
			},
			"Not audited": func(row reconcile.Row) int { return map[bool]int{true: 1}[row.NotAudited] },
			"Parked": func(row reconcile.Row) int {
				return map[reconcile.Kind]int{reconcile.Parked: 1, reconcile.Unmapped: 1}[row.Kind]
			},
			"Skipped":          func(row reconcile.Row) int { return map[reconcile.Kind]int{reconcile.LeftOut: 1}[row.Kind] },
			"Not by this flow": func(row reconcile.Row) int { return map[reconcile.Kind]int{reconcile.OthersBill: 1}[row.Kind] },
		} {
			cells, err := file.GetRows(sheet)
			require.NoError(r, err)
			got := map[string]int{}
			for _, line := range cells {
				for _, value := range line {
					got[value]++
				}
			}
			for _, row := range rows {
				name := row.OrderID
				if row.Kind == reconcile.OthersBill {
					name = row.BillNumber
				}
				require.Equal(r, want(row), got[name], "%s in %s", row.Kind, sheet)
			}
		}
	})
}

func BenchmarkWrite(b *testing.B) {
	const rows = 100_000
	var r reconcile.Report
	for row := range sampleRows(1, rows, 31) {
		r.Totals.Add(row.Sides)
	}
	for _, format := range Formats {
		b.Run(format, func(b *testing.B) {
			for b.Loop() {
				require.NoError(b, Write(io.Discard, format, r, sampleRows(1, rows, 31)))
			}
		})
	}
}
