package reportfile

import (
	"archive/zip"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"

	"github.com/mattn/go-runewidth"
	"github.com/shopspring/decimal"
	"github.com/xuri/excelize/v2"

	"refundsync/internal/literal"
	"refundsync/internal/reconcile"
	"refundsync/internal/text"
)

// writeExcel writes a workbook. All lists are written at once, so that the rows are read
// once. excelize keeps up to 16 MB of each sheet in memory and the rest in temporary files
// until the workbook is closed: 100,000 rows took 60 MB of heap if 1% of them differed, and
// 180 MB if a third did.
func writeExcel(w io.Writer, r reconcile.Report, rows iter.Seq2[reconcile.Row, error]) (err error) {
	b := &workbook{file: excelize.NewFile(), styles: map[look]int{}}
	defer func() { err = errors.Join(err, b.file.Close()) }()
	if err := b.file.SetDefaultFont(font); err != nil {
		return err
	}
	tables := totalsOf(r)
	for i, t := range tables {
		var intro []cell
		if i == 0 {
			intro = []cell{{value: title(r)}, {r.Verdict().String(), !r.Agree()}, {value: span(r.From, r.To)}}
		}
		if err := b.writeTotals(t, intro); err != nil {
			return err
		}
	}
	var sheets []*sheet
	all := lists(r)
	for _, l := range all {
		s, err := b.begin(l.table, nil)
		if err != nil {
			return err
		}
		sheets = append(sheets, s)
	}
	for row, err := range rows {
		if err != nil {
			return err
		}
		for i, l := range all {
			for _, line := range l.lines(row) {
				if err := sheets[i].add(line); err != nil {
					return err
				}
			}
		}
	}
	for _, s := range sheets {
		if err := s.end(); err != nil {
			return err
		}
	}
	if err := b.writeTotals(about(r), nil); err != nil {
		return err
	}
	if err := b.file.DeleteSheet("Sheet1"); err != nil {
		return err
	}
	// The archive goes straight to w, where excelize would build it in memory first.
	b.file.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(w) })
	return b.file.Write(io.Discard)
}

// workbook is an Excel file under construction.
type workbook struct {
	file   *excelize.File
	styles map[look]int
}

// look is how a cell looks.
type look struct {
	format             string // of numbers
	bold, wrap, marked bool
	// head cells are the heads of columns, free ones are outside of the table.
	head, free bool
}

// font has Chinese characters; it comes with Windows, and with Excel on a Mac.
const font = "Microsoft YaHei"

// The formats of numbers and dates, and the colours.
const (
	whole     = "#,##0_ "
	cents     = "#,##0.00_ "
	finer     = "#,##0.00####_ "
	asDate    = "yyyy-mm-dd"
	asText    = "@"
	markFill  = "FFE1DC"
	headFill  = "DCE6F1"
	lineColor = "BFBFBF"
	alarming  = "C00000"
)

func (b *workbook) style(l look) (int, error) {
	if known, ok := b.styles[l]; ok {
		return known, nil
	}
	style := &excelize.Style{
		Font:      &excelize.Font{Family: font, Bold: l.bold || l.head, Size: 10},
		Alignment: &excelize.Alignment{Vertical: "center", WrapText: l.wrap || l.head},
	}
	if !l.free {
		for _, side := range []string{"left", "right", "top", "bottom"} {
			style.Border = append(style.Border, excelize.Border{Type: side, Color: lineColor, Style: 1})
		}
	}
	switch l.format {
	case "", asText, asDate:
		style.Alignment.Horizontal, style.Alignment.Indent = "left", 1
	}
	if l.format != "" {
		style.CustomNumFmt = &l.format
	}
	switch {
	case l.head:
		style.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{headFill}}
	case l.free:
		style.Font.Size = 12
		if l.marked {
			style.Font.Color = alarming
		}
	case l.marked:
		style.Fill = excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{markFill}}
	}
	made, err := b.file.NewStyle(style)
	b.styles[l] = made
	return made, err
}

// number is the value of a number's cell. Excel itself holds numbers as binary doubles, and
// shows 15 digits of them. A decimal of up to 15 digits goes through a double and its
// shortest form unchanged, so what is written is the exact decimal; a longer one is written
// as text, which loses nothing.
func number(d decimal.Decimal) any {
	shown := d.String() // without zeros at the end
	if len(strings.TrimLeft(strings.ReplaceAll(shown, ".", ""), "-0")) > 15 {
		return shown
	}
	return d.InexactFloat64()
}

// excel gives the value of a cell for excelize, and the format of a number.
func excel(value any) (shown any, l look) {
	switch v := value.(type) {
	case id:
		return literal.Line(string(v)), look{format: asText}
	case string:
		return literal.Line(v), look{}
	case long:
		return literal.Line(string(v)), look{wrap: true}
	case day:
		if date, err := time.Parse(time.DateOnly, string(v)); err == nil {
			return date, look{format: asDate}
		}
		return literal.Line(string(v)), look{format: asText}
	case amount:
		return number(decimal.Decimal(v)), look{format: places(decimal.Decimal(v), cents)}
	case decimal.Decimal:
		return number(v), look{format: places(v, whole)}
	case int:
		return v, look{format: whole}
	}
	return nil, look{}
}

// places is the format of a number that has no more places than least, or a finer one.
func places(d decimal.Decimal, least string) string {
	switch {
	case least == whole && d.IsInteger():
		return whole
	case d.Equal(d.Round(2)):
		return cents
	}
	return finer
}

// sheet is a sheet that is being written, from the top to the bottom.
type sheet struct {
	book   *workbook
	stream *excelize.StreamWriter
	table  table
	// head is the number of the row with the heads, row that of the last one written.
	head, row int
	sums      []decimal.Decimal
}

func (b *workbook) begin(t table, intro []cell) (*sheet, error) {
	name := t.name.String()
	if _, err := b.file.NewSheet(name); err != nil {
		return nil, err
	}
	a4, landscape, wide, high := 9, "landscape", 1, 0
	fit, side, bottom := true, 0.4, 0.6 // inches
	if err := errors.Join(
		b.file.SetSheetProps(name, &excelize.SheetPropsOptions{FitToPage: &fit}),
		b.file.SetPageLayout(name, &excelize.PageLayoutOptions{Size: &a4, Orientation: &landscape, FitToWidth: &wide, FitToHeight: &high}),
		b.file.SetPageMargins(name, &excelize.PageLayoutMarginsOptions{Left: &side, Right: &side, Top: &side, Bottom: &bottom}),
		b.file.SetHeaderFooter(name, &excelize.HeaderFooterOptions{OddFooter: "&L&A&R&P / &N"}),
	); err != nil {
		return nil, err
	}
	stream, err := b.file.NewStreamWriter(name)
	if err != nil {
		return nil, err
	}
	s := &sheet{book: b, stream: stream, table: t, sums: make([]decimal.Decimal, len(t.columns))}
	for i, c := range t.columns {
		if err := stream.SetColWidth(i+1, i+1, float64(c.width)); err != nil {
			return nil, err
		}
	}
	s.head = len(intro) + 1
	if len(intro) > 0 {
		s.head++ // an empty row
	}
	if err := stream.SetPanes(&excelize.Panes{Freeze: true, YSplit: s.head, TopLeftCell: fmt.Sprintf("A%d", s.head+1), ActivePane: "bottomLeft"}); err != nil {
		return nil, err
	}
	for _, c := range intro {
		if err := s.write([]cell{c}, look{bold: true, free: true}); err != nil {
			return nil, err
		}
	}
	s.row = s.head - 1
	var heads []cell
	for _, c := range t.columns {
		heads = append(heads, cell{value: long(c.head.String())})
	}
	if err := s.write(heads, look{head: true}); err != nil {
		return nil, err
	}
	titles := excelize.DefinedName{Name: "_xlnm.Print_Titles", RefersTo: fmt.Sprintf("'%s'!$%d:$%d", name, s.head, s.head), Scope: name}
	return s, b.file.SetDefinedName(&titles)
}

// write writes a row, with what is said about its look in addition. It is as high as its
// longest text needs, because programs don't agree about when to make a row higher.
func (s *sheet) write(cells []cell, more look) error {
	s.row++
	var row []any
	lines := 1
	for i, c := range cells {
		value, l := excel(c.value)
		l.head, l.bold, l.free, l.marked = more.head, more.bold, more.free, c.marked
		style, err := s.book.style(l)
		if err != nil {
			return err
		}
		switch shown, ok := value.(string); {
		case ok && shown == "":
			value = nil // so that the cell is blank
		case ok && l.wrap:
			lines = max(lines, linesOf(shown, s.table.columns[i].width, l.head))
		}
		row = append(row, excelize.Cell{StyleID: style, Value: value})
	}
	return s.set(row, excelize.RowOpts{Height: float64(min(2+lineHeight*lines, excelize.MaxRowHeight))})
}

// lineHeight is the height of a line in points.
const lineHeight = 14

// linesOf is how many lines a text needs at a width. The margins take two characters, and a
// line that breaks between words ends early; the button of a filter takes three of a head.
func linesOf(shown string, width int, head bool) int {
	width -= 2
	if head {
		width -= 3
	}
	return 1 + (runewidth.StringWidth(shown)*21/20-1)/width
}

func (s *sheet) set(row []any, opts ...excelize.RowOpts) error {
	if s.row > excelize.TotalRows {
		return text.Errorf("the sheet %q would have more than %d rows, which Excel can't have; use csv, or a shorter range", s.table.name, excelize.TotalRows)
	}
	return s.stream.SetRow(fmt.Sprintf("A%d", s.row), row, opts...)
}

// add writes a line.
func (s *sheet) add(line []cell) error {
	addTo(s.sums, line)
	return s.write(line, look{})
}

// end writes the totals, which follow the filter, and the filter.
func (s *sheet) end() error {
	last := s.row
	end, err := excelize.CoordinatesToCellName(len(s.table.columns), last)
	if err != nil {
		return err
	}
	if err := s.book.file.AutoFilter(s.table.name.String(), fmt.Sprintf("A%d:%s", s.head, end), nil); err != nil {
		return err
	}
	if total := s.table.total(s.sums); total != nil {
		s.row++
		var row []any
		for i, c := range total {
			value, l := excel(c.value)
			l.bold = true
			style, err := s.book.style(l)
			if err != nil {
				return err
			}
			shown := excelize.Cell{StyleID: style, Value: value}
			if s.table.columns[i].sum != nil && last > s.head {
				column, err := excelize.ColumnNumberToName(i + 1)
				if err != nil {
					return err
				}
				shown.Formula = fmt.Sprintf("SUBTOTAL(9,%[1]s%[2]d:%[1]s%[3]d)", column, s.head+1, last)
			}
			row = append(row, shown)
		}
		if err := s.set(row); err != nil {
			return err
		}
	}
	return s.stream.Flush()
}

func (b *workbook) writeTotals(t totals, intro []cell) error {
	s, err := b.begin(t.table, intro)
	if err != nil {
		return err
	}
	for _, line := range t.lines {
		if err := s.add(line); err != nil {
			return err
		}
	}
	return s.end()
}
