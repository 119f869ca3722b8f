package flowfile

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"refundsync/internal/spelling"
)

// straighten sees to the texts that stand in no quotes, where YAML takes every
// character into the text. What is meant takes the place of what is reported, so
// that the rest of the file is judged as it is meant.
func (d *document) straighten(node ast.Node, inBraces bool) {
	switch node := node.(type) {
	case *ast.MappingNode:
		for _, pair := range node.Values {
			d.straighten(pair.Key, node.IsFlowStyle)
			d.straighten(pair.Value, node.IsFlowStyle)
		}
	case *ast.SequenceNode:
		for _, entry := range node.Values {
			d.straighten(entry, node.IsFlowStyle)
		}
	case *ast.StringNode:
		if node.Token.Type == token.StringType {
			d.straightenText(node, inBraces)
		}
	}
}

func (d *document) straightenText(node *ast.StringNode, inBraces bool) {
	text := []rune(node.Value)
	from, to := 0, len(text)
	for _, end := range []struct {
		at   *int
		step int
	}{{&from, 1}, {&to, -1}} {
		for from < to {
			i := min(*end.at, *end.at+end.step)
			if !spelling.IsInvisible(text[i]) && !unicode.IsSpace(text[i]) {
				break
			}
			form, _ := spelling.PlainForm(text[i])
			d.report(d.spanWithin(node, i, i+1), instead(string(text[i]), strings.TrimSpace(form)))
			*end.at += end.step
		}
	}
	if inOddQuotes(text[from:to]) {
		// The text itself may be a robot's secret.
		d.report(d.spanWithin(node, from, to), say("引号 %[1]c %[2]c 不是一对英文引号，会成为文本的一部分；请改成英文引号 \" \"，不需要引号就去掉。",
			"The quotes %[1]c %[2]c are no pair of straight ones and become part of the text; write \" \" instead, or none where none are needed.", text[from], text[to-1]))
		from, to = from+1, to-1
	}
	if inBraces {
		if i := spelling.LookalikeOutsideQuotes(text[from:to], "，："); i >= 0 {
			what := say("{ } 里的 %[1]c 是全角的，不作分隔；应为英文的逗号，或冒号加一个空格。", "Within { } a full-width %[1]c separates nothing; expected a plain comma, or a colon and a space.", text[from+i])
			d.report(d.spanWithin(node, from+i, from+i+1), message{
				Chinese: what.Chinese + "它若是文本的一部分，请给整个文本加英文引号。",
				English: what.English + " If it is part of the text, put all of that in straight quotes.",
			})
			to = from + i
			d.told[node] = true
		}
	}
	node.Value = string(text[from:to])
	node.Token.Value = node.Value
	node.Token.Position.Column += from
}

// inOddQuotes tells whether a text stands in quotes that are not straight, or not both.
// One that holds quotes as well is prose.
func inOddQuotes(text []rune) bool {
	if len(text) < 2 {
		return false
	}
	first, last := text[0], text[len(text)-1]
	return isAnyQuote(first) && isAnyQuote(last) && !(spelling.IsQuote(first) && spelling.IsQuote(last)) && !slices.ContainsFunc(text[1:len(text)-1], isAnyQuote)
}

func isAnyQuote(r rune) bool {
	_, ok := spelling.StraightQuote(r)
	return ok || spelling.IsQuote(r)
}

// What may be wrong with a line that is no YAML.
var (
	keyInLine     = regexp.MustCompile(`^( *)((?:- +)*)(?:"[^"]*"|'[^']*'|[^\s#"'{}\[\],&*!|>%@-][^#"'{}\[\]]*?):(?:\s+(.*))?$`)
	wideColon     = regexp.MustCompile(`^\s*(?:- +)*[^\s#"':]+?(：)`)
	tightColon    = regexp.MustCompile(`^\s*(?:- +)*[A-Za-z_]+(:)[^\s/]`)
	tightDash     = regexp.MustCompile(`^\s*(-)[\p{L}_"']`)
	blockOfText   = regexp.MustCompile(`^[|>][-+0-9]*\s*(#.*)?$`)
	textInQuotes  = regexp.MustCompile(`(?:^|[:\-,\[{]\s+|[\[{])(["'])`)
	indentation   = regexp.MustCompile(`^\s*`)
	commentAtLast = regexp.MustCompile(`(^|\s)#.*$`)
)

// syntaxMistake says why the file is no YAML. The parser says where it could not go
// on, in its own terms; what a person did wrong is there, on a line beside it, or
// where a quote began.
func (d *document) syntaxMistake(at span, text string) {
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
	d.report(at, say("YAML 语法错误：%s。", "YAML syntax: %s.", text))
}

// misspeltLine reports the first character of a line that YAML takes for another than
// the one that is meant.
func (d *document) misspeltLine(number int) bool {
	if number < 1 || number > len(d.lines) {
		return false
	}
	line := commentAtLast.ReplaceAllString(d.lines[number-1], "")
	found := func(at int, length int, what message) bool {
		d.report(span{number, utf8.RuneCountInString(line[:at]) + 1, length}, what)
		return true
	}
	if strings.TrimSpace(line) == "" {
		return false
	}
	for i, r := range indentation.FindString(line) {
		if r == '\t' {
			return found(i, 1, say("缩进里是制表符 Tab，应为空格，与同级的行一样多。", "Found a tab in the indentation; expected spaces, as many as the lines of its level have."))
		}
		if spelling.IsLookalike(r) {
			return found(i, 1, instead(string(r), " "))
		}
	}
	if m := wideColon.FindStringSubmatchIndex(line); m != nil {
		return found(m[2], 1, say("这里是全角冒号 ：，应为英文冒号加一个空格。", "Found a full-width colon ：, expected : and a space."))
	}
	if m := tightDash.FindStringSubmatchIndex(line); m != nil {
		return found(m[2], 1, say("- 后面应有一个空格。", "Expected a space after -."))
	}
	if m := tightColon.FindStringSubmatchIndex(line); m != nil {
		return found(m[2], 1, say("冒号后面应有一个空格。", "Expected a space after the colon."))
	}
	if i := spelling.LookalikeOutsideQuotes([]rune(line), "｛｝［］，：－＃\u00a0\u3000"); i >= 0 {
		r := []rune(line)[i]
		form, _ := spelling.PlainForm(r)
		return found(len(string([]rune(line)[:i])), 1, instead(string(r), form))
	}
	return false
}

// openQuote reports a straight quote that a line shuts by another.
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
	shut := slices.IndexFunc(source, func(r rune) bool { _, ok := spelling.StraightQuote(r); return ok })
	if shut < 0 {
		return false
	}
	d.report(span{number, utf8.RuneCountInString(line[:m[2]]) + shut + 1, 1}, instead(string(source[shut]), string(source[0])))
	return true
}

// wrongIndent reports the first key, up to a line, that is in line with no key above.
func (d *document) wrongIndent(last int) bool {
	var levels []int
	opened, block := true, -1 // the last key's value comes below it; the indentation of one whose text does
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

// misaligned names the indentations next to a wrong one, out of those that lines above
// have.
func misaligned(indent int, levels []int) message {
	below, above := -1, -1
	for _, level := range levels {
		if level < indent {
			below = level
		} else if above < 0 {
			above = level
		}
	}
	chinese, english := fmt.Sprint(below), fmt.Sprint(below)
	switch {
	case below < 0:
		chinese, english = fmt.Sprint(above), fmt.Sprint(above)
	case above >= 0:
		chinese, english = fmt.Sprintf("%d 或 %d", below, above), fmt.Sprintf("%d or %d", below, above)
	}
	return say("这一行缩进了 %[1]d 个空格，与上面各级都对不齐；应为 %[2]s 个。", "The indentation of this line, %[1]d, is that of no level above; expected %[3]s.", indent, chinese, english)
}
