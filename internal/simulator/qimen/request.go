package qimen

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"refundsync/internal/simulator/merchant"
)

const (
	maxPageSize = 100
	// defaultPageSize is used if the caller names none.
	defaultPageSize = 50
	// maxSpan is the longest time range. It is documented for the sister interface and
	// assumed for this one.
	maxSpan = 7 * 24 * time.Hour
)

var bools = []string{"true", "false"}

// request is one validated call.
type request struct {
	pageIndex, pageSize int
	dateType            dateType
	start, end          time.Time
	// versions is nil for a call with a time range.
	versions *versions
	totals   bool
	filter   filter
}

// filter holds the conditions other than the time. An empty one matches all.
type filter struct {
	status, goodStatus, kind    string
	shops, warehouses           []int64
	asIDs, orderIDs, shopOrders []string
	orderTypes                  []string
	// offline asks for the orders of offline shops; there are none.
	offline bool
}

func parseRequest(params map[string]string) (request, *errorReply) {
	p := parser{params: params}
	r := request{
		pageIndex: p.integer("page_index", 1, 1, 1<<31-1),
		pageSize:  p.integer("page_size", defaultPageSize, 1, maxPageSize),
		dateType:  dateType(p.integer("date_type", 0, 0, 2)),
		versions:  p.versions(),
		totals:    p.choice("is_get_total", bools) != "false",
		filter: filter{
			status:     p.choice("status", merchant.Statuses),
			goodStatus: p.choice("good_status", merchant.GoodStatuses),
			kind:       p.choice("type", merchant.Types),
			shops:      p.integers("shop_id"),
			warehouses: p.integers("wms_co_id"),
			asIDs:      p.list("as_ids"),
			orderIDs:   p.list("o_ids"),
			shopOrders: p.list("so_ids"),
			orderTypes: p.list("order_types"),
			offline:    p.choice("is_offline_shop", bools) == "true",
		},
	}
	// Orders here are not archived and have no owner or promotions.
	p.choice("archive", bools)
	p.choice("is_get_promotion", bools)
	p.integers("owner_co_id")
	if r.versions != nil {
		return r, p.failure
	}
	r.start, r.end = p.time("start_time"), p.time("end_time")
	if p.failure == nil && r.end.Before(r.start) {
		p.fail(41, "Invalid Arguments:end_time is before start_time")
	}
	if p.failure == nil && r.end.Sub(r.start) > maxSpan {
		p.fail(41, "Invalid Arguments:start_time and end_time may be 7 days apart at most")
	}
	return r, p.failure
}

// holds reports whether the order meets all conditions.
func (f *filter) holds(o *merchant.Order) bool {
	return is(f.status, o.Status) && is(f.goodStatus, o.GoodStatus) && is(f.kind, o.Type) &&
		oneOf(f.shops, o.Shop.ID) && oneOf(f.warehouses, o.Warehouse.ID) &&
		(len(f.asIDs) == 0 || slices.Contains(f.asIDs, o.ID())) &&
		(len(f.orderIDs) == 0 || slices.Contains(f.orderIDs, strconv.FormatInt(o.OID, 10))) &&
		oneOf(f.shopOrders, o.SoID) && oneOf(f.orderTypes, merchant.OrderType) && !f.offline
}

func is(want, got string) bool { return want == "" || want == got }

func oneOf[T comparable](want []T, got T) bool { return len(want) == 0 || slices.Contains(want, got) }

// parser reads parameters and keeps the first failure.
type parser struct {
	params  map[string]string
	failure *errorReply
}

func (p *parser) fail(code int, message string) {
	if p.failure == nil {
		p.failure = refusal(code, message)
	}
}

func (p *parser) integer(name string, absent, least, most int) int {
	text := p.params[name]
	if text == "" {
		return absent
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		p.fail(41, "Invalid Arguments:"+name)
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
		p.fail(41, "Invalid Arguments:"+name)
	}
	return n
}

func (p *parser) time(name string) time.Time {
	text := p.params[name]
	if text == "" {
		p.fail(40, "Missing Required Arguments:"+name)
		return time.Time{}
	}
	t, err := time.ParseInLocation(time.DateTime, text, merchant.Beijing)
	if err != nil || len(text) != len(time.DateTime) {
		p.fail(41, "Invalid Arguments:"+name)
	}
	return t
}

func (p *parser) choice(name string, of []string) string {
	value := p.params[name]
	if value != "" && !slices.Contains(of, value) {
		p.fail(41, "Invalid Arguments:"+name)
	}
	return value
}

// list reads a list, which is comma-separated here.
func (p *parser) list(name string) []string {
	text := p.params[name]
	if text == "" {
		return nil
	}
	values := strings.Split(text, ",")
	for i := range values {
		values[i] = strings.TrimSpace(values[i])
	}
	return values
}

func (p *parser) integers(name string) []int64 {
	var values []int64
	for _, text := range p.list(name) {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			p.fail(41, "Invalid Arguments:"+name)
		}
		values = append(values, n)
	}
	return values
}
