package flowfile

import (
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	yamlparser "github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// document is a YAML file being read. Whatever is wrong with it is reported with
// its place and reading goes on, so that one look finds every mistake.
type document struct {
	file     string
	lines    []string
	problems Problems
	// told are the nodes of which it was said that they are misspelt: what follows
	// from that is not said as well.
	told map[ast.Node]bool
}

// span is a stretch of one line of the file; line and column count from 1, column
// and length in characters.
type span struct{ line, column, length int }

func newDocument(file string, data []byte) *document {
	text := strings.TrimPrefix(string(data), "\ufeff")
	return &document{file: file, lines: strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), told: map[ast.Node]bool{}}
}

// readable tells whether the file is text, and reports where it is not.
func (d *document) readable() bool {
	for i, line := range d.lines {
		if damaged := strings.IndexRune(line, utf8.RuneError); damaged >= 0 {
			at := span{i + 1, utf8.RuneCountInString(line[:damaged]) + 1, 1}
			if utf8.ValidString(line) {
				d.report(at, say("这里的文字已损坏（�），文件曾以另一种编码打开后保存；请从原来的文件恢复。", "The text is damaged here (�): the file was opened in another encoding and saved. Restore it from the original."))
			} else {
				d.lines[i] = strings.ToValidUTF8(line, string(utf8.RuneError))
				d.report(at, say("文件不是 UTF-8 编码，大概是按 GBK（ANSI）或 Unicode 保存的；请在编辑器里另存为 UTF-8，在 Excel 里另存为“CSV UTF-8”。",
					"The file is not UTF-8, probably GBK (ANSI) or Unicode; have the editor save it as UTF-8, Excel as \"CSV UTF-8\"."))
			}
			return false
		}
	}
	return true
}

func (d *document) report(at span, what message) {
	if len(d.problems) >= maxProblems {
		return
	}
	problem := Problem{File: d.file, Line: at.line, Column: at.column, Length: at.length, Chinese: strings.TrimSpace(what.Chinese), English: what.English}
	if at.line > 0 && at.line <= len(d.lines) {
		problem.Source = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) && r != '\t' {
				return utf8.RuneError
			}
			return r
		}, d.lines[at.line-1])
	}
	d.problems = append(d.problems, problem)
}

// root parses the file and gives its one document; nil, with the reason reported,
// if there is none.
func (d *document) root() ast.Node {
	if !d.bounded() {
		return nil
	}
	file, err := yamlparser.ParseBytes([]byte(strings.Join(d.lines, "\n")), 0, yamlparser.AllowDuplicateMapKey())
	if err != nil {
		at, text := span{1, 1, 1}, err.Error()
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			at, text = d.tokenSpan(syntax.Token), syntax.Message
		}
		d.syntaxMistake(at, text)
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		d.report(span{1, 1, 1}, say("文件是空的，应有 version、name、source、bill 等键。", "The file is empty; expected version, name, source, bill and more."))
		return nil
	}
	if len(file.Docs) > 1 && file.Docs[1].Body != nil {
		d.report(d.spanOf(file.Docs[1].Body), say("一个文件只能有一个流程，请去掉 --- 之后的部分。", "A file holds one flow; remove what follows ---."))
	}
	d.straighten(file.Docs[0].Body, false)
	return file.Docs[0].Body
}

// spanOf gives the place of a scalar, or the first key of a mapping.
func (d *document) spanOf(node ast.Node) span {
	if mapping, ok := node.(*ast.MappingNode); ok && !mapping.IsFlowStyle && len(mapping.Values) > 0 {
		node = mapping.Values[0].Key
	}
	return d.tokenSpan(node.GetToken())
}

func (d *document) tokenSpan(t *token.Token) span {
	if t == nil || t.Position == nil {
		return span{1, 1, 1}
	}
	text, _, _ := strings.Cut(strings.TrimSpace(t.Origin), "\n")
	at := span{t.Position.Line, max(1, t.Position.Column), max(1, utf8.RuneCountInString(strings.TrimSpace(text)))}
	if at.line < 1 || at.line > len(d.lines) {
		return span{1, 1, 1}
	}
	return at
}
