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
)

// comesFromKingdee tells a table that has a from.
func comesFromKingdee(node ast.Node) bool {
	mapping, ok := node.(*ast.MappingNode)
	return ok && slices.ContainsFunc(mapping.Values, func(value *ast.MappingValueNode) bool {
		key, ok := value.Key.(*ast.StringNode)
		return ok && key.Value == "from"
	})
}

var (
	// kingdeeForm and kingdeeKey are how Kingdee names forms and fields; a field of base
	// data that a field refers to stands behind a dot.
	kingdeeForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]{1,79}$`)
	kingdeeKey  = regexp.MustCompile(`^F[A-Za-z0-9_]{1,79}(\.F[A-Za-z0-9_]{1,79})?$`)
	// literal is a text within a filter.
	literal = regexp.MustCompile(`'[^']*'`)
)

const (
	defaultRefresh = 15 * time.Minute
	// longestWhere bounds a filter, in characters.
	longestWhere = 2000
)

// kingdeeTable reads a table whose rows come from Kingdee. It takes no default: that
// would book what is only new, or not read yet.
func (p *parser) kingdeeTable(from pair) *flow.Table {
	at := p.spanOf(from.key)
	s := p.document.section(at, say("来自金蝶的对照表 %s ", "table %s, which comes from Kingdee,", from.name), from.value, kingdeeTableKeys)
	s.oneOf("from")
	t := &flow.KingdeeTable{
		Name: from.name, Form: s.text("form"), By: s.text("by"), Value: s.text("value"), Where: strings.TrimSpace(s.text("where")),
		Key: s.text("key"), Refresh: s.duration("refresh"),
	}
	p.flow.KingdeeTables = append(p.flow.KingdeeTables, t)
	if t.Form != "" && !kingdeeForm.MatchString(t.Form) {
		p.report(s.valueSpan("form"), say("form 应为金蝶基础资料的表单 Id，如 BD_Customer，这里是 %[1]s。", "form should be the id of base data in Kingdee, such as BD_Customer; found %[1]s.", t.Form))
	}
	for _, field := range []struct{ name, key string }{{"by", t.By}, {"value", t.Value}, {"key", t.Key}} {
		if field.key != "" && !kingdeeKey.MatchString(field.key) {
			p.report(s.valueSpan(field.name), say("%[1]s 应为金蝶的一个字段标识，如 FNumber，这里是 %[2]s。", "%[1]s should be the key of a field in Kingdee, such as FNumber; found %[2]s.", field.name, field.key))
		}
	}
	if known, ok := catalog.BaseDataKeys[t.Form]; ok && t.Key == "" {
		t.Key = known
	}
	if t.Key == "" && t.Form != "" && kingdeeForm.MatchString(t.Form) {
		known := slices.Sorted(maps.Keys(catalog.BaseDataKeys))
		p.report(s.valueSpan("form"), say("不知道 %[1]s 的内码字段，应加上 key，如 key: FID；不用写的只有 %[2]s。", "The field that identifies an entry of %[1]s is not known; add it as key, such as key: FID. Only %[3]s need none.",
			t.Form, strings.Join(known, "、"), strings.Join(known, ", ")).Suggest(spelling.Closest(t.Form, known)))
	}
	if s.has("where") {
		p.checkWhere(s.pairs["where"].value, t.Where)
	}
	return &flow.Table{Name: from.name, Kingdee: t}
}

// checkWhere finds in a filter what Kingdee would only call a bad one.
func (p *parser) checkWhere(node ast.Node, where string) {
	at := p.spanOf(node)
	outside := literal.ReplaceAllString(where, "")
	if strings.ContainsFunc(outside, func(r rune) bool { _, typographic := spelling.StraightQuote(r); return typographic }) {
		p.report(at, say("where 里的引号应为英文的：'。", "The quotes in where should be straight ones: '."))
		return
	}
	if strings.Count(where, "'")%2 != 0 {
		p.report(at, say("where 里有一个引号 ' 没有结束；文本里的引号写两个：''。", "A quote ' in where does not end; one within a text is doubled: ''."))
	}
	if len([]rune(where)) > longestWhere {
		p.report(at, say("where 应不超过 %[1]d 个字符。", "where should have at most %[1]d characters.", longestWhere))
	}
}
