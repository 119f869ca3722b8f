package flowfile

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"

	"refundsync/internal/text"
)

// indentUnit is how much deeper a level is written than the one above it, in spaces.
const indentUnit = 2

// Paths lists the flow files of a folder, or only that of one flow if name is not "".
func Paths(folder, name string) (paths []string, err error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, text.Errorf("can't read the folder of flow files %s: %w", folder, err)
	}
	for _, entry := range entries {
		if !isFlowFile(entry) {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		if name != "" {
			p, err := load(path)
			if err != nil {
				return nil, err
			}
			if p.flow.Name != name {
				continue
			}
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// FormatFile formats a flow file as [Format] does, and reports whether it was not formatted
// before. It writes it if write is true. If there is an error, the file keeps its content.
func FormatFile(path string, write bool) (differs bool, err error) {
	data, err := readFile(path, maxFlowFile)
	if err != nil {
		return false, text.Errorf("can't read the flow file %s: %w", path, err)
	}
	formatted, err := Format(path, data)
	if err != nil || bytes.Equal(data, formatted) {
		return false, err
	}
	if write {
		if err := replaceFile(path, formatted); err != nil {
			return false, text.Errorf("%s can't be written: %w", path, err)
		}
	}
	return true, nil
}

// replaceFile replaces the content of a file, whole or not at all, and keeps its mode. A
// link stays one.
func replaceFile(path string, content []byte) error {
	path, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Chmod(file.Name(), info.Mode().Perm())
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	return err
}

// Format returns a flow file in the common form: two spaces a level, lists and comments
// included, no trailing blanks, and at most one empty line at a time. Each line
// keeps its words, and the file its kind of line ending. The file need not load as a flow.
//
// An error is [Problems] if the file can't be read, or says that formatting would change
// what the file means.
func Format(path string, data []byte) ([]byte, error) {
	d := newDocument(path, data)
	if !d.readable() {
		return nil, d.problems
	}
	root := d.parsed()
	if len(d.problems) > 0 {
		return nil, d.problems
	}
	before := strings.Join(d.lines, "\n")
	f := formatter{lines: d.lines, anchors: map[int][]level{}, blocks: map[int]block{}, comments: map[int]bool{}}
	f.value(root, 0, none)
	for _, t := range lexer.Tokenize(before) {
		if t.Type == token.CommentType {
			f.comments[t.Position.Line] = true
		}
	}
	after := f.format()
	if !sameContent(before, after) {
		return nil, text.Errorf("%s can't be formatted without changing what it means; nothing was written to it. Please indent it by hand", path)
	}
	if first, _, _ := bytes.Cut(data, []byte("\n")); bytes.HasSuffix(first, []byte("\r")) {
		after = strings.ReplaceAll(after, "\n", "\r\n")
	}
	return []byte(after), nil
}

// sameContent reports whether two files have the same values and the same comments in the
// same order.
func sameContent(a, b string) bool {
	var decoded [2]any
	var comments [2][]string
	for i, content := range []string{a, b} {
		if err := yaml.UnmarshalWithOptions([]byte(content), &decoded[i], yaml.UseOrderedMap(), yaml.AllowDuplicateMapKey()); err != nil {
			return false
		}
		for _, t := range lexer.Tokenize(content) {
			if t.Type == token.CommentType {
				comments[i] = append(comments[i], strings.TrimRight(t.Value, " \t"))
			}
		}
	}
	return reflect.DeepEqual(decoded[0], decoded[1]) && slices.Equal(comments[0], comments[1])
}

// formatter moves the lines of a file. Columns count from 0.
type formatter struct {
	lines    []string
	anchors  map[int][]level // by line, from 1: what begins there, in order
	blocks   map[int]block   // by the line, from 1, of their | or >
	comments map[int]bool    // lines with a comment, from 1
}

// level is a column at which something begins, and the one it moves to.
type level struct{ old, new int }

// none is above every level.
var none = level{-indentUnit, -indentUnit}

// block is a text that begins with | or >.
type block struct {
	parent level  // of the key or the dash before it
	header string // such as |2-
}

// value notes where a value begins, and that it moves to a column; parent is the key or the
// dash before it.
func (f *formatter) value(n ast.Node, column int, parent level) {
	switch n := n.(type) {
	case *ast.AnchorNode:
		f.below(n.Start, column)
		f.value(n.Value, column, parent)
	case *ast.TagNode:
		f.below(n.Start, column)
		f.value(n.Value, column, parent)
	case *ast.MappingNode:
		if n.IsFlowStyle {
			f.below(n.Start, column)
			return
		}
		for _, entry := range n.Values {
			f.value(entry, column, parent)
		}
	case *ast.MappingValueNode:
		at := f.anchor(n.Key.GetToken(), column)
		f.value(n.Value, column+indentUnit, at)
	case *ast.SequenceNode:
		if n.IsFlowStyle {
			f.below(n.Start, column)
			return
		}
		for _, entry := range n.Entries {
			at := f.anchor(entry.Start, column)
			f.value(entry.Value, column+indentUnit, at)
		}
	case *ast.LiteralNode:
		f.blocks[n.Start.Position.Line] = block{parent, n.Start.Value}
	case *ast.NullNode, nil: // an absent value has a place all the same
	default:
		f.below(n.GetToken(), column)
	}
}

func (f *formatter) anchor(t *token.Token, column int) level {
	at := level{t.Position.Column - 1, column}
	f.anchors[t.Position.Line] = append(f.anchors[t.Position.Line], at)
	return at
}

// below notes a value that is no key or list, if it begins a line of its own.
func (f *formatter) below(t *token.Token, column int) {
	if line := f.lines[t.Position.Line-1]; strings.TrimLeft(line[:min(len(line), t.Position.Column-1)], " ") == "" {
		f.anchor(t, column)
	}
}

func (f *formatter) format() string {
	var out []string
	var open []level // the levels above the line, the outermost first
	shift := 0       // of the last line that is no continuation
	empty := 0       // empty lines before this one
	above := none    // the first of the comments right above
	for i := 0; i < len(f.lines); i++ {
		line := strings.TrimRight(f.lines[i], " \t")
		content := strings.TrimLeft(line, " ")
		if content == "" {
			empty++
			continue
		}
		at := level{old: len(line) - len(content)}
		starts := f.starts(i, at.old)
		next, nextStarts := f.next(i)
		inside := !starts && (!f.isComment(i) || next.old >= 0 && !nextStarts)
		if empty > 0 && len(out) > 0 {
			// Within a text of several lines, each empty line counts.
			if !inside || f.isComment(i) {
				empty = 1
			}
			out = append(out, make([]string, empty)...)
		}
		if empty > 0 || inside || starts {
			above = none
		}
		empty = 0
		switch {
		case inside:
			at.new = max(0, at.old+shift)
			if strings.HasPrefix(line, "---") || strings.HasPrefix(line, "...") || strings.HasPrefix(line, "%") {
				at.new = 0
			}
		case starts:
			levels := f.anchors[i+1]
			at.new = levels[0].new
			shift = at.new - at.old
			open = stillOpen(open, levels[0])
			open = append(open, levels...)
			content = tighten(content)
		default:
			at.new = commentColumn(at.old, next, above, open)
			if above.old < 0 || at.old <= above.old {
				above = at
			}
		}
		out = append(out, strings.Repeat(" ", at.new)+content)
		if b, ok := f.blocks[i+1]; ok {
			lines := f.blockLines(i+1, b)
			out = append(out, lines...)
			i += len(lines)
		}
	}
	return strings.Join(append(out, ""), "\n")
}

// starts reports whether a key, a list's item or a value begins at the line's first column.
func (f *formatter) starts(i, column int) bool {
	levels := f.anchors[i+1]
	return len(levels) > 0 && levels[0].old == column
}

func (f *formatter) isComment(i int) bool {
	return f.comments[i+1] && strings.HasPrefix(strings.TrimLeft(f.lines[i], " \t"), "#")
}

// next is the first level of the next line that is no comment, and whether something begins
// there; none at the end of the file.
func (f *formatter) next(i int) (at level, starts bool) {
	for i++; i < len(f.lines); i++ {
		content := strings.TrimLeft(f.lines[i], " \t")
		if content == "" || f.isComment(i) {
			continue
		}
		column := len(f.lines[i]) - len(content)
		if !f.starts(i, column) {
			return level{old: column}, false
		}
		return f.anchors[i+1][0], true
	}
	return none, false
}

// tighten writes one space after each dash that begins a line. What is in the dash's line is
// then where the next lines of its level move to.
func tighten(content string) string {
	dashes := ""
	for strings.HasPrefix(content, "- ") {
		rest := strings.TrimLeft(content[1:], " ")
		if strings.HasPrefix(rest, "#") {
			break
		}
		dashes, content = dashes+"- ", rest
	}
	return dashes + content
}

// stillOpen are the levels that stay open at a line. A list may stand in the column of its key.
func stillOpen(open []level, at level) []level {
	return slices.DeleteFunc(open, func(l level) bool { return l.old > at.old || l.old == at.old && l.new >= at.new })
}

// commentColumn is where a comment of a line of its own moves: with what stands in its
// column, first of all the next line; or with the comment above it that it is deeper than, if
// it is; or else a level below what it is deeper than.
func commentColumn(column int, next, above level, open []level) int {
	if next.old == column {
		return next.new
	}
	if i := slices.IndexFunc(open, func(l level) bool { return l.old == column }); i >= 0 {
		return open[i].new
	}
	if above.old >= 0 && above.old < column {
		return above.new + column - above.old
	}
	to := 0
	for _, l := range open {
		if l.old < column {
			to = l.new + indentUnit
		}
	}
	return to
}

// blockLines are the lines of a text that begins with | or >, from line i of the file,
// counted from 0. Empty lines at its end are no part of it, unless it keeps them.
func (f *formatter) blockLines(i int, b block) []string {
	from := -1
	if digit := strings.IndexAny(b.header, "123456789"); digit >= 0 {
		from = max(0, b.parent.old) + int(b.header[digit]-'0')
	}
	to := max(0, b.parent.new+indentUnit)
	if from >= 0 {
		to = max(0, b.parent.new) + from - max(0, b.parent.old)
	}
	var lines []string
	last := 0
	for _, line := range f.lines[i:] {
		content := strings.TrimLeft(line, " ")
		indent := len(line) - len(content)
		if content == "" {
			if from >= 0 && indent > from {
				lines = append(lines, strings.Repeat(" ", to)+line[from:])
			} else {
				lines = append(lines, "")
			}
			continue
		}
		if from < 0 && indent > b.parent.old {
			from = indent
		}
		if from < 0 || indent < from {
			break
		}
		lines = append(lines, strings.Repeat(" ", to)+line[from:])
		last = len(lines)
	}
	if strings.Contains(b.header, "+") {
		return lines
	}
	return lines[:last]
}
