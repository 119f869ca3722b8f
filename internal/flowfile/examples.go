package flowfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// Example is the result of one example of a flow: an order, and what should become of it.
type Example struct {
	// Name is the file's, without its folder.
	Name string `json:"name"`
	// About says what the example shows; "" if the file does not.
	About string `json:"about,omitempty"`
	// Differences say what became of the order instead; none if the example passes.
	Differences []text.Text `json:"differences,omitempty"`
}

// exampleKeys are the keys of an example.
var exampleKeys = sectionValue{
	{"order", "", true, nil},
	{"about", "", false, textValue{}},
	{"tables", "", false, nil},
	{"bill", "", false, nil},
	{"left_out", "", false, textValue{}},
	{"parked", "", false, textValue{}},
}

// ExamplesFolder is the folder of a flow's examples, beside the flow file.
func ExamplesFolder(flowFolder, flowName string) string {
	return filepath.Join(flowFolder, flowName+".examples")
}

// RunExamples runs the examples of a flow, each a .yaml file of the folder; none if there is
// no such folder. An example maps its order as a worker would, without the outside systems:
// tables from Kingdee hold what the example says, and no month is closed. An error is
// [Problems], the mistakes in all examples, or says what can't be read.
func RunExamples(f *flow.Flow, folder string) ([]Example, error) {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, text.Errorf("can't read the folder of examples %s: %w", folder, err)
	}
	var examples []Example
	var problems Problems
	for _, entry := range entries {
		if extension := filepath.Ext(entry.Name()); entry.IsDir() || extension != ".yaml" && extension != ".yml" {
			continue
		}
		path := filepath.Join(folder, entry.Name())
		data, err := readFile(path, maxFlowFile)
		if err != nil {
			return nil, text.Errorf("can't read the example %s: %w", path, err)
		}
		d := newDocument(path, data)
		example := Example{Name: entry.Name()}
		if d.readable() {
			if root := d.parsed(); root != nil {
				d.example(f, root, &example)
			}
		}
		examples = append(examples, example)
		d.problems.sort()
		problems = append(problems, d.problems...)
	}
	if len(problems) > 0 {
		return nil, problems
	}
	return examples, nil
}

// example reads an example and runs it, unless it has mistakes.
func (d *document) example(f *flow.Flow, root ast.Node, example *Example) {
	s := d.section(span{1, 1, 1}, text.New("The example"), root, exampleKeys)
	example.About = s.text("about")
	outcomes := slices.DeleteFunc([]string{"bill", "left_out", "parked"}, func(key string) bool { return !s.has(key) })
	if len(outcomes) != 1 && !s.unknown {
		d.report(span{1, 1, 1}, text.New("An example says one of bill, left_out and parked; found %d of them.", len(outcomes)))
	}
	var record map[string]any
	if s.has("order") {
		record, _ = plainValue(s.pairs["order"].value).(map[string]any)
		if record == nil {
			d.wrongType(s.pairs["order"].value, text.New("keys and values: the order as Jushuitan shows it"))
		}
	}
	leftOut, parked := s.text("left_out"), s.text("parked")
	d.fillTables(f, s)
	if len(d.problems) > 0 {
		return
	}
	got := outcomeOf(f, record)
	wanted, found := text.New("a bill"), got.words()
	switch outcomes[0] {
	case "left_out":
		wanted = text.New("left out: %s", leftOut)
	case "parked":
		wanted = text.New("parked: %s", parked)
	case "bill":
		if got.bill != nil {
			example.Differences = differ(f.Form, "", s.pairs["bill"].value, got.bill)
			return
		}
	}
	if got.leftOut != leftOut || got.parked != parked || got.bill != nil {
		example.Differences = []text.Text{text.New("expected: %s; got: %s", wanted, found)}
	}
}

// fillTables gives tables from Kingdee the rows that the example says.
func (d *document) fillTables(f *flow.Flow, s section) {
	rows := map[string]ast.Node{}
	if s.has("tables") {
		for _, pair := range d.pairs(s.pairs["tables"].value) {
			if !slices.ContainsFunc(f.KingdeeTables, func(t *flow.KingdeeTable) bool { return t.Name == pair.name }) {
				d.report(d.spanOf(pair.key), text.New("The flow has no table %s from Kingdee.", pair.name))
				continue
			}
			rows[pair.name] = pair.value
		}
	}
	for _, table := range f.KingdeeTables {
		var entries []flow.TableEntry
		if node := rows[table.Name]; node != nil {
			for _, row := range d.pairs(node) {
				value, _ := d.textNode(row.value)
				entries = append(entries, flow.TableEntry{Code: row.name, Value: value})
			}
		}
		table.Set(flow.NewTableState(entries))
	}
}

// orderOutcome is what became of an order: one of the three.
type orderOutcome struct {
	bill            map[string]any
	leftOut, parked string
	// why says more about parked.
	why error
}

func (o orderOutcome) words() text.Text {
	switch {
	case o.bill != nil:
		return text.New("a bill")
	case o.leftOut != "":
		return text.New("left out: %s", o.leftOut)
	}
	return text.New("parked: %s (%s)", o.parked, o.why)
}

func outcomeOf(f *flow.Flow, record map[string]any) orderOutcome {
	failed := func(err error) orderOutcome {
		if known := fault.As(err); known != nil {
			return orderOutcome{parked: known.Reason, why: known.Err}
		}
		return orderOutcome{parked: "?", why: err}
	}
	picked, err := f.Pick(record)
	if err != nil {
		return failed(err)
	}
	reason, leftOut, err := picked.Skip()
	if err != nil {
		return failed(err)
	}
	if leftOut {
		return orderOutcome{leftOut: reason}
	}
	bill, err := picked.Bill()
	if err != nil {
		return failed(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(bill.Model))
	decoder.UseNumber()
	var fields map[string]any
	if err := decoder.Decode(&fields); err != nil {
		return failed(err)
	}
	// The mark changes with each edit of the flow file.
	name := f.Form.Form.Note
	if note, ok := fields[name].(string); ok {
		fields[name] = strings.TrimSuffix(strings.TrimSuffix(note, bill.Mark.String()), " ")
		if fields[name] == "" {
			delete(fields, name)
		}
	}
	return orderOutcome{bill: fields}
}

// plainValue is a node as a decoded reply has it, with numbers as they are written.
func plainValue(node ast.Node) any {
	switch node := node.(type) {
	case *ast.MappingNode:
		object := map[string]any{}
		for _, pair := range node.Values {
			object[plainKey(pair.Key)] = plainValue(pair.Value)
		}
		return object
	case *ast.SequenceNode:
		list := []any{}
		for _, entry := range node.Values {
			list = append(list, plainValue(entry))
		}
		return list
	case *ast.StringNode:
		return node.Value
	case *ast.LiteralNode:
		return node.Value.Value
	case *ast.IntegerNode, *ast.FloatNode:
		return json.Number(node.GetToken().Value)
	case *ast.BoolNode:
		return node.Value
	}
	return nil
}

func plainKey(node ast.Node) string {
	if key, ok := node.(*ast.StringNode); ok {
		return key.Value
	}
	return node.GetToken().Value
}

// differ says where a bill differs from the expected fields. Fields that are not expected
// may have any value; null expects a field not to be sent.
func differ(form *catalog.Interface, path string, want ast.Node, got any) []text.Text {
	switch want := want.(type) {
	case *ast.MappingNode:
		fields, ok := got.(map[string]any)
		if !ok {
			break
		}
		var all []text.Text
		for _, pair := range want.Values {
			name := plainKey(pair.Key)
			value, sent := fields[name]
			within := strings.TrimPrefix(path+"."+name, ".")
			if _, null := pair.Value.(*ast.NullNode); null && !sent {
				continue
			}
			if !sent {
				known := keysOfObject(fields)
				all = append(all, spelling.Suggest(text.New("%s: expected %s, but it is not sent.", within, shownNode(pair.Value)), spelling.Closest(name, known)))
				continue
			}
			all = append(all, differ(form, within, pair.Value, value)...)
		}
		return all
	case *ast.SequenceNode:
		list, ok := got.([]any)
		if !ok {
			break
		}
		if len(list) != len(want.Values) {
			return []text.Text{text.New("%s: expected %d entries, got %d", path, len(want.Values), len(list))}
		}
		var all []text.Text
		for i, entry := range want.Values {
			all = append(all, differ(form, path+"["+strconv.Itoa(i+1)+"]", entry, list[i])...)
		}
		return all
	default:
		// A reference is an object with the number alone.
		if object, ok := got.(map[string]any); ok && len(object) == 1 {
			for _, number := range object {
				got = number
			}
		}
		if sameValue(plainValue(want), got) {
			return nil
		}
	}
	return []text.Text{text.New("%s: expected %s, got %s", labelled(form, path), shownNode(want), shownValue(got))}
}

func keysOfObject(fields map[string]any) (names []string) {
	for name := range fields {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// sameValue compares numbers by their value, whatever their places; a text may be expected
// without quotes where it looks like a number.
func sameValue(want, got any) bool {
	if want == got {
		return true
	}
	number := func(value any) (decimal.Decimal, bool) {
		if written, ok := value.(json.Number); ok {
			parsed, err := decimal.NewFromString(written.String())
			return parsed, err == nil
		}
		return decimal.Decimal{}, false
	}
	wanted, ok := number(want)
	if !ok {
		return false
	}
	if found, ok := number(got); ok {
		return wanted.Equal(found)
	}
	return got == want.(json.Number).String()
}

// labelled adds the label of the last field of a path.
func labelled(form *catalog.Interface, path string) string {
	name := path[strings.LastIndex(path, ".")+1:]
	for _, place := range form.BillPlaces() {
		if field, ok := form.Find(place, name); ok {
			return path + "（" + field.Chinese + "）"
		}
	}
	return path
}

func shownNode(node ast.Node) string {
	if _, null := node.(*ast.NullNode); null {
		return text.Sprintf("(nothing)")
	}
	return written(node)
}

func shownValue(value any) string {
	switch value := value.(type) {
	case string:
		return plainText(value)
	case json.Number:
		return value.String()
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(raw)
}
