package flowfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"refundsync/internal/flow"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// passCode is the default that passes the code on unchanged.
const passCode = "pass"

// readTables reads the section tables.
func (p *parser) readTables(node ast.Node) {
	for _, pair := range p.pairs(node) {
		p.tables[pair.name] = p.table(pair)
		p.notes.tables[pair.name] = p.spanOf(pair.key)
	}
}

func (p *parser) table(from pair) *flow.Table {
	at := p.spanOf(from.key)
	if comesFromKingdee(from.value) {
		return p.kingdeeTable(from)
	}
	t := &flow.Table{Name: from.name, Rows: map[string]string{}}
	s := p.section(at, text.New("Table %s", from.name), from.value, tableKeys)
	t.Default = s.text("default")
	if s.has("default") {
		p.checkCode(s.pairs["default"].value)
	}
	if t.Default == passCode {
		t.Default, t.Pass = "", true
	}
	inline, fromFile := s.has("values"), s.has("file")
	switch {
	case inline && fromFile:
		p.report(s.keySpan("file"), text.New("Table %s has both values and file; expected one of them.", from.name))
	case inline:
		p.inlineRows(t, s.pairs["values"].value)
	case fromFile:
		if path := s.text("file"); path != "" {
			p.csvRows(t, path, s.valueSpan("file"))
		}
	case isMapping(from.value) && !s.unknown:
		p.report(at, text.New("Table %s needs values or file.", from.name))
	}
	return t
}

func (p *parser) inlineRows(t *flow.Table, node ast.Node) {
	lines := map[string]int{}
	for _, row := range p.pairs(node) {
		p.checkCode(row.key)
		value, ok := p.textNode(row.value)
		p.checkCode(row.value)
		value = strings.TrimSpace(value)
		if ok && value == "" {
			p.report(p.spanOf(row.value), emptyValue(row.name))
		}
		code, at := flow.PlainCode(row.name), p.spanOf(row.key)
		if line, ok := lines[code]; ok {
			p.report(at, duplicateCode(code, line))
			continue
		}
		lines[code] = at.line
		t.Rows[code] = value
	}
}

func emptyValue(code string) text.Text {
	return text.New("The value of code %s is empty; expected text.", code)
}

func duplicateCode(code string, line int) text.Text {
	return text.New("Code %s is already in line %d; remove one.", code, line)
}

// checkCode reports a code that a spreadsheet or an input method has spoilt. Within
// straight quotes, every character is meant.
func (d *document) checkCode(node ast.Node) {
	code, ok := node.(*ast.StringNode)
	if !ok || d.misspelt[node] {
		return
	}
	what := spreadsheetMistake(strings.TrimSpace(code.Value))
	if what.IsZero() && code.Token.Type == token.StringType {
		what = spellingMistake(code.Value, text.New("If the code really is so, put it in straight quotes."))
	}
	if !what.IsZero() {
		d.report(d.spanOf(node), what)
	}
}

// csvRows reads a table's file: UTF-8, with or without a byte order mark; the first row
// names the columns code and value and optionally remark.
func (p *parser) csvRows(t *flow.Table, path string, at span) {
	if !filepath.IsLocal(filepath.FromSlash(path)) {
		p.report(at, text.New("file takes a path relative to this file, such as tables/warehouses.csv."))
		return
	}
	data, err := p.readFile(path)
	if err != nil {
		p.report(at, text.New("Can't read the table's file %s: %v.", path, err))
		return
	}
	t.File = path
	p.hash(path, data)
	if file := (flow.File{Name: path, Text: string(data)}); !slices.Contains(p.flow.Files, file) {
		p.flow.Files = append(p.flow.Files, file)
	}
	d := newDocument(filepath.Join(filepath.Dir(p.file), filepath.FromSlash(path)), data)
	d.csvRows(t, data)
	d.problems.sort()
	p.tableProblems = append(p.tableProblems, d.problems...)
}

func (d *document) csvRows(t *flow.Table, data []byte) {
	if !d.readable() {
		return
	}
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	reader.FieldsPerRecord = -1 // counted below, with our own message
	code, value, width := -1, -1, 0
	lines := map[string]int{}
	for {
		row, err := reader.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			var syntax *csv.ParseError
			if errors.As(err, &syntax) {
				d.report(span{syntax.Line, d.characters(syntax.Line, syntax.Column), 1}, text.New("A quote \" is out of place (%v): put the whole cell in quotes and double those within it, or use none.", syntax.Err))
			}
			return
		}
		if width == 0 {
			if code, value = d.csvColumns(reader, row); code < 0 || value < 0 {
				return
			}
			width = len(row)
			t.Columns, t.Code, t.Value = width, code, value
			continue
		}
		if len(row) != width {
			at := d.csvSpan(reader, 0, strings.Join(row, ","))
			if !d.wrongSeparator(at.line) {
				d.report(at, text.New("This row has %d columns; expected %d.", len(row), width))
			}
			continue
		}
		from, to := strings.TrimSpace(row[code]), strings.TrimSpace(row[value])
		at := d.csvSpan(reader, code, row[code])
		plain := flow.PlainCode(from)
		switch line, ok := lines[plain]; {
		case to == "":
			d.report(d.csvSpan(reader, value, row[value]), emptyValue(from))
		case ok:
			d.report(at, duplicateCode(from, line))
		}
		for i, cell := range map[int]string{code: from, value: to} {
			what := spreadsheetMistake(cell)
			if what.IsZero() {
				what = spellingMistake(cell, text.New("If the code really is so, put it into values in the flow file, in straight quotes."))
			}
			if !what.IsZero() {
				d.report(d.csvSpan(reader, i, row[i]), what)
			}
		}
		if _, ok := lines[plain]; !ok {
			lines[plain] = at.line
			t.Rows[plain] = to
		}
	}
	if width == 0 {
		d.report(span{1, 1, 1}, text.New("The file is empty; the first row should be code,value."))
	}
}

// csvColumns finds the two columns in the first row; -1 for a missing one.
func (d *document) csvColumns(reader *csv.Reader, row []string) (code, value int) {
	if line, _ := reader.FieldPos(0); len(row) == 1 && d.wrongSeparator(line) {
		return -1, -1
	}
	known := []string{"code", "value", "remark"}
	found := map[string]int{"code": -1, "value": -1, "remark": -1}
	for i, name := range row {
		name = strings.ToLower(strings.TrimSpace(name))
		if first, ok := found[name]; !ok || first >= 0 {
			d.report(d.csvSpan(reader, i, row[i]), spelling.Suggest(
				text.New("Column %s can't be used; expected code, value and optionally remark, once each.", name), spelling.Closest(name, known)))
			continue
		}
		found[name] = i
	}
	for _, name := range known[:2] {
		if found[name] < 0 {
			d.report(span{1, 1, max(1, utf8.RuneCountInString(d.lines[0]))}, text.New("The header lacks the column %s; the first row should be code,value.", name))
		}
	}
	return found["code"], found["value"]
}

// wrongSeparator reports the first character of a line that separates columns in place of
// a comma, as spreadsheets and input methods write it.
func (d *document) wrongSeparator(line int) bool {
	at := spelling.LookalikeOutsideQuotes([]rune(d.lines[line-1]), "\t;，；")
	if at < 0 {
		return false
	}
	found := string([]rune(d.lines[line-1])[at])
	if found == "\t" {
		found = "Tab"
	}
	d.report(span{line, at + 1, 1}, text.New("Expected a comma between columns, found %s.", found))
	return true
}

// csvSpan converts the reader's place from bytes to characters.
func (d *document) csvSpan(reader *csv.Reader, field int, cell string) span {
	line, column := reader.FieldPos(field)
	return span{line, d.characters(line, column), max(1, utf8.RuneCountInString(strings.TrimSpace(cell)))}
}

func (d *document) characters(line, column int) int {
	if line < 1 || line > len(d.lines) {
		return 1
	}
	content := d.lines[line-1]
	return 1 + utf8.RuneCountInString(content[:min(max(column-1, 0), len(content))])
}
