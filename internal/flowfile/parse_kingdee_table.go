package flowfile

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// comesFromKingdee tells whether a table has a from.
func comesFromKingdee(node ast.Node) bool {
	mapping, ok := node.(*ast.MappingNode)
	return ok && slices.ContainsFunc(mapping.Values, func(value *ast.MappingValueNode) bool {
		key, ok := value.Key.(*ast.StringNode)
		return ok && key.Value == "from"
	})
}

var (
	// kingdeeForm and kingdeeKey are how Kingdee names forms and fields; after a dot comes a
	// field of the base data that the field refers to.
	kingdeeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{1,79}$`)
	kingdeeKey  = regexp.MustCompile(`^F[A-Za-z0-9_]{1,79}(\.F[A-Za-z0-9_]{1,79})?$`)
	// literal is a text in a filter.
	literal = regexp.MustCompile(`'[^']*'`)
)

const (
	defaultRefresh = 15 * time.Minute
	// longestWhere bounds a filter, in characters.
	longestWhere = 2000
)

// kingdeeTable reads a table whose rows come from Kingdee. It takes no default, which would
// stand in for codes that are new or have not been read yet.
func (p *parser) kingdeeTable(from pair) *flow.Table {
	at := p.spanOf(from.key)
	s := p.document.section(at, text.New("Table %s from Kingdee", from.name), from.value, kingdeeTableKeys)
	s.oneOf("from")
	t := &flow.KingdeeTable{
		Name: from.name, Form: s.text("form"), By: s.text("by"), Value: s.text("value"), Where: strings.TrimSpace(s.text("where")),
		Key: s.text("key"), Refresh: s.duration("refresh"),
	}
	p.flow.KingdeeTables = append(p.flow.KingdeeTables, t)
	if t.Form != "" && !kingdeeForm.MatchString(t.Form) {
		p.report(s.valueSpan("form"), text.New("form takes the form id of base data in Kingdee, such as BD_Customer; found %s.", t.Form))
	}
	for _, field := range []struct{ name, key string }{{"by", t.By}, {"value", t.Value}, {"key", t.Key}} {
		if field.key != "" && !kingdeeKey.MatchString(field.key) {
			p.report(s.valueSpan(field.name), text.New("%s takes the key of a field in Kingdee, such as FNumber; found %s.", field.name, field.key))
		}
	}
	if known, ok := catalog.BaseDataKeys[t.Form]; ok && t.Key == "" {
		t.Key = known
	}
	if t.Key == "" && t.Form != "" && kingdeeForm.MatchString(t.Form) {
		known := slices.Sorted(maps.Keys(catalog.BaseDataKeys))
		p.report(s.valueSpan("form"), spelling.Suggest(
			text.New("Add key, the field that identifies an entry of %s, such as key: FID; only %s need none.", t.Form, strings.Join(known, ", ")), spelling.Closest(t.Form, known)))
	}
	if s.has("where") {
		p.checkWhere(s.pairs["where"].value, t.Where)
	}
	return &flow.Table{Name: from.name, Kingdee: t}
}

// checkWhere finds mistakes in a filter of which Kingdee would only say that it is bad.
func (p *parser) checkWhere(node ast.Node, where string) {
	at := p.spanOf(node)
	outside := literal.ReplaceAllString(where, "")
	if strings.ContainsFunc(outside, func(r rune) bool { _, typographic := spelling.StraightQuote(r); return typographic }) {
		p.report(at, text.New("The quotes in where should be straight: '."))
		return
	}
	if strings.Count(where, "'")%2 != 0 {
		p.report(at, text.New("A quote ' in where is not closed; double one within a text: ''."))
	}
	if len([]rune(where)) > longestWhere {
		p.report(at, text.New("where takes at most %d characters.", longestWhere))
	}
}
