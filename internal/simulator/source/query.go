package source

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/simulator/merchant"
)

// documents are what the interfaces show.
var documents = map[string]merchant.Document{
	"jushuitan.refund.list.query":    merchant.Refunds,
	"/open/refund/single/query":      merchant.Refunds,
	"/open/aftersale/received/query": merchant.Receipts,
	"jushuitan.saleout.list.query":   merchant.Outbounds,
	"/open/orders/out/simple/query":  merchant.Outbounds,
}

// idsSuffice are the interfaces that need no range if ids are given.
var idsSuffice = []string{"/open/refund/single/query", "/open/aftersale/received/query", "jushuitan.saleout.list.query"}

// Interfaces are the interfaces served by way of a gateway, such as catalog.Qimen, by name.
func Interfaces(transport string) map[string]*catalog.Interface {
	served := map[string]*catalog.Interface{}
	for name := range documents {
		if face := catalog.All()[name]; face.Transport == transport {
			served[name] = face
		}
	}
	return served
}

// Query is one validated call.
type Query struct {
	pageIndex, pageSize int
	totals              bool
	search
}

// search is a query without its page.
type search struct {
	document merchant.Document
	dateType int
	// start and end are zero for a call without a time range, versions nil for one without
	// row versions.
	start, end time.Time
	versions   *versions
	conditions []condition
	// hidden are the shops that the gateway does not show.
	hidden []int64
	// offline asks for the orders of offline shops; there are none.
	offline bool
	// unarchived leaves out what is archived: an interface with the parameter archive shows
	// that only if asked to.
	unarchived bool
}

// condition is that a field has one of some values.
type condition struct {
	field  string
	values []string
}

// Gateway is what a query depends on besides its parameters.
type Gateway struct {
	// DefaultPage is the page_size of a caller that names none, LargestPage the highest; 0
	// is that of the catalog.
	DefaultPage, LargestPage int
	// Hidden are the shops whose records of a kind are not shown.
	Hidden map[merchant.Document][]int64
}

// Problem is why a call is refused: a parameter is missing or invalid.
type Problem struct {
	Missing bool
	What    string
}

// ParseQuery checks the parameters of a call, lists being joined by commas, as the catalog
// has them. Others are ignored.
func (g Gateway) ParseQuery(face *catalog.Interface, params map[string]string) (Query, *Problem) {
	p := parser{face: face, params: params}
	largest := g.LargestPage
	if largest == 0 {
		largest = face.Source.LargestPage
	}
	p.checkFields()
	document := documents[face.Name]
	q := Query{
		pageIndex: p.integer("page_index", 1, 1, 1<<31-1),
		pageSize:  p.integer("page_size", g.DefaultPage, 1, largest),
		totals:    params["is_get_total"] != "false",
		search: search{
			document:   document,
			dateType:   p.integer("date_type", 0, 0, 9),
			versions:   p.versions(),
			conditions: p.conditions(),
			hidden:     g.Hidden[document],
			offline:    params["is_offline_shop"] == "true",
			unarchived: slices.Contains(face.Source.Widening, "archive") && params["archive"] != "true",
		},
	}
	from, to := face.Source.From, face.Source.To
	byIDs := slices.Contains(idsSuffice, face.Name) && slices.ContainsFunc(slices.Collect(maps.Values(face.Source.IDs)),
		func(ids catalog.IDs) bool { return params[ids.Parameter] != "" })
	if (q.versions != nil || byIDs) && params[from] == "" && params[to] == "" {
		return q, p.problem
	}
	q.start, q.end = p.time(from), p.time(to)
	if p.problem == nil && q.end.Before(q.start) {
		p.fail(false, to+" is before "+from)
	}
	if p.problem == nil && q.end.Sub(q.start) > face.Source.LongestSpan {
		p.fail(false, from+" and "+to+" may be 7 days apart at most")
	}
	return q, p.problem
}

// holds reports whether the record meets all conditions.
func (s *search) holds(r merchant.Record) bool {
	for _, c := range s.conditions {
		if !slices.Contains(c.values, r.Value(c.field)) {
			return false
		}
	}
	if s.unarchived && r.Value("status") == merchant.StatusArchived {
		return false
	}
	return !s.offline && (len(s.hidden) == 0 || !slices.ContainsFunc(s.hidden, func(shop int64) bool {
		return r.Value("shop_id") == strconv.FormatInt(shop, 10)
	}))
}

// parser reads parameters and keeps the first problem.
type parser struct {
	face    *catalog.Interface
	params  map[string]string
	problem *Problem
}

func (p *parser) fail(missing bool, what string) {
	if p.problem == nil {
		p.problem = &Problem{Missing: missing, What: what}
	}
}

// checkFields checks enumerations, flags, numbers and the lengths of lists.
func (p *parser) checkFields() {
	for _, field := range p.face.Fields[catalog.Request] {
		value := p.params[field.Name]
		if value == "" {
			continue
		}
		if _, known := field.Values[value]; field.Values != nil && !known {
			p.fail(false, field.Name)
		}
		if strings.HasSuffix(field.Name, "_id") {
			for _, id := range list(value) {
				if _, err := strconv.ParseInt(id, 10, 64); err != nil {
					p.fail(false, field.Name)
				}
			}
		}
	}
	for _, ids := range p.face.Source.IDs {
		if n := len(list(p.params[ids.Parameter])); n > ids.Most {
			p.fail(false, ids.Parameter+" takes "+strconv.Itoa(ids.Most)+" values at most")
		}
	}
}

func (p *parser) conditions() (conditions []condition) {
	narrowing := p.face.Source.Narrowing
	for _, parameter := range slices.Sorted(maps.Keys(narrowing)) {
		if values := list(p.params[parameter]); len(values) > 0 {
			conditions = append(conditions, condition{narrowing[parameter], values})
		}
	}
	return conditions
}

func (p *parser) integer(name string, absent, least, most int) int {
	text := p.params[name]
	if text == "" {
		return absent
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		p.fail(false, name)
	}
	return n
}

func (p *parser) version(name string, absent int64) int64 {
	text := p.params[name]
	if text == "" {
		return absent
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		p.fail(false, name)
	}
	return n
}

func (p *parser) time(name string) time.Time {
	text := p.params[name]
	if text == "" {
		p.fail(true, name)
		return time.Time{}
	}
	t, err := time.ParseInLocation(time.DateTime, text, merchant.Beijing)
	if err != nil || len(text) != len(time.DateTime) {
		p.fail(false, name)
	}
	return t
}

// list splits a comma-separated list.
func list(text string) []string {
	if text == "" {
		return nil
	}
	values := strings.Split(text, ",")
	for i := range values {
		values[i] = strings.TrimSpace(values[i])
	}
	return values
}
