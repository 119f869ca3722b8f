package docsite

import (
	"fmt"
	"strings"

	"refundsync/internal/literal"
	"refundsync/internal/text"
)

// page is what the template shows.
type page struct {
	Language, Title, Subtitle, Lead string
	Home, HomeName                  string
	Other, OtherName, OtherLanguage string
	Contents, Made                  string
	Badges                          line
	Sections                        []section
}

// section is a part of a page: a diagram, a list of properties, or a table.
type section struct {
	ID, Title, Note string
	Diagram         []box
	Properties      []property
	Table           *table
}

// box is a step of the diagram.
type box struct {
	Kind, Title, Href, What string
	Numbers                 []string
}

type property struct {
	Name  string
	Value cell
}

type table struct {
	Heads []string
	Rows  []row
	// Wide tables scroll within their box on a narrow screen.
	// Each row of one with Cards is shown as a card there.
	Wide, Cards bool
	// Empty is said in the place of no rows.
	Empty string
}

// row is a line of a table, or the heading of those that follow.
type row struct {
	ID, Group string
	Cells     []cell
}

// cell is lines of a cell, each of spans.
type cell []line

type line []span

// span is a part of a line. Class is one of the style sheet, "" for plain words.
type span struct{ Text, Href, Class string }

func words(of any) span { return span{Text: literal.Line(fmt.Sprint(of))} }

// note is less important.
func note(of any) span { return span{Text: literal.Line(fmt.Sprint(of)), Class: "note"} }

// code is a name or an expression as it is in a file, where line breaks may be.
func code(of any) span {
	return span{Text: literal.Terminal(strings.ReplaceAll(fmt.Sprint(of), "\t", " ")), Class: "code"}
}

func link(href string, of any) span { return span{Text: literal.Line(fmt.Sprint(of)), Href: href} }

// short is words that stay on one line.
func short(of any) span { return span{Text: literal.Line(fmt.Sprint(of)), Class: "k"} }

// codeLink is a name that leads to its page.
func codeLink(href, name string) span {
	s := code(name)
	s.Href = href
	return s
}

// Badges of a state.
const (
	good = "badge on"
	bad  = "badge off"
	odd  = "badge unknown"
	mild = "badge mild"
)

func badge(class string, of text.Text) span { return span{Text: of.String(), Class: class} }

// one is a cell of one line.
func one(spans ...span) cell { return cell{spans} }

// add adds a property, unless it has no value.
func (s *section) add(name text.Text, value ...line) {
	if len(value) > 0 {
		s.Properties = append(s.Properties, property{name.String(), value})
	}
}

// say adds a property of one line of words.
func (s *section) say(name text.Text, value any) { s.add(name, line{words(value)}) }

func heads(texts ...text.Text) []string {
	var all []string
	for _, each := range texts {
		all = append(all, each.String())
	}
	return all
}

func (t *table) add(cells ...cell) { t.Rows = append(t.Rows, row{Cells: cells}) }

// yes is a mark, or nothing.
func yes(is bool) cell {
	if !is {
		return nil
	}
	return one(words("✓"))
}
