package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	pretty "github.com/jedib0t/go-pretty/v6/text"

	"refundsync/internal/literal"
)

// fittedTable is a table that fits the terminal: where there is no room, it drops the
// columns that it may, and then wraps the widest. Cells, which may hold an order's own
// words, are literal.
type fittedTable struct {
	table.Writer
	to    io.Writer
	title string
	// columns is the width of the terminal, 0 for none.
	columns int
	// natural is how wide each column is if nothing is wrapped, least how wide without
	// breaking a word.
	natural, least          []int
	right, whole, droppable []int
	// sentences are columns of whole sentences.
	sentences []int
}

func newTable(w io.Writer) *fittedTable { return newTableOf(w, terminalColumns(w)) }

// newTableOf is a table of so many columns at most, 0 for any width.
func newTableOf(w io.Writer, columns int) *fittedTable {
	t := &fittedTable{Writer: table.NewWriter(), to: w, columns: columns}
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = pretty.FormatDefault
	t.Style().Format.Footer = pretty.FormatDefault
	return t
}

// alignRight sets columns, numbered from 1, to the right.
func (t *fittedTable) alignRight(columns ...int) { t.right = append(t.right, columns...) }

// keepWhole names columns, numbered from 1, that are not wrapped while one can be dropped.
func (t *fittedTable) keepWhole(columns ...int) { t.whole = append(t.whole, columns...) }

// mayDrop names columns, numbered from 1, that are dropped where there is no room, the first
// first.
func (t *fittedTable) mayDrop(columns ...int) { t.droppable = append(t.droppable, columns...) }

// sentenceColumns is how wide a column of sentences is at most where the table may have any
// width, as in a pipe.
const sentenceColumns = 60

// holdSentences names columns, numbered from 1, whose cells are sentences, which are wrapped
// even where the table may have any width.
func (t *fittedTable) holdSentences(columns ...int) { t.sentences = append(t.sentences, columns...) }

// SetTitle sets the lines above the table.
func (t *fittedTable) SetTitle(format string, args ...any) {
	t.title = literal.Terminal(fmt.Sprintf(format, args...))
}

// AppendHeader adds a line of headings.
func (t *fittedTable) AppendHeader(row table.Row, config ...table.RowConfig) {
	t.Writer.AppendHeader(t.measured(row), config...)
}

// AppendRow adds a row.
func (t *fittedTable) AppendRow(row table.Row, config ...table.RowConfig) {
	t.Writer.AppendRow(t.measured(row), config...)
}

// AppendFooter adds a last line.
func (t *fittedTable) AppendFooter(row table.Row, config ...table.RowConfig) {
	t.Writer.AppendFooter(t.measured(row), config...)
}

// measured is the row as it is shown.
func (t *fittedTable) measured(row table.Row) table.Row {
	shown := make(table.Row, len(row))
	for i, value := range row {
		if len(t.natural) == i {
			t.natural, t.least = append(t.natural, 0), append(t.least, 0)
		}
		cell := literal.Cell(fmt.Sprint(value))
		shown[i] = cell
		for line := range strings.SplitSeq(cell, "\n") {
			t.natural[i] = max(t.natural[i], widths.StringWidth(line))
			for _, word := range breakable(line) {
				t.least[i] = max(t.least[i], widths.StringWidth(strings.TrimRight(word, " ")))
			}
		}
	}
	return shown
}

// Render writes the table and gives what it wrote.
func (t *fittedTable) Render() string {
	for _, column := range t.whole {
		t.least[column-1] = t.natural[column-1]
	}
	if t.columns == 0 {
		for _, column := range t.sentences {
			t.natural[column-1] = max(t.least[column-1], min(t.natural[column-1], sentenceColumns))
		}
	}
	fitted := fit(t.natural, t.least, t.columns, t.droppable)
	configs := make([]table.ColumnConfig, len(fitted))
	for i, width := range fitted {
		configs[i] = table.ColumnConfig{Number: i + 1, WidthMax: width, WidthMaxEnforcer: wrap, Hidden: width == 0}
		if slices.Contains(t.right, i+1) {
			configs[i].Align, configs[i].AlignHeader, configs[i].AlignFooter = pretty.AlignRight, pretty.AlignRight, pretty.AlignRight
		}
	}
	t.SetColumnConfigs(configs)
	rendered := t.Writer.Render() + "\n"
	if t.title != "" {
		rendered = wrap(t.title, t.columns) + "\n" + rendered
	}
	// A terminal or a pipe that can't be written to has nobody to tell of it.
	_, _ = io.WriteString(t.to, rendered)
	return rendered
}

// fit gives the width of each column in a table of so many columns of the terminal, 0 for
// one that is dropped. Those that may be are dropped, the first first, until no word has to
// be broken and each text is wide enough to read; then the widest are narrowed.
func fit(natural, least []int, columns int, droppable []int) []int {
	natural, least = slices.Clone(natural), slices.Clone(least)
	if columns == 0 {
		return natural
	}
	const readable = 30
	legible := func() (total int) {
		for i := range natural {
			total += max(least[i], min(natural[i], readable))
		}
		return total
	}
	for _, column := range droppable {
		if legible() <= roomFor(natural, columns) {
			break
		}
		natural[column-1], least[column-1] = 0, 0
	}
	room := roomFor(natural, columns)
	if sum(least) > room {
		least = narrowed(least, make([]int, len(least)), room)
	}
	return narrowed(natural, least, room)
}

// roomFor is what the borders leave for the cells; one for each column at least.
func roomFor(natural []int, columns int) int {
	shown := 0
	for _, width := range natural {
		if width > 0 {
			shown++
		}
	}
	return max(columns-1-3*shown, shown)
}

// narrowed lowers the largest widths until all together take so much room at most. None
// becomes less than its least.
func narrowed(natural, least []int, room int) []int {
	fitted := slices.Clone(natural)
	for highest := slices.Max(append([]int{0}, natural...)); sum(fitted) > room; highest-- {
		for i := range fitted {
			fitted[i] = max(min(natural[i], highest), least[i])
		}
	}
	return fitted
}

func sum(widths []int) (total int) {
	for _, width := range widths {
		total += width
	}
	return total
}
