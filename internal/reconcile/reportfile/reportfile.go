// Package reportfile writes a reconciliation as a file that finance works with, in the
// language of the program. Scripts read the JSON of the report instead, whose names never
// change.
package reportfile

import (
	"io"
	"iter"
	"strings"

	"refundsync/internal/reconcile"
	"refundsync/internal/text"
)

// Formats are the formats that [Write] knows, which are the endings of the files' names.
var Formats = []string{"xlsx", "csv", "html"}

// Write writes a report with all its rows, in one pass and in bounded memory. It stops at
// the first error of rows or w. If the rows don't add up to the report's totals, it returns
// an error, and what was written is of no use.
func Write(w io.Writer, format string, r reconcile.Report, rows iter.Seq2[reconcile.Row, error]) error {
	checked := &checked{rows: rows}
	var err error
	switch format {
	case "xlsx":
		err = writeExcel(w, r, checked.all)
	case "csv":
		err = writeCSV(w, r, checked.all)
	case "html":
		err = writeHTML(w, r, checked.all)
	default:
		return text.Errorf("there is no format %q; the formats are: %s", format, strings.Join(Formats, ", "))
	}
	if err == nil {
		err = checked.agree(r.Totals)
	}
	return err
}

// checked adds up the rows that go by.
type checked struct {
	rows  iter.Seq2[reconcile.Row, error]
	total reconcile.Sides
}

func (c *checked) all(yield func(reconcile.Row, error) bool) {
	for row, err := range c.rows {
		c.total.Add(row.Sides)
		if !yield(row, err) {
			return
		}
	}
}

func (c *checked) agree(want reconcile.Sides) error {
	for _, side := range []struct{ got, want reconcile.Sum }{{c.total.Source, want.Source}, {c.total.Kingdee, want.Kingdee}} {
		if side.got.Count != side.want.Count || !side.got.Quantity.Equal(side.want.Quantity) || !side.got.Amount.Equal(side.want.Amount) {
			return text.Errorf("the details of the report add up to %d with %s, its totals say %d with %s; reconcile again",
				side.got.Count, side.got.Amount, side.want.Count, side.want.Amount)
		}
	}
	return nil
}
