package flow

import (
	"encoding/csv"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"refundsync/internal/text"
)

// Table translates codes of one system into codes of the other. Codes are compared as
// [PlainCode] gives them.
type Table struct {
	Name string
	Rows map[string]string
	// Default is for codes without a row; "" if there is no such value.
	Default string
	// Pass gives codes without a row as they came.
	Pass bool
	// Kingdee is where the rows come from, for a table that comes from Kingdee.
	Kingdee *KingdeeTable
	// File is the CSV file of the rows; "" for those of the flow file. Columns is its
	// number of columns, Code and Value which of them hold the code and its value.
	File                 string
	Columns, Code, Value int
}

// Known are the table's rows, also of one that comes from Kingdee, as last read; none if it
// never was. They are read-only.
func (t *Table) Known() map[string]string {
	if t.Kingdee == nil {
		return t.Rows
	}
	if state := t.Kingdee.State(); state != nil {
		return state.rows
	}
	return nil
}

// Place is where the rows are: the CSV file, the key of the flow file, or the form of
// Kingdee's base data.
func (t *Table) Place() string {
	switch {
	case t.Kingdee != nil:
		return t.Kingdee.Form
	case t.File != "":
		return t.File
	}
	return "tables." + t.Name + ".values"
}

// translate gives the value for a code. An absent code ("") takes its row or the default
// value, and gives "" without either.
func (t *Table) translate(code string, personal bool) (string, error) {
	if value, ok := t.Rows[PlainCode(code)]; ok {
		return value, nil
	}
	code = visibleCode(code)
	if t.Default != "" {
		return t.Default, nil
	}
	if t.Pass || code == "" {
		return code, nil
	}
	return "", t.unknown(code, personal)
}

// unknown is the failure of a code without a row. Its reason names table and code, so that
// all orders that one row would fix count as one cause.
func (t *Table) unknown(code string, personal bool) *valueError {
	failed := newValueError(reasonUnknownCode, text.New("table %s has no code %s and no default", t.Name, quoted(code, personal)))
	if personal {
		return failed
	}
	failed.reason = t.reasonFor(code)
	failed.advice = text.New("Add this line to %s, with Kingdee's code in it, restart the worker, and retry: %s", t.Place(), missingRow{t, code})
	return failed
}

// reasonFor names table and code.
func (t *Table) reasonFor(code string) string {
	return strings.Join([]string{reasonUnknownCode, t.Name, beginning(code, maxShown)}, " ")
}

// missingRow is the line to add to a table for a code, without its value.
type missingRow struct {
	table *Table
	code  string
}

func (r missingRow) String() string { return r.AsText().String() }

// AsText has a text in the place of the value.
func (r missingRow) AsText() text.Text {
	const value = "\x00"
	before, after, _ := strings.Cut(r.with(value), value)
	return text.New("%s<Kingdee's code>%s", before, after)
}

func (r missingRow) with(value string) string {
	if r.table.File == "" {
		return string(encodeText(r.code)) + ": \"" + value + "\""
	}
	cells := make([]string, r.table.Columns)
	cells[r.table.Code], cells[r.table.Value] = r.code, value
	var b strings.Builder
	w := csv.NewWriter(&b)
	// A strings.Builder takes everything.
	_ = w.Write(cells)
	w.Flush()
	return strings.TrimSpace(b.String())
}

// PlainCode is a code without invisible differences: shops' names come with full-width
// letters, zero-width characters and surrounding blanks.
func PlainCode(code string) string {
	return strings.TrimSpace(norm.NFKC.String(visibleCode(code)))
}

// visibleCode is a code without zero-width and control characters and surrounding blanks.
func visibleCode(code string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Cc) {
			return -1
		}
		return r
	}, code))
}
