package flowfile

import (
	"cmp"
	"maps"
	"regexp"
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

// The reader asks for a second before and after each window, and the interface takes 7
// days at most.
const (
	day           = 24 * time.Hour
	longestWindow = 7*day - 2*time.Second
)

func (p *parser) source(s section) {
	method := s.oneOf("method")
	p.flow.Source = flow.Source{
		Interface: cmp.Or(catalog.All()[method], p.flow.Source.Interface),
		Method:    method,
		Key:       s.text("key"),
		Window:    s.duration("window"),
		Overlap:   s.duration("overlap"),
		Lag:       s.duration("lag"),
		Since:     s.moment("since"),
	}
	if key := p.flow.Source.Key; key != "" {
		if known := orderKeys(); !slices.Contains(known, key) {
			p.report(s.valueSpan("key"), spelling.Suggest(text.New("key can't be %s; expected a text field of the order, such as as_id.", key), spelling.Closest(key, known)))
			p.flow.Source.Key = ""
		}
	}
	if s.has("parameters") {
		p.parameters(s.keySpan("parameters"), s.pairs["parameters"].value)
	}
	p.cursor(s)
}

// orderKeys are the fields that can tell one order from another.
func orderKeys() (names []string) {
	for _, field := range catalog.All()["jushuitan.refund.list.query"].Fields[catalog.Header] {
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
		p.report(s.valueSpan("cursor"), text.New("With cursor: row_version, page_size should be 2 to 100."))
	}
}

// filledIn are the parameters that each call fills in.
var filledIn = []string{"page_index", "start_time", "end_time"}

// placeholder is how the file writes such a parameter.
func placeholder(parameter string) string { return "{" + parameter + "}" }

// notFixed are parameters that would hide orders from the reader: row versions are
// another way of reading, and without totals there is no last page to begin from.
var notFixed = []string{"start_ts", "end_ts", "is_get_total"}

func (p *parser) parameters(owner span, node ast.Node) {
	fixed := map[string]string{"page_size": "100", "date_type": "0"}
	seen := map[string]bool{}
	for _, pair := range p.pairs(node) {
		field, ok := catalog.All()["jushuitan.refund.list.query"].Find(catalog.Request, pair.name)
		if !ok || slices.Contains(notFixed, pair.name) {
			known := slices.DeleteFunc(catalog.All()["jushuitan.refund.list.query"].Names(catalog.Request), func(name string) bool { return slices.Contains(notFixed, name) })
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
	p.flow.Source.DateType = fixed["date_type"]
	p.flow.Source.PageSize, _ = strconv.Atoi(fixed["page_size"])
}

var pageSize = regexp.MustCompile(pageSizePattern)

// parameter checks the value of a fixed parameter.
func (p *parser) parameter(from pair, field catalog.Field, value string) {
	at := p.spanOf(from.value)
	if field.Name == "page_size" && !pageSize.MatchString(value) {
		p.report(at, text.New("%s can't be %s; expected 1 to 100.", flow.FieldName(field), value))
	}
	if strings.TrimSpace(value) == "" {
		p.report(at, text.New("The parameter %s is empty; remove it if it is not needed.", field.Name))
		return
	}
	if what := spreadsheetMistake(value); !what.IsZero() {
		p.report(at, what)
		return
	}
	if _, ok := field.Values[value]; len(field.Values) > 0 && !ok {
		known := slices.Sorted(maps.Keys(field.Values))
		p.report(at, spelling.Suggest(text.New("%s can't be %s; expected one of %s.", flow.FieldName(field), value, strings.Join(known, ", ")), spelling.Closest(value, known)))
	}
}
