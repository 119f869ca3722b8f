package flowfile

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/text"
)

// Diff says what differs between two versions of a flow, in the order of the flow file; none
// if they differ in comments or layout only. The files are as in [flow.Flow]; they need not
// load, because the versions may be of different versions of the program. An error names the
// version that is not even YAML: "before" or "after".
func Diff(before, after []flow.File) ([]text.Text, error) {
	was, err := readVersion(before)
	if err != nil {
		return nil, text.Errorf("the version before can't be read: %w", err)
	}
	is, err := readVersion(after)
	if err != nil {
		return nil, text.Errorf("the version after can't be read: %w", err)
	}
	d := differences{was: was, is: is}
	for _, part := range mergedKeys(was.root, is.root) {
		d.part(part, child(was.root, part), child(is.root, part))
	}
	return d.found, nil
}

// version is one version of a flow as it is written.
type version struct {
	root   ast.Node
	tables map[string]*flow.Table
	form   *catalog.Interface
	own    []catalog.Field
	// omitted are the files whose text was not kept.
	omitted map[string]bool
}

func readVersion(files []flow.File) (version, error) {
	v := version{omitted: map[string]bool{}}
	if len(files) == 0 {
		return v, text.Errorf("it has no files")
	}
	texts := map[string]string{}
	for _, file := range files {
		texts[file.Name], v.omitted[file.Name] = file.Text, file.Omitted > 0
	}
	d := newDocument(files[0].Name, []byte(files[0].Text))
	if d.readable() {
		v.root = d.root()
	}
	if !isMapping(v.root) {
		return v, append(d.problems, Problem{File: files[0].Name, What: text.Sprintf("Expected keys and values.")})
	}
	p := parse(files[0].Name, []byte(files[0].Text), func(name string) ([]byte, error) {
		content, ok := texts[filepath.ToSlash(name)]
		if !ok {
			return nil, text.Errorf("the file is not part of the version")
		}
		return []byte(content), nil
	})
	v.tables, v.form, v.own = p.tables, p.flow.Form, p.flow.OwnFields
	return v, nil
}

// differences collects what differs.
type differences struct {
	was, is version
	found   []text.Text
}

func (d *differences) add(format text.Text) { d.found = append(d.found, format) }

// part compares what is under a path, such as bill.fields.
func (d *differences) part(path string, was, is ast.Node) {
	switch {
	case path == "tables":
		for _, name := range mergedKeys(was, is) {
			d.table(name, child(was, name), child(is, name))
		}
	case path == "bill.fields":
		d.fields("", was, is)
	case path == "checks.leave_out" || path == "checks.require" || path == "checks.not_booked":
		d.rules(path, was, is)
	case isMapping(was) && isMapping(is), isMapping(was) && is == nil, was == nil && isMapping(is):
		for _, key := range mergedKeys(was, is) {
			d.part(path+"."+key, child(was, key), child(is, key))
		}
	default:
		d.value(path, was, is)
	}
}

// value compares a value that has no parts of interest.
func (d *differences) value(path string, was, is ast.Node) {
	switch before, after := written(was), written(is); {
	case was == nil:
		d.add(text.New("%s is %s; it was not set before", path, after))
	case is == nil:
		d.add(text.New("%s is no longer set; it was %s", path, before))
	case before != after:
		d.add(text.New("%s is %s; it was %s", path, after, before))
	}
}

// table compares two tables row by row, and their other keys as values.
func (d *differences) table(name string, was, is ast.Node) {
	before, after := d.was.tables[name], d.is.tables[name]
	switch {
	case was == nil:
		d.add(text.New("table %s is new; rows: %d", name, rowCount(after)))
		return
	case is == nil:
		d.add(text.New("table %s is gone; it had rows: %d", name, rowCount(before)))
		return
	}
	for _, key := range mergedKeys(was, is) {
		if key != "values" {
			d.value("tables."+name+"."+key, child(was, key), child(is, key))
		}
	}
	if before == nil || after == nil {
		d.value("tables."+name+".values", child(was, "values"), child(is, "values"))
		return
	}
	for _, side := range []struct {
		version
		table *flow.Table
	}{{d.was, before}, {d.is, after}} {
		if side.omitted[side.table.File] {
			d.add(text.New("the rows of table %s can't be compared: %s was too large to be kept", name, side.table.File))
			return
		}
	}
	codes := maps.Clone(before.Rows)
	maps.Copy(codes, after.Rows)
	for _, code := range slices.Sorted(maps.Keys(codes)) {
		switch old, was := before.Rows[code]; {
		case !was:
			d.add(text.New("table %s: code %s is new and gives %s", name, code, after.Rows[code]))
		case after.Rows[code] == "":
			d.add(text.New("table %s: code %s is gone; it gave %s", name, code, old))
		case after.Rows[code] != old:
			d.add(text.New("table %s: code %s gives %s; it gave %s", name, code, after.Rows[code], old))
		}
	}
}

func rowCount(t *flow.Table) int {
	if t == nil {
		return 0
	}
	return len(t.Rows)
}

// fields compares the fields of one part of the bill; place is "" for its head.
func (d *differences) fields(place string, was, is ast.Node) {
	for _, name := range mergedKeys(was, is) {
		before, after := child(was, name), child(is, name)
		if isGroup(before) || isGroup(after) {
			d.fields(name, before, after)
			continue
		}
		shown := d.fieldName(place, name)
		switch old, now := mappingWords(before), mappingWords(after); {
		case before == nil:
			d.add(text.New("%s is new: %s", shown, now))
		case after == nil:
			d.add(text.New("%s is no longer sent; it was %s", shown, old))
		case old.String() != now.String():
			d.add(text.New("%s is %s; it was %s", shown, now, old))
		}
	}
	if d.reordered(was, is) {
		if place == "" {
			place = string(catalog.Head)
		}
		d.add(text.New("the fields of %s are sent in another order", place))
	}
}

// reordered reports whether the keys that both have are in another order.
func (d *differences) reordered(was, is ast.Node) bool {
	before, after := keysOf(was), keysOf(is)
	common := func(keys, others []string) []string {
		return slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return !slices.Contains(others, key) })
	}
	return !slices.Equal(common(before, after), common(after, before))
}

// isGroup reports whether a node under fields holds fields, not the mapping of one.
func isGroup(node ast.Node) bool {
	return isMapping(node) && !slices.ContainsFunc(keysOf(node), func(key string) bool {
		_, ok := mappingKeys.find(key)
		return ok
	})
}

// fieldName is a field of the bill with its label.
func (d *differences) fieldName(place, name string) string {
	if place == "" {
		place = string(catalog.Head)
	}
	var field catalog.Field
	ok := false
	for _, form := range []*catalog.Interface{d.is.form, d.was.form} {
		if !ok && form != nil {
			field, ok = form.Find(catalog.Place(place), name)
		}
		if !ok && form != nil {
			field, ok = form.FindFlex(catalog.Place(place), name)
		}
	}
	for _, own := range slices.Concat(d.is.own, d.was.own) {
		if !ok && own.Name == name {
			field, ok = own, true
		}
	}
	if !ok {
		return name
	}
	return flow.FieldName(field)
}

// mappingWords says how a field gets its value.
func mappingWords(node ast.Node) text.Text {
	if !isMapping(node) {
		return text.Literal(written(node))
	}
	var parts []any
	for _, key := range keysOf(node) {
		value := written(child(node, key))
		switch key {
		case "constant":
			parts = append(parts, text.New("the constant %s", value))
		case "field":
			parts = append(parts, text.New("the field %s", value))
		case "expression":
			parts = append(parts, text.New("the expression %s", value))
		case "table":
			parts = append(parts, text.New("by table %s", value))
		case "required":
			if value == "true" {
				parts = append(parts, text.New("required"))
			}
		default:
			parts = append(parts, key+": "+value)
		}
	}
	return text.Join(", ", parts...)
}

// rules compares lists of conditions, each known by its reason.
func (d *differences) rules(path string, was, is ast.Node) {
	before, after := rulesOf(was), rulesOf(is)
	for _, rule := range after {
		old, ok := findRule(before, rule.name)
		if !ok {
			d.add(text.New("%s: “%s” is new: %s", path, rule.name, rule.words()))
			continue
		}
		for _, key := range mergedKeys(old.node, rule.node) {
			was, is := written(child(old.node, key)), written(child(rule.node, key))
			if was != is {
				d.add(text.New("%s: %s of “%s” is %s; it was %s", path, key, rule.name, is, was))
			}
		}
	}
	for _, rule := range before {
		if _, ok := findRule(after, rule.name); !ok {
			d.add(text.New("%s: “%s” is gone; it was %s", path, rule.name, rule.words()))
		}
	}
	order := func(rules, others []rule) (names []string) {
		for _, rule := range rules {
			if _, ok := findRule(others, rule.name); ok {
				names = append(names, rule.name)
			}
		}
		return names
	}
	if !slices.Equal(order(before, after), order(after, before)) {
		d.add(text.New("%s: the conditions are in another order, and the first that decides counts", path))
	}
}

// rule is an entry of such a list. Of several with one reason, the others have a number.
type rule struct {
	name string
	node ast.Node
}

func rulesOf(list ast.Node) (rules []rule) {
	sequence, ok := list.(*ast.SequenceNode)
	if !ok {
		return nil
	}
	seen := map[string]int{}
	for _, node := range sequence.Values {
		name := written(child(node, "reason"))
		if seen[name]++; seen[name] > 1 {
			name = fmt.Sprintf("%s (%d)", name, seen[name])
		}
		rules = append(rules, rule{name, node})
	}
	return rules
}

func findRule(rules []rule, name string) (rule, bool) {
	i := slices.IndexFunc(rules, func(r rule) bool { return r.name == name })
	if i < 0 {
		return rule{}, false
	}
	return rules[i], true
}

// words is the rule's condition or amount.
func (r rule) words() string {
	for _, key := range []string{"when", "that", "amount"} {
		if node := child(r.node, key); node != nil {
			return written(node)
		}
	}
	return written(r.node)
}

// child is the value of a key; nil without one.
func child(node ast.Node, key string) ast.Node {
	mapping, ok := node.(*ast.MappingNode)
	if !ok {
		return nil
	}
	for _, pair := range mapping.Values {
		if keyName(pair) == key {
			return pair.Value
		}
	}
	return nil
}

func keyName(pair *ast.MappingValueNode) string { return written(pair.Key) }

func keysOf(node ast.Node) (keys []string) {
	if mapping, ok := node.(*ast.MappingNode); ok {
		for _, pair := range mapping.Values {
			keys = append(keys, keyName(pair))
		}
	}
	return keys
}

// mergedKeys are the keys of the new mapping, and after them those that only the old one has.
func mergedKeys(was, is ast.Node) []string {
	keys := keysOf(is)
	for _, key := range keysOf(was) {
		if !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// written is a node on one line, the same for every layout of the same value. Text that
// would be read as something else is in quotes.
func written(node ast.Node) string {
	switch node := node.(type) {
	case nil:
		return text.Sprintf("(nothing)")
	case *ast.StringNode:
		return plainText(node.Value)
	case *ast.LiteralNode:
		return plainText(node.Value.Value)
	case *ast.MappingNode:
		var pairs []string
		for _, pair := range node.Values {
			pairs = append(pairs, keyName(pair)+": "+written(pair.Value))
		}
		return "{" + strings.Join(pairs, ", ") + "}"
	case *ast.SequenceNode:
		var entries []string
		for _, entry := range node.Values {
			entries = append(entries, written(entry))
		}
		return "[" + strings.Join(entries, ", ") + "]"
	}
	return node.GetToken().Value
}

var readOtherwise = []string{"true", "false", "null", "~", ""}

func plainText(value string) string {
	value = strings.Join(strings.Fields(value), " ")
	if plainNumber.MatchString(value) || slices.Contains(readOtherwise, value) {
		return `"` + value + `"`
	}
	return value
}
