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

	"refundsync/internal/text"
)

// document is a YAML file being read. A mistake is reported with its place and reading
// goes on, so that one run finds all of them.
type document struct {
	file     string
	lines    []string
	problems Problems
	// misspelt are nodes reported as misspelt; what follows from that is not reported.
	misspelt map[ast.Node]bool
}

// span is a stretch of one line of the file; line and column count from 1, column
// and length in characters.
type span struct{ line, column, length int }

func newDocument(file string, data []byte) *document {
	content := strings.TrimPrefix(string(data), "\ufeff")
	return &document{file: file, lines: strings.Split(strings.ReplaceAll(content, "\r\n", "\n"), "\n"), misspelt: map[ast.Node]bool{}}
}

// readable reports whether the file is text in UTF-8, and if not, where.
func (d *document) readable() bool {
	for i, line := range d.lines {
		if damaged := strings.IndexRune(line, utf8.RuneError); damaged >= 0 {
			at := span{i + 1, utf8.RuneCountInString(line[:damaged]) + 1, 1}
			if utf8.ValidString(line) {
				d.report(at, text.New("The text is damaged here (�): the file was opened in another encoding and saved. Restore it from the original."))
			} else {
				d.lines[i] = strings.ToValidUTF8(line, string(utf8.RuneError))
				d.report(at, text.New("The file is not UTF-8 but probably GBK (ANSI) or UTF-16 (Unicode); save it as UTF-8 in the editor, or as \"CSV UTF-8\" in Excel."))
			}
			return false
		}
	}
	return true
}

func (d *document) report(at span, what text.Text) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, d.problem(at, what))
	}
}

// problem is a mistake at a place of the file.
func (d *document) problem(at span, what text.Text) Problem {
	problem := Problem{File: d.file, Line: at.line, Column: at.column, Length: at.length, What: what.String()}
	if at.line > 0 && at.line <= len(d.lines) {
		problem.Source = strings.Map(func(r rune) rune {
			if unicode.IsControl(r) && r != '\t' {
				return utf8.RuneError
			}
			return r
		}, d.lines[at.line-1])
	}
	return problem
}

// root parses a flow file and returns its one document; nil, with the reason reported, if
// there is none.
func (d *document) root() ast.Node {
	root := d.parsed()
	if root != nil {
		d.normalize(root, false)
	}
	return root
}

// parsed is root with every text as it is written.
func (d *document) parsed() ast.Node {
	if !d.bounded() {
		return nil
	}
	file, err := yamlparser.ParseBytes([]byte(strings.Join(d.lines, "\n")), 0, yamlparser.AllowDuplicateMapKey())
	if err != nil {
		at, why := span{1, 1, 1}, err.Error()
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			at, why = d.tokenSpan(syntax.Token), syntax.Message
		}
		d.syntaxMistake(at, why)
		return nil
	}
	if len(file.Docs) == 0 || file.Docs[0].Body == nil {
		d.report(span{1, 1, 1}, text.New("The file is empty; expected version, name, source, bill and more."))
		return nil
	}
	if len(file.Docs) > 1 && file.Docs[1].Body != nil {
		d.report(d.spanOf(file.Docs[1].Body), text.New("A file holds one flow; remove everything after ---."))
	}
	return file.Docs[0].Body
}

// spanOf is the place of a scalar, or of the first key of a mapping.
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
	first, _, _ := strings.Cut(strings.TrimSpace(t.Origin), "\n")
	at := span{t.Position.Line, max(1, t.Position.Column), max(1, utf8.RuneCountInString(strings.TrimSpace(first)))}
	if at.line < 1 || at.line > len(d.lines) {
		return span{1, 1, 1}
	}
	return at
}
