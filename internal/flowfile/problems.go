package flowfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"

	"refundsync/internal/text"
)

// Problem is one mistake in a flow file, or in the CSV file of one of its tables.
type Problem struct {
	File string
	// Line and Column count from 1, Column in characters. Both are 0 for a mistake of the
	// whole file.
	Line, Column int
	// Length is the number of wrong characters, at least 1.
	Length int
	// Source is the line.
	Source string
	// What says what was found and what was expected, in the language of the program.
	What string
}

// String shows the place, the message, and the line with a mark under the mistake.
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s", p.File, p.What)
	}
	line, mark := p.excerpt()
	return fmt.Sprintf("%s:%d:%d: %s\n%5d | %s\n      | %s", p.File, p.Line, p.Column, p.What, p.Line, line, mark)
}

// longestExcerpt is how much of a line is shown, in characters: in a longer one, which
// wraps, the mark would be in the wrong place.
const longestExcerpt = 160

// excerpt is the line and the mark under the mistake.
func (p Problem) excerpt() (line, mark string) {
	source := []rune(p.Source)
	start := min(p.Column-1, len(source))
	end := min(start+p.Length, len(source))
	cut, dots := 0, ""
	if len(source) > longestExcerpt {
		cut = max(0, start-longestExcerpt/2)
		source = source[:min(len(source), cut+longestExcerpt)]
		end = min(end, len(source))
	}
	if cut > 0 {
		dots = "…"
	}
	var b strings.Builder
	for _, r := range dots + string(source[cut:start]) {
		if r == '\t' {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Repeat(" ", width.RuneWidth(r)))
	}
	return dots + string(source[cut:]), b.String() + strings.Repeat("^", max(1, width.StringWidth(string(source[start:end]))))
}

// width counts a Chinese character as two columns, as terminals do. Its settings are
// fixed, because the package's defaults depend on the locale.
var width = runewidth.Condition{EastAsianWidth: false, StrictEmojiNeutral: true}

// Problems are all mistakes in one or more flow files, those of a file in their order.
type Problems []Problem

func (p Problems) Error() string {
	var b strings.Builder
	text.Fprintf(&b, "Mistakes in flow files: %d.", len(p))
	for _, problem := range p {
		b.WriteString("\n" + problem.String())
	}
	return b.String()
}

func (p Problems) sort() {
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}
