package flowfile

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// normalize corrects unquoted texts, in which YAML keeps every character. It reports what
// it corrects, and the rest of the file is checked as it was meant.
func (d *document) normalize(node ast.Node, inBraces bool) {
	switch node := node.(type) {
	case *ast.MappingNode:
		for _, pair := range node.Values {
			d.normalize(pair.Key, node.IsFlowStyle)
			d.normalize(pair.Value, node.IsFlowStyle)
		}
	case *ast.SequenceNode:
		for _, entry := range node.Values {
			d.normalize(entry, node.IsFlowStyle)
		}
	case *ast.StringNode:
		if node.Token.Type == token.StringType {
			d.normalizeText(node, inBraces)
		}
	}
}

func (d *document) normalizeText(node *ast.StringNode, inBraces bool) {
	value := []rune(node.Value)
	from, to := 0, len(value)
	for _, end := range []struct {
		at   *int
		step int
	}{{&from, 1}, {&to, -1}} {
		for from < to {
			i := min(*end.at, *end.at+end.step)
			if !spelling.IsInvisible(value[i]) && !unicode.IsSpace(value[i]) {
				break
			}
			d.report(d.spanWithin(node, i, i+1), lookalike(value[i], ""))
			*end.at += end.step
		}
	}
	if inOddQuotes(value[from:to]) {
		// The text itself may be a robot's secret.
		d.report(d.spanWithin(node, from, to), text.New("The quotes %c %c are not a pair of straight ones, and become part of the text; use \" \", or no quotes if none are needed.", value[from], value[to-1]))
		from, to = from+1, to-1
	}
	if inBraces {
		if i := spelling.LookalikeOutsideQuotes(value[from:to], "，："); i >= 0 {
			d.report(d.spanWithin(node, from+i, from+i+1), text.New(
				"Within { }, a full-width %c does not separate; expected a plain comma, or a colon and a space. If it is part of the text, put the whole text in straight quotes.", value[from+i]))
			to = from + i
			d.misspelt[node] = true
		}
	}
	node.Value = string(value[from:to])
	node.Token.Value = node.Value
	node.Token.Position.Column += from
}

// inOddQuotes tells whether a text is in quotes that are not both straight. A text with
// more quotes inside is prose.
func inOddQuotes(value []rune) bool {
	if len(value) < 2 {
		return false
	}
	first, last := value[0], value[len(value)-1]
	return isAnyQuote(first) && isAnyQuote(last) && !(spelling.IsQuote(first) && spelling.IsQuote(last)) && !slices.ContainsFunc(value[1:len(value)-1], isAnyQuote)
}

func isAnyQuote(r rune) bool {
	_, ok := spelling.StraightQuote(r)
	return ok || spelling.IsQuote(r)
}

// What may be wrong with a line that is not YAML.
var (
	keyInLine     = regexp.MustCompile(`^( *)((?:- +)*)(?:"[^"]*"|'[^']*'|[^\s#"'{}\[\],&*!|>%@-][^#"'{}\[\]]*?):(?:\s+(.*))?$`)
	wideColon     = regexp.MustCompile(`^\s*(?:- +)*[^\s#"':]+?(：)`)
	tightColon    = regexp.MustCompile(`^\s*(?:- +)*[A-Za-z_]+(:)[^\s/]`)
	secondColon   = regexp.MustCompile(`^\s*(?:- +)*[^\s#"'{}\[\]:]+:\s+[^\s"'{\[｛［|>&*!].*?(:)(?:\s|$)`)
	tightDash     = regexp.MustCompile(`^\s*(-)[\p{L}_"']`)
	blockOfText   = regexp.MustCompile(`^[|>][-+0-9]*\s*(#.*)?$`)
	textInQuotes  = regexp.MustCompile(`(?:^|[:\-,\[{]\s+|[\[{])(["'])`)
	indentation   = regexp.MustCompile(`^\s*`)
	commentAtLast = regexp.MustCompile(`(^|\s)#.*$`)
)

// syntaxMistake says why the file is not YAML. The parser only says where it stopped, and
// why in its own terms; the mistake is there, on a line beside it, or where a quote began.
func (d *document) syntaxMistake(at span, why string) {
	near := []int{at.line, at.line + 1, at.line - 1}
	for _, line := range near {
		if d.misspeltLine(line) {
			return
		}
	}
	for line := 1; line <= at.line; line++ {
		if d.openQuote(line) {
			return
		}
	}
	if d.wrongIndent(at.line + 1) {
		return
	}
	d.report(at, text.New("YAML syntax error: %s.", why))
}

// misspeltLine reports the first character of a line that YAML reads differently than it
// was meant.
func (d *document) misspeltLine(number int) bool {
	if number < 1 || number > len(d.lines) {
		return false
	}
	line := commentAtLast.ReplaceAllString(d.lines[number-1], "")
	found := func(at int, length int, what text.Text) bool {
		d.report(span{number, utf8.RuneCountInString(line[:at]) + 1, length}, what)
		return true
	}
	if strings.TrimSpace(line) == "" {
		return false
	}
	for i, r := range indentation.FindString(line) {
		if r == '\t' {
			return found(i, 1, text.New("Found a tab in the indentation; expected spaces, as many as on the other lines of this level."))
		}
		if spelling.IsLookalike(r) {
			return found(i, 1, lookalike(r, " "))
		}
	}
	if m := wideColon.FindStringSubmatchIndex(line); m != nil {
		return found(m[2], 1, text.New("Found a full-width colon; expected a plain one and a space."))
	}
	if m := tightDash.FindStringSubmatchIndex(line); m != nil {
		return found(m[2], 1, text.New("Expected a space after -."))
	}
	if m := tightColon.FindStringSubmatchIndex(line); m != nil {
		return found(m[2], 1, text.New("Expected a space after the colon."))
	}
	if m := secondColon.FindStringSubmatchIndex(line); m != nil {
		return found(m[2], 1, text.New("A text with a colon and a space in it needs quotes around it."))
	}
	if i := spelling.LookalikeOutsideQuotes([]rune(line), "｛｝［］，：－＃\u00a0\u3000"); i >= 0 {
		r := []rune(line)[i]
		form, _ := spelling.PlainForm(r)
		return found(len(string([]rune(line)[:i])), 1, lookalike(r, form))
	}
	return false
}

// openQuote reports a straight quote that a line closes with another character.
func (d *document) openQuote(number int) bool {
	line := d.lines[number-1]
	m := textInQuotes.FindStringSubmatchIndex(line)
	if m == nil {
		return false
	}
	source := []rune(line[m[2]:])
	if _, closed := spelling.EndOfLiteral(source, 0); closed {
		return false
	}
	end := slices.IndexFunc(source, func(r rune) bool { _, ok := spelling.StraightQuote(r); return ok })
	if end < 0 {
		return false
	}
	d.report(span{number, utf8.RuneCountInString(line[:m[2]]) + end + 1, 1}, lookalike(source[end], string(source[0])))
	return true
}

// wrongIndent reports the first key, up to a line, that is not aligned with any key above.
func (d *document) wrongIndent(last int) bool {
	var levels []int
	// opened: the last key's value is on the lines below it. block is the indentation of a
	// key with a block of text, -1 outside one.
	opened, block := true, -1
	for i, line := range d.lines[:min(last, len(d.lines))] {
		indent := len(line) - len(strings.TrimLeft(line, " "))
		if strings.TrimSpace(commentAtLast.ReplaceAllString(line, "")) == "" || block >= 0 && indent > block {
			continue
		}
		block = -1
		m := keyInLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		expected := slices.Clone(levels)
		for len(levels) > 0 && levels[len(levels)-1] > indent {
			levels = levels[:len(levels)-1]
		}
		switch {
		case len(levels) > 0 && levels[len(levels)-1] == indent:
		case opened:
			levels = append(levels, indent)
		default:
			d.report(span{i + 1, 1, max(1, indent)}, misaligned(indent, expected))
			return true
		}
		if m[2] != "" {
			levels = append(levels, indent+len(m[2]))
		}
		value := strings.TrimSpace(commentAtLast.ReplaceAllString(m[3], ""))
		opened = value == ""
		if blockOfText.MatchString(value) {
			block = indent
		}
	}
	return false
}

// misaligned names the indentations closest to a wrong one, among those of the lines above.
func misaligned(indent int, levels []int) text.Text {
	below, above := -1, -1
	for _, level := range levels {
		if level < indent {
			below = level
		} else if above < 0 {
			above = level
		}
	}
	if below >= 0 && above >= 0 {
		return text.New("The indentation of this line (%d) matches no level above; expected %d or %d.", indent, below, above)
	}
	return text.New("The indentation of this line (%d) matches no level above; expected %d.", indent, max(below, above))
}
