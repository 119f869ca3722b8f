package flowfile

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"

	"refundsync/internal/flow"
	"refundsync/internal/spelling"
)

// passCode is the default that stands for the code itself.
const passCode = "pass"

// readTables reads the section tables.
func (p *parser) readTables(node ast.Node) {
	for _, pair := range p.pairs(node) {
		p.tables[pair.name] = p.table(pair)
	}
}

func (p *parser) table(from pair) *flow.Table {
	at := p.spanOf(from.key)
	if comesFromKingdee(from.value) {
		return p.kingdeeTable(from)
	}
	t := &flow.Table{Name: from.name, Rows: map[string]string{}}
	s := p.section(at, say("对照表 %s ", "table %s", from.name), from.value, tableKeys)
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
		p.report(s.keySpan("file"), say("对照表 %[1]s 既有 values 又有 file，应只写一个。", "Table %[1]s has both values and file; expected one of them.", from.name))
	case inline:
		p.inlineRows(t, s.pairs["values"].value)
	case fromFile:
		if path := s.text("file"); path != "" {
			p.csvRows(t, path, s.valueSpan("file"))
		}
	case isMapping(from.value) && !s.unknown:
		p.report(at, say("对照表 %[1]s 应有 values 或 file。", "Table %[1]s needs values or file.", from.name))
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
			p.report(p.spanOf(row.value), say("编码 %[1]s 的值是空的，应为文本。", "The value of code %[1]s is empty, expected text.", row.name))
		}
		code, at := flow.PlainCode(row.name), p.spanOf(row.key)
		if line, ok := lines[code]; ok {
			p.report(at, codeTwice(code, line))
			continue
		}
		lines[code] = at.line
		t.Rows[code] = value
	}
}

func codeTwice(code string, line int) message {
	return say("编码 %[1]s 重复，第 %[2]d 行已有，只应写一次。", "Code %[1]s stands twice; expected once, and it is in line %[2]d already.", code, line)
}

// checkCode reports a code that is none. In straight quotes every character is meant.
func (d *document) checkCode(node ast.Node) {
	text, ok := node.(*ast.StringNode)
	if !ok || d.told[node] {
		return
	}
	what := spreadsheetMistake(strings.TrimSpace(text.Value))
	if what == nil && text.Token.Type == token.StringType {
		what = spellingMistake(text.Value, say("确实如此的编码请加英文引号。", "A code that really is so goes in straight quotes."))
	}
	if what != nil {
		d.report(d.spanOf(node), *what)
	}
}

// csvRows reads a table's file: UTF-8, with or without a byte order mark, with the
// columns code and value in its first row and any remark beside them.
func (p *parser) csvRows(t *flow.Table, path string, at span) {
	if !filepath.IsLocal(filepath.FromSlash(path)) {
		p.report(at, say("file 应是本文件旁边的相对路径，如 tables/warehouses.csv。", "file should be a path relative to this file, such as tables/warehouses.csv."))
		return
	}
	data, err := p.readFile(path)
	if err != nil {
		p.report(at, say("读不到对照表文件 %[1]s：%[2]s。", "The table's file %[1]s can't be read: %[2]s.", path, err))
		return
	}
	t.File = path
	p.hash(path, data)
	d := newDocument(filepath.Join(filepath.Dir(p.file), filepath.FromSlash(path)), data)
	d.csvRows(t, data)
	d.problems.sort()
	p.elsewhere = append(p.elsewhere, d.problems...)
}

func (d *document) csvRows(t *flow.Table, data []byte) {
	if !d.readable() {
		return
	}
	reader := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(data, []byte("\ufeff"))))
	reader.FieldsPerRecord = -1 // counted below, with a message of our own
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
				d.report(span{syntax.Line, d.characters(syntax.Line, syntax.Column), 1}, say("引号 \" 用错了（%s）：要么整格在一对引号里，其中的引号写两个；要么不用引号。",
					"A quote \" is out of place (%s): either the whole cell stands in a pair of them, with each within it doubled, or it has none.", syntax.Err))
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
				d.report(at, say("这一行有 %d 列，应为 %d 列。", "This row has %d columns, expected %d.", len(row), width))
			}
			continue
		}
		from, to := strings.TrimSpace(row[code]), strings.TrimSpace(row[value])
		at := d.csvSpan(reader, code, row[code])
		plain := flow.PlainCode(from)
		switch line, ok := lines[plain]; {
		case to == "":
			d.report(d.csvSpan(reader, value, row[value]), say("编码 %[1]s 的值是空的，应为文本。", "The value of code %[1]s is empty, expected text.", from))
		case ok:
			d.report(at, codeTwice(from, line))
		}
		for i, text := range map[int]string{code: from, value: to} {
			what := spreadsheetMistake(text)
			if what == nil {
				what = spellingMistake(text, say("确实如此的编码请写进流程文件的 values，并加英文引号。", "A code that really is so goes into values in the flow file, in straight quotes."))
			}
			if what != nil {
				d.report(d.csvSpan(reader, i, row[i]), *what)
			}
		}
		if _, ok := lines[plain]; !ok {
			lines[plain] = at.line
			t.Rows[plain] = to
		}
	}
	if width == 0 {
		d.report(span{1, 1, 1}, say("文件是空的，第一行应是 code,value。", "The file is empty; its first row should be code,value."))
	}
}

// csvColumns finds the two columns in the first row; -1 for one that is missing.
func (d *document) csvColumns(reader *csv.Reader, row []string) (code, value int) {
	if line, _ := reader.FieldPos(0); len(row) == 1 && d.wrongSeparator(line) {
		return -1, -1
	}
	known := []string{"code", "value", "remark"}
	found := map[string]int{"code": -1, "value": -1, "remark": -1}
	for i, name := range row {
		name = strings.ToLower(strings.TrimSpace(name))
		if first, ok := found[name]; !ok || first >= 0 {
			d.report(d.csvSpan(reader, i, row[i]), say("表头里的列 %[1]s 不能用，应为 code、value，可加 remark，各一列。",
				"Column %[1]s can't be used; expected code, value and, if you like, remark, once each.", name).Suggest(spelling.Closest(name, known)))
			continue
		}
		found[name] = i
	}
	for _, name := range known[:2] {
		if found[name] < 0 {
			d.report(span{1, 1, max(1, utf8.RuneCountInString(d.lines[0]))}, say("表头缺少列 %s，第一行应是 code,value。", "The header lacks the column %s; the first row should be code,value.", name))
		}
	}
	return found["code"], found["value"]
}

// wrongSeparator reports the first character of a line that stands between its columns
// in place of a comma, as spreadsheets and input methods write it.
func (d *document) wrongSeparator(line int) bool {
	at := spelling.LookalikeOutsideQuotes([]rune(d.lines[line-1]), "\t;，；")
	if at < 0 {
		return false
	}
	found := string([]rune(d.lines[line-1])[at])
	if found == "\t" {
		found = "Tab"
	}
	d.report(span{line, at + 1, 1}, say("列之间是 %[1]s ，应为英文逗号。", "The columns are separated by %[1]s, expected a comma.", found))
	return true
}

// csvSpan turns the reader's place, in bytes, into characters.
func (d *document) csvSpan(reader *csv.Reader, field int, text string) span {
	line, column := reader.FieldPos(field)
	return span{line, d.characters(line, column), max(1, utf8.RuneCountInString(strings.TrimSpace(text)))}
}

func (d *document) characters(line, column int) int {
	if line < 1 || line > len(d.lines) {
		return 1
	}
	text := d.lines[line-1]
	return 1 + utf8.RuneCountInString(text[:min(max(column-1, 0), len(text))])
}
