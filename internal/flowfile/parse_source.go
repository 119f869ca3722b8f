package flowfile

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"

	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

const day = 24 * time.Hour

// longestWindow leaves room for the second before and after each window that the reader
// asks for.
func longestWindow(of *catalog.Interface) time.Duration {
	return of.Source.LongestSpan - 2*time.Second
}

func (p *parser) source(s section) {
	of := p.flow.Source.Interface
	source := &p.flow.Source
	source.Key = s.text("key")
	source.Window, source.Overlap, source.Lag = s.duration("window"), s.duration("overlap"), s.duration("lag")
	source.Since = s.moment("since")
	if key := source.Key; key != "" {
		if known := orderKeys(of); !slices.Contains(known, key) {
			p.report(s.valueSpan("key"), spelling.Suggest(text.New("key can't be %s; expected a text field of the order, such as %s.", key, of.Source.Key), spelling.Closest(key, known)))
			source.Key = ""
		}
	}
	if s.has("parameters") {
		p.parameters(s.keySpan("parameters"), s.pairs["parameters"].value)
	}
	p.cursor(s)
}

// orderKeys are the fields that can tell one order from another.
func orderKeys(of *catalog.Interface) (names []string) {
	for _, field := range of.Fields[catalog.Header] {
		if field.Type == catalog.Text {
			names = append(names, field.Name)
		}
	}
	return names
}

// cursor reads how runs find what is new.
func (p *parser) cursor(s section) {
	p.flow.Source.Cursor = s.oneOf("cursor")
	if s.has("since_ts") {
		since := int64(s.integer("since_ts"))
		p.flow.Source.SinceTS = &since
	}
	switch byVersion := p.flow.Source.Cursor == contract.CursorRowVersion; {
	case s.has("since_ts") && !byVersion:
		p.report(s.keySpan("since_ts"), text.New("since_ts is only for cursor: row_version."))
	case byVersion && p.flow.Source.PageSize == 1:
		// The row at the boundary is read again, and would fill the page.
		p.report(s.valueSpan("cursor"), text.New("With cursor: row_version, page_size should be 2 to %d.", p.flow.Source.Interface.Source.LargestPage))
	}
}

// filledIn are the parameters that each call fills in.
func filledIn(of *catalog.Interface) []string {
	return []string{"page_index", of.Source.From, of.Source.To}
}

// placeholder is how the file writes such a parameter.
func placeholder(parameter string) string { return "{" + parameter + "}" }

// notFixed are parameters that would hide orders from the reader: row versions are
// another way of reading, and without totals there is no last page to begin from.
var notFixed = []string{"start_ts", "end_ts", "is_get_total"}

// fixedParameters are the parameters that a flow can set or has filled in.
func fixedParameters(of *catalog.Interface) []catalog.Field {
	return slices.DeleteFunc(slices.Clone(of.Fields[catalog.Request]), func(field catalog.Field) bool { return slices.Contains(notFixed, field.Name) })
}

// parameterValues are the values that a parameter can have; none if it can have any.
func parameterValues(of *catalog.Interface, field catalog.Field) []string {
	if field.Name == "date_type" {
		return slices.Sorted(maps.Keys(of.Source.Times))
	}
	return slices.Sorted(maps.Keys(field.Values))
}

func (p *parser) parameters(owner span, node ast.Node) {
	of := p.flow.Source.Interface
	filledIn := filledIn(of)
	fixed := map[string]string{"page_size": strconv.Itoa(of.Source.LargestPage)}
	if _, takes := of.Find(catalog.Request, "date_type"); takes {
		fixed["date_type"] = "0"
	}
	seen := map[string]bool{}
	var known []string
	for _, field := range fixedParameters(of) {
		known = append(known, field.Name)
	}
	for _, pair := range p.pairs(node) {
		field, _ := of.Find(catalog.Request, pair.name)
		if !slices.Contains(known, pair.name) {
			p.report(p.spanOf(pair.key), explain(
				text.New("The request parameter %s can't be used; expected one of %s.", pair.name, strings.Join(known, ", ")), pair.name, known))
			seen[spelling.Closest(pair.name, known)] = true
			continue
		}
		seen[pair.name] = true
		value, ok := p.textNode(pair.value)
		if !ok {
			continue
		}
		if slices.Contains(filledIn, pair.name) {
			if want := placeholder(pair.name); value != want {
				p.report(p.spanOf(pair.value), text.New("%s is filled in by each call; expected \"%s\", found %s.", pair.name, want, value))
			}
			continue
		}
		p.parameter(pair, field, value)
		fixed[pair.name] = value
		if pair.name == "date_type" {
			p.dateType = p.spanOf(pair.value)
		}
	}
	for _, name := range filledIn {
		if !seen[name] && isMapping(node) {
			p.report(owner, text.New("parameters lacks %[1]s: \"{%[1]s}\".", name))
		}
	}
	p.flow.Source.Parameters = fixed
	p.flow.Source.DateType = cmp.Or(fixed["date_type"], "0")
	p.flow.Source.PageSize, _ = strconv.Atoi(fixed["page_size"])
}

// parameter checks the value of a fixed parameter.
func (p *parser) parameter(from pair, field catalog.Field, value string) {
	at, of := p.spanOf(from.value), p.flow.Source.Interface
	if size, err := strconv.Atoi(value); field.Name == "page_size" && (err != nil || size < 1 || size > of.Source.LargestPage || strconv.Itoa(size) != value) {
		p.report(at, text.New("%s can't be %s; expected 1 to %d.", flow.FieldName(field), value, of.Source.LargestPage))
	}
	if strings.TrimSpace(value) == "" {
		p.report(at, text.New("The parameter %s is empty; remove it if it is not needed.", field.Name))
		return
	}
	if what := spreadsheetMistake(value); !what.IsZero() {
		p.report(at, what)
		return
	}
	if known := parameterValues(of, field); len(known) > 0 && !slices.Contains(known, value) {
		p.report(at, spelling.Suggest(text.New("%s can't be %s; expected one of %s.", flow.FieldName(field), value, strings.Join(known, ", ")), spelling.Closest(value, known)))
	}
}
