package flowfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/mattn/go-runewidth"
)

// Problem is one mistake in a flow file, or in the CSV file of one of its tables.
type Problem struct {
	File string
	// Line and Column count from 1, Column in characters. Both are 0 where the
	// file as a whole is at fault.
	Line, Column int
	// Length is the number of characters at fault, at least 1.
	Length int
	// Source is the line itself.
	Source string
	// Chinese and English say what was found and what was expected.
	Chinese, English string
}

// String gives place, message, and the line with a mark under the mistake.
func (p Problem) String() string {
	if p.Line == 0 {
		return fmt.Sprintf("%s: %s %s", p.File, p.Chinese, p.English)
	}
	line, mark := p.excerpt()
	return fmt.Sprintf("%s:%d:%d: %s %s\n%5d | %s\n      | %s", p.File, p.Line, p.Column, p.Chinese, p.English, p.Line, line, mark)
}

// longestExcerpt is how much of a line is shown, in characters: a longer one would
// be wrapped, and the mark would stand under the wrong place.
const longestExcerpt = 160

// excerpt gives the line and the mark under the mistake.
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

// width counts a Chinese character as two columns, as terminals show it. Its
// settings are fixed, because the package's own follow the reader's locale, and
// an error message should not.
var width = runewidth.Condition{EastAsianWidth: false, StrictEmojiNeutral: true}

// Problems are all mistakes of one or more flow files, each file's in the order
// in which they stand in it.
type Problems []Problem

func (p Problems) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "流程文件有 %d 处错误。 Mistakes in flow files: %d.", len(p), len(p))
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
