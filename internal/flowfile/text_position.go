package flowfile

import (
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// spanWithin is the place in the file of the characters from..to of a text's value. It
// reads the source alongside the value, as quotes, escapes, folding and indentation make
// them differ.
func (d *document) spanWithin(node ast.Node, from, to int) span {
	t := node.GetToken()
	at := newCursor(d.lines, t.Position.Line, max(1, t.Position.Column))
	value, quote := []rune(t.Value), quotes[t.Type]
	if literal, ok := node.(*ast.LiteralNode); ok {
		value = []rune(literal.Value.Value)
		at.nextLine()
	} else if quote != 0 {
		at.column++
	}
	for _, r := range value[:min(from, len(value))] {
		at.match(r, quote)
		at.step(quote)
	}
	if from >= len(value) {
		return span{at.line, at.column, 1}
	}
	at.match(value[from], quote)
	start, length := at, 1
	for _, r := range value[from:min(to, len(value))] {
		at.match(r, quote)
		if at.line == start.line {
			length = at.column - start.column + 1
		}
		at.step(quote)
	}
	return span{start.line, start.column, length}
}

var quotes = map[token.Type]rune{token.DoubleQuoteType: '"', token.SingleQuoteType: '\''}

// cursor walks the characters of a file.
type cursor struct {
	lines        []string
	line, column int
	text         []rune // of the line
}

func newCursor(lines []string, line, column int) cursor {
	c := cursor{lines: lines, line: line - 1}
	c.nextLine()
	c.column = column
	return c
}

// current is the character at the cursor, '\n' at the end of a line and 0 at the
// end of the file.
func (c *cursor) current() rune {
	switch {
	case c.line > len(c.lines):
		return 0
	case c.column > len(c.text):
		return '\n'
	}
	return c.text[c.column-1]
}

func (c *cursor) nextLine() {
	c.line, c.column, c.text = c.line+1, 1, nil
	if c.line <= len(c.lines) {
		c.text = []rune(c.lines[c.line-1])
	}
}

// match moves to the character that r was read from: past the indentation of a block, and
// past the line ends that YAML folds.
func (c *cursor) match(r, quote rune) {
	for {
		switch current := c.current(); {
		case current == 0 || current == r || quote == '"' && current == '\\':
			return
		case current == '\n' && r == ' ':
			return
		case current == '\n':
			c.nextLine()
		case current == ' ':
			c.column++
		default:
			return
		}
	}
}

var doubleQuoteEscape = map[rune]int{'x': 4, 'u': 6, 'U': 10}

// step moves past one character as the source spells it.
func (c *cursor) step(quote rune) {
	switch current := c.current(); {
	case current == '\n':
		c.nextLine()
	case quote == '\'' && current == '\'':
		c.column += 2
	case quote == '"' && current == '\\':
		c.column++
		length, ok := doubleQuoteEscape[c.current()]
		if !ok {
			length = 2
		}
		c.column += length - 1
	default:
		c.column++
	}
}
