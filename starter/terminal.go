package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/mattn/go-runewidth"
	"github.com/rivo/uniseg"
	"golang.org/x/term"

	"refundsync/internal/literal"
)

// terminalBehind gives the terminal that a command writes to, nil if it is none.
func terminalBehind(w io.Writer) *os.File {
	literally, ok := w.(*literal.Writer)
	if !ok {
		return nil
	}
	if file, ok := literally.To.(*os.File); ok && term.IsTerminal(int(file.Fd())) {
		return file
	}
	return nil
}

// terminalColumns is the width of the terminal that a command writes to, 0 if it is none:
// what a file or a pipe takes has no width.
func terminalColumns(w io.Writer) int {
	file := terminalBehind(w)
	if file == nil {
		return 0
	}
	return columnsOf(file)
}

// columnsOf is the width of a terminal, 80 if it does not tell.
func columnsOf(terminal *os.File) int {
	columns, _, err := term.GetSize(int(terminal.Fd()))
	if err != nil || columns <= 0 {
		return 80
	}
	return columns
}

// widths counts the columns that a text takes at most: a terminal may show some
// characters, such as ·, in one or in two.
var widths = runewidth.Condition{EastAsianWidth: true, StrictEmojiNeutral: true}

// say writes lines, wrapped to the width of the terminal.
func say(w io.Writer, line string) {
	fmt.Fprintln(w, wrap(literal.Terminal(line), terminalColumns(w)))
}

// wrap breaks each line that has more than so many columns where Unicode allows it, and
// within a word only if the word alone is too long. Lines keep their indent. No line is
// broken with columns 0.
func wrap(lines string, columns int) string {
	if columns <= 0 {
		return lines
	}
	var wrapped []string
	for line := range strings.SplitSeq(lines, "\n") {
		wrapped = append(wrapped, wrapLine(line, columns)...)
	}
	return strings.Join(wrapped, "\n")
}

func wrapLine(line string, columns int) (lines []string) {
	if widths.StringWidth(line) <= columns {
		return []string{line}
	}
	words := strings.TrimLeft(line, " ")
	indent := line[:len(line)-len(words)]
	if len(indent)+2 > columns/2 {
		indent = ""
	}
	current := indent
	for _, word := range breakable(words) {
		if current != indent && widths.StringWidth(current+strings.TrimRight(word, " ")) > columns {
			lines, current = append(lines, strings.TrimRight(current, " ")), indent
		}
		for _, character := range word {
			if next := current + string(character); character != ' ' && widths.StringWidth(next) > columns && current != indent {
				lines, current = append(lines, current), indent
			}
			current += string(character)
		}
	}
	return append(lines, strings.TrimRight(current, " "))
}

// breakable cuts a line into the parts between which it may be broken, each with the
// blanks behind it. An id, a path or a flag, which people copy, stays whole: without a
// blank, a line is broken beside wide characters alone.
func breakable(line string) (parts []string) {
	state := -1
	for line != "" {
		var part string
		part, line, _, state = uniseg.FirstLineSegmentInString(line, state)
		if last := len(parts) - 1; last >= 0 && isNarrow(parts[last], part) {
			parts[last] += part
		} else {
			parts = append(parts, part)
		}
	}
	return parts
}

// isNarrow tells whether there is neither a blank nor a wide character between two parts
// of a line.
func isNarrow(before, after string) bool {
	last, _ := utf8.DecodeLastRuneInString(before)
	next, _ := utf8.DecodeRuneInString(after)
	return last != ' ' && widths.RuneWidth(last) == 1 && widths.RuneWidth(next) == 1
}
