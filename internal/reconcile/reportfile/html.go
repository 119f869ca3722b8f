package reportfile

import (
	"bufio"
	_ "embed"
	"html/template"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"refundsync/internal/literal"
	"refundsync/internal/reconcile"
	"refundsync/internal/text"
)

//go:embed page.html
var pageHTML string

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// mostLines is how many lines of a list the page shows. A browser and a printer have
// trouble with more, and whoever has that many differences wants a spreadsheet.
const mostLines = 1000

// page is what the template shows.
type page struct {
	Language, Title, Verdict, Subtitle string
	Agree                              bool
	Cards                              []card
	Days                               chart
	Causes                             causes
	Tables                             []shownTable
	Words                              map[string]string
}

// card is a figure at the top of the page.
type card struct{ Name, Value, More string }

// shownTable is a table as the page shows it. Empty and More are sentences, if they are
// any.
type shownTable struct {
	Name, Note string
	// Count is the number of orders and bills in a list; "" for totals.
	Count       string
	Heads       []shownCell
	Lines       [][]shownCell
	Total       []shownCell
	Empty, More string
	// Cards: on a narrow screen, each line is shown as a card.
	Cards bool
}

// shownCell is a cell with its head and its CSS classes.
type shownCell struct{ Head, Text, Class string }

// counted says how many orders or bills there are, with their quantity if they have one.
func counted(r reconcile.Report, count text.Text, sum reconcile.Sum) string {
	if r.Money {
		return count.String()
	}
	return text.Sprintf("%s, quantity %s", count, grouped(sum.Quantity.String()))
}

// writeHTML writes a page that stands alone. It has all but the orders that agree, and at
// most [mostLines] lines of a list, so that it is bounded.
func writeHTML(w io.Writer, r reconcile.Report, rows iter.Seq2[reconcile.Row, error]) error {
	p := page{
		Language: string(text.Current()), Title: title(r), Verdict: r.Verdict().String(), Subtitle: span(r.From, r.To), Agree: r.Agree(),
		Cards: []card{
			{text.Sprintf("Jushuitan: amount with tax"), grouped(fixed(r.Totals.Source.Amount)), counted(r, text.New("%d orders", r.Totals.Source.Count), r.Totals.Source)},
			{text.Sprintf("Kingdee: amount with tax"), grouped(fixed(r.Totals.Kingdee.Amount)), counted(r, text.New("%d bills", r.Totals.Kingdee.Count), r.Totals.Kingdee)},
			{text.Sprintf("Kingdee less Jushuitan"), grouped(fixed(r.Totals.Kingdee.Amount.Sub(r.Totals.Source.Amount))), text.Sprintf("Explained line by line below")},
		},
		Days: chartOf(r.Days), Causes: causesOf(r.Kinds),
		Words: map[string]string{
			"days": text.Sprintf("Both sides by day, amount with tax"), "causes": text.Sprintf("Differences by cause"),
			"jushuitan": text.Sprintf("Jushuitan"), "kingdee": text.Sprintf("Kingdee"),
		},
	}
	for _, t := range totalsOf(r) {
		p.Tables = append(p.Tables, showTotals(t))
	}
	var shown []shownTable
	all := lists(r)
	all = all[:len(all)-1] // without that of all rows
	counts, lengths, sums := make([]int, len(all)), make([]int, len(all)), make([][]decimal.Decimal, len(all))
	for i, l := range all {
		shown = append(shown, showHeads(l.table))
		shown[i].Cards = true
		sums[i] = make([]decimal.Decimal, len(l.columns))
	}
	agree := 0
	for row, err := range rows {
		if err != nil {
			return err
		}
		if row.Kind == reconcile.Agrees {
			agree++
		}
		for i, l := range all {
			lines := l.lines(row)
			if len(lines) > 0 {
				counts[i]++
			}
			for _, line := range lines {
				lengths[i]++
				addTo(sums[i], line)
				if lengths[i] <= mostLines {
					shown[i].Lines = append(shown[i].Lines, showLine(l.table, line))
				}
			}
		}
	}
	for i, l := range all {
		shown[i].Count = grouped(strconv.Itoa(counts[i]))
		if counts[i] == 0 {
			shown[i].Empty = text.Sprintf("None.")
		} else if total := l.total(sums[i]); total != nil {
			shown[i].Total = showLine(l.table, total)
		}
		if lengths[i] > mostLines {
			shown[i].More = text.Sprintf("Only the first %d of %d lines are shown; the Excel file has all.", mostLines, lengths[i])
		}
	}
	p.Tables = append(p.Tables, shown...)
	end := showTotals(about(r))
	end.Cards = true
	end.Note = text.Sprintf("%d orders that agree are not listed on this page; the Excel and CSV files have them.", agree)
	p.Tables = append(p.Tables, end)
	buffer := bufio.NewWriter(w)
	if err := pageTemplate.Execute(buffer, p); err != nil {
		return err
	}
	return buffer.Flush()
}

func showHeads(t table) shownTable {
	shown := shownTable{Name: t.name.String(), Note: t.note.String()}
	for _, c := range t.columns {
		class := ""
		if c.sum != nil {
			class = "n"
		}
		shown.Heads = append(shown.Heads, shownCell{Text: c.head.String(), Class: class})
	}
	return shown
}

func showTotals(t totals) shownTable {
	shown, sums := showHeads(t.table), make([]decimal.Decimal, len(t.columns))
	for _, line := range t.lines {
		addTo(sums, line)
		shown.Lines = append(shown.Lines, showLine(t.table, line))
	}
	if total := t.total(sums); total != nil {
		shown.Total = showLine(t.table, total)
	}
	return shown
}

func showLine(t table, line []cell) []shownCell {
	shown := make([]shownCell, len(line))
	for i, c := range line {
		shown[i] = showCell(c)
		shown[i].Head = t.columns[i].head.String()
	}
	return shown
}

// showCell gives a cell with its class: n for numbers, k for what stays on one line, m in
// addition for what is marked.
func showCell(c cell) shownCell {
	var s shownCell
	switch v := c.value.(type) {
	case id:
		s = shownCell{Text: literal.Line(string(v)), Class: "id"}
	case string:
		s.Text = literal.Line(v)
	case long:
		s = shownCell{Text: literal.Line(string(v)), Class: "long"}
	case day:
		s = shownCell{Text: literal.Line(string(v)), Class: "k"}
	case amount:
		s = shownCell{Text: grouped(fixed(decimal.Decimal(v))), Class: "n"}
	case decimal.Decimal:
		s = shownCell{Text: grouped(v.String()), Class: "n"}
	case int:
		s = shownCell{Text: grouped(strconv.Itoa(v)), Class: "n"}
	}
	if c.marked {
		s.Class = strings.TrimSpace(s.Class + " m")
	}
	return s
}

// grouped puts a comma after each thousand of a number.
func grouped(number string) string {
	sign := ""
	if rest, negative := strings.CutPrefix(number, "-"); negative {
		sign, number = "-", rest
	}
	whole, places, _ := strings.Cut(number, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if places != "" {
		places = "." + places
	}
	return sign + whole + places
}
