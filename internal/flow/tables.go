package flow

import (
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
	"golang.org/x/text/unicode/norm"
)

// table translates codes of one system into codes of the other. Codes are compared as
// [plainCode] gives them.
type table struct {
	name string
	rows map[string]string
	// otherwise is for codes without a row; "" if there is no such value.
	otherwise string
	// pass gives codes without a row as they came.
	pass bool
	// kingdee is where the rows come from, for a table that comes from Kingdee.
	kingdee *KingdeeTable
	// file is the CSV file of the rows; "" for those of the flow file. width, code and
	// value are its number of columns, and which are which.
	file               string
	width, code, value int
}

// passCode is the default that stands for the code itself.
const passCode = "pass"

// translate gives the value for a code. An absent code ("") takes a row of its own
// or the default value; "" comes back where the value is absent too.
func (t *table) translate(code string, personal bool) (string, error) {
	if value, ok := t.rows[plainCode(code)]; ok {
		return value, nil
	}
	code = visibleCode(code)
	if t.otherwise != "" {
		return t.otherwise, nil
	}
	if t.pass || code == "" {
		return code, nil
	}
	return "", t.unknown(code, personal)
}

// unknown is the failure of a code without a row. Its reason names table and code: what
// one row cures is told once, however many orders wait for it.
func (t *table) unknown(code string, personal bool) *valueError {
	value := quoted(code, personal)
	failed := newValueError(reasonUnknownCode, say("对照表 %[1]s 里没有编码%[2]s，也没有 default", "table %[1]s has no code %[3]s and no default",
		t.name, value.chinese, value.english))
	if personal {
		return failed
	}
	failed.reason = t.reasonFor(code)
	advice := say("请在 %[1]s 加上这一行，填好金蝶的编码，重启 worker 后重试：%[2]s", "Add this line to %[1]s, with Kingdee's code in it, restart the worker, and try again: %[2]s", t.place(), t.row(code))
	failed.advice = &advice
	return failed
}

// reasonFor names table and code.
func (t *table) reasonFor(code string) string {
	return strings.Join([]string{reasonUnknownCode, t.name, beginning(code, maxShown)}, " ")
}

// place is where the table's rows stand.
func (t *table) place() string {
	if t.file != "" {
		return t.file
	}
	return "tables." + t.name + ".values"
}

// row is the line for a code, without its value.
func (t *table) row(code string) string {
	const value = "<金蝶编码 Kingdee's code>"
	if t.file == "" {
		return string(encodeText(code)) + ": \"" + value + "\""
	}
	cells := make([]string, t.width)
	cells[t.code], cells[t.value] = code, value
	var b strings.Builder
	w := csv.NewWriter(&b)
	// A strings.Builder takes everything.
	_ = w.Write(cells)
	w.Flush()
	return strings.TrimSpace(b.String())
}

// plainCode is a code without what people don't see: shops' names come with full-width
// letters, with zero-width characters, and with blanks around them.
func plainCode(code string) string {
	return strings.TrimSpace(norm.NFKC.String(visibleCode(code)))
}

// visibleCode is a code without zero-width and control characters, and without blanks
// around it.
func visibleCode(code string) string {
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		if unicode.In(r, unicode.Cf, unicode.Cc) {
			return -1
		}
		return r
	}, code))
}

// readTables reads the section tables.
func (p *parser) readTables(node ast.Node) {
	for _, pair := range p.pairs(node) {
		p.tables[pair.name] = p.table(pair)
	}
}

func (p *parser) table(from pair) *table {
	at := p.spanOf(from.key)
	if comesFromKingdee(from.value) {
		return p.kingdeeTable(from)
	}
	t := &table{name: from.name, rows: map[string]string{}}
	s := p.section(at, say("对照表 %s ", "table %s", from.name), from.value, nil, []string{"default", "values", "file"})
	t.otherwise = s.text("default")
	if s.has("default") {
		p.checkCode(s.pairs["default"].value)
	}
	if t.otherwise == passCode {
		t.otherwise, t.pass = "", true
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

func (p *parser) inlineRows(t *table, node ast.Node) {
	lines := map[string]int{}
	for _, row := range p.pairs(node) {
		p.checkCode(row.key)
		value, ok := p.textNode(row.value)
		p.checkCode(row.value)
		value = strings.TrimSpace(value)
		if ok && value == "" {
			p.report(p.spanOf(row.value), say("编码 %[1]s 的值是空的，应为文本。", "The value of code %[1]s is empty, expected text.", row.name))
		}
		code, at := plainCode(row.name), p.spanOf(row.key)
		if line, ok := lines[code]; ok {
			p.report(at, codeTwice(code, line))
			continue
		}
		lines[code] = at.line
		t.rows[code] = value
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
func (p *parser) csvRows(t *table, path string, at span) {
	if !filepath.IsLocal(filepath.FromSlash(path)) {
		p.report(at, say("file 应是本文件旁边的相对路径，如 tables/warehouses.csv。", "file should be a path relative to this file, such as tables/warehouses.csv."))
		return
	}
	data, err := p.readFile(path)
	if err != nil {
		p.report(at, say("读不到对照表文件 %[1]s：%[2]s。", "The table's file %[1]s can't be read: %[2]s.", path, err))
		return
	}
	t.file = path
	p.hash(path, data)
	d := newDocument(filepath.Join(filepath.Dir(p.file), filepath.FromSlash(path)), data)
	d.csvRows(t, data)
	d.problems.sort()
	p.elsewhere = append(p.elsewhere, d.problems...)
}

func (d *document) csvRows(t *table, data []byte) {
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
			t.width, t.code, t.value = width, code, value
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
		plain := plainCode(from)
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
			t.rows[plain] = to
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
				"Column %[1]s can't be used; expected code, value and, if you like, remark, once each.", name).didYouMean(name, known))
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
	at := lookalikeOutsideQuotes([]rune(d.lines[line-1]), "\t;，；")
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
