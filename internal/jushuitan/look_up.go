package jushuitan

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/text"
)

const (
	// longestAsked is the longest span that the interface accepts. It is documented for
	// its sister, and assumed here.
	longestAsked = 7 * 24 * time.Hour
	// lookUpStep is how much of that is new: it is unknown whether the interface includes
	// the ends, so a second more is asked for on either side.
	lookUpStep = longestAsked - 2*time.Second

	// DefaultHorizon is how far back a look-up goes if nothing is known of the orders.
	DefaultHorizon = 90 * 24 * time.Hour

	// ahead is how much the source's clock may be ahead of ours.
	ahead = tolerance
)

// idFilters are the parameters that narrow a call to given orders, by the field whose
// values they list.
var idFilters = map[string]string{"as_id": "as_ids", "so_id": "so_ids", "o_id": "o_ids"}

// Ids of one call. Their number is not documented for this interface; the sister that
// documents one takes 50. A shop's order can have several after-sales orders, and a page
// shows 100.
const (
	asIDsPerCall    = 50
	otherIDsPerCall = 20
)

// NoSuchFilter is the reason of the *fault.Error of a look-up by a field that the interface
// has no filter by, or ignores.
const NoSuchFilter = "no_such_filter"

// Source is what a look-up needs of a [Client].
type Source interface {
	RefundList(ctx context.Context, params map[string]string) (Page, error)
}

// LookUp says which orders to find.
type LookUp struct {
	// Field is whose values IDs are: as_id, so_id or o_id. Only as_id is unique.
	Field string
	// IDs are the values. Blank ones and repeats are ignored.
	IDs []string
	// Parameters are those of the flow that each call keeps. An order that does not meet
	// them is not found; [Widening] leaves those that hide none.
	Parameters map[string]string
	// ChangedAt is when the orders were last modified, as far as known: the search goes
	// on from there to now. Zero if unknown: it then goes from now back to the horizon.
	ChangedAt time.Time
	// Horizon is how far back the search goes then; 0 is [DefaultHorizon].
	Horizon time.Duration
}

// LookedUp is what a look-up found.
type LookedUp struct {
	// Orders are the orders as decoded, numbers as json.Number, each once in its latest
	// version.
	Orders []map[string]any
	// Missing are the ids that no order has, in the order in which they were given.
	Missing []string
	// From and To are the times of modification that were searched, both included, in
	// Beijing time; zero if nothing was.
	From, To time.Time
}

// Find looks orders up at the source as it shows them now. The interface demands a span of
// time of at most 7 days with every call, so it makes one call for each such span and some
// ids, until each as_id is found or the whole time is searched. Other ids than as_id are
// always searched for in the whole time, as several orders can have them.
//
// It fails with no_such_filter, a final *fault.Error, if the interface has no filter by the
// field, or ignores it and shows other orders. With an error, the result is what was found
// before.
func (l LookUp) Find(ctx context.Context, source Source) (LookedUp, error) {
	s := &lookUp{LookUp: l, source: source, latest: map[string]int{}, found: map[string]bool{}}
	s.parameter = idFilters[l.Field]
	if s.parameter == "" {
		return LookedUp{}, noSuchFilter(text.Errorf("orders can't be looked up by %s: the interface has no filter by it", l.Field))
	}
	if err := s.takeIDs(); err != nil {
		return LookedUp{}, err
	}
	err := s.search(ctx)
	for _, id := range s.all {
		if !s.found[id] {
			s.result.Missing = append(s.result.Missing, id)
		}
	}
	return s.result, err
}

type lookUp struct {
	LookUp
	source    Source
	parameter string
	all       []string // as given, without repeats
	wanted    []string // of these, the ones to ask for
	result    LookedUp
	latest    map[string]int // where in the result an order is, by as_id
	found     map[string]bool
}

// takeIDs takes in the ids. The flow's own filter by the same field, if it has one, goes on
// to hold.
func (s *lookUp) takeIDs() error {
	var allowed []string
	if own := s.Parameters[s.parameter]; own != "" {
		allowed = splitList(own)
	}
	for _, id := range s.IDs {
		id = strings.TrimSpace(id)
		if id == "" || slices.Contains(s.all, id) {
			continue
		}
		if strings.Contains(id, ",") {
			return noSuchFilter(text.Errorf("%s %q can't be looked up: commas separate the ids of a call", s.Field, id))
		}
		s.all = append(s.all, id)
		if allowed == nil || slices.Contains(allowed, id) {
			s.wanted = append(s.wanted, id)
		}
	}
	return nil
}

func (s *lookUp) search(ctx context.Context) error {
	begun := time.Now().Truncate(time.Second)
	if !s.ChangedAt.IsZero() {
		for from := s.ChangedAt.Truncate(time.Second); !s.complete() && from.Before(time.Now().Add(ahead)); from = from.Add(lookUpStep) {
			if err := s.readSpan(ctx, from, from.Add(lookUpStep-time.Second)); err != nil {
				return err
			}
		}
		return nil
	}
	horizon := s.Horizon
	if horizon == 0 {
		horizon = DefaultHorizon
	}
	oldest := begun.Add(-horizon)
	for to := begun.Add(ahead); !s.complete() && !to.Before(oldest); to = to.Add(-lookUpStep) {
		from := to.Add(time.Second - lookUpStep)
		if from.Before(oldest) {
			from = oldest
		}
		if err := s.readSpan(ctx, from, to); err != nil {
			return err
		}
	}
	if s.complete() {
		return nil
	}
	// An order that was modified meanwhile has moved from a span not yet read into the
	// first.
	now := time.Now().Truncate(time.Second)
	return s.readSpan(ctx, begun.Add(-ahead), now.Add(ahead))
}

// complete reports whether there is nothing more to find.
func (s *lookUp) complete() bool { return len(s.open(s.wanted)) == 0 }

// open are those of the ids of which there may be orders that were not found yet.
func (s *lookUp) open(ids []string) []string {
	if s.Field != "as_id" {
		return ids
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return s.found[id] })
}

// readSpan reads the orders that were modified in the span, both ends included.
func (s *lookUp) readSpan(ctx context.Context, from, to time.Time) error {
	perCall := otherIDsPerCall
	if s.Field == "as_id" {
		perCall = asIDsPerCall
	}
	for ids := range slices.Chunk(s.open(s.wanted), perCall) {
		if err := s.read(ctx, from, to, ids); err != nil {
			return err
		}
	}
	if s.result.From.IsZero() || from.Before(s.result.From) {
		s.result.From = from.In(beijing)
	}
	if to.After(s.result.To) {
		s.result.To = to.In(beijing)
	}
	return nil
}

func (s *lookUp) read(ctx context.Context, from, to time.Time, ids []string) error {
	params := maps.Clone(s.Parameters)
	if params == nil {
		params = map[string]string{}
	}
	params[s.parameter] = strings.Join(ids, ",")
	params["date_type"], params["is_get_total"], params["page_size"] = "0", "true", "100"
	params["start_time"] = from.Add(-time.Second).In(beijing).Format(time.DateTime)
	params["end_time"] = to.Add(time.Second).In(beijing).Format(time.DateTime)
	for index := 1; ; index++ {
		params["page_index"] = strconv.Itoa(index)
		page, err := s.source.RefundList(ctx, maps.Clone(params))
		if err != nil {
			return text.Errorf("looking up %d orders by %s failed: %w", len(ids), s.Field, err)
		}
		others := s.take(page.Datas, ids)
		if len(s.open(ids)) == 0 {
			return nil
		}
		if others {
			return noSuchFilter(text.Errorf("Jushuitan showed other orders than those asked for by %s %s: it seems to ignore this filter", s.parameter, beginningOf(ids)))
		}
		if !page.HasNext {
			return nil
		}
	}
}

// take takes in the orders of a page, and reports whether it shows others than those asked
// for.
func (s *lookUp) take(records []map[string]any, ids []string) (others bool) {
	for _, record := range records {
		id := FieldText(record, s.Field)
		if !slices.Contains(ids, id) {
			others = true
			continue
		}
		s.found[id] = true
		order := FieldText(record, "as_id")
		i, seen := s.latest[order]
		switch {
		case !seen || order == "":
			s.latest[order] = len(s.result.Orders)
			s.result.Orders = append(s.result.Orders, record)
		case !modified(record).Before(modified(s.result.Orders[i])):
			s.result.Orders[i] = record
		}
	}
	return others
}

// FieldText is the text of a field of an order; "" if it is absent or can't be read.
func FieldText(record map[string]any, field string) string {
	value, err := catalog.Text.Parse(record[field])
	if err != nil || value == nil {
		return ""
	}
	return value.(string)
}

// modified is when an order was modified; zero if that can't be read.
func modified(record map[string]any) time.Time {
	at, err := catalog.Time.Parse(record["modified"])
	if err != nil || at == nil {
		return time.Time{}
	}
	return at.(time.Time)
}

// beginningOf lists the first few ids.
func beginningOf(ids []string) string {
	const few = 3
	if len(ids) > few {
		return strings.Join(ids[:few], ", ") + ", …"
	}
	return strings.Join(ids, ", ")
}

func splitList(list string) []string {
	values := strings.Split(list, ",")
	for i := range values {
		values[i] = strings.TrimSpace(values[i])
	}
	return values
}

func noSuchFilter(err error) error {
	return newFault(fault.Final, NoSuchFilter, err,
		text.New("Give the as_id（售后单号） or the so_id（线上订单号）, or have the range synced in which the order was modified"))
}

// Widening gives those of a flow's parameters with which the source shows orders that it
// would not show otherwise: archived ones, and those of offline shops.
func Widening(parameters map[string]string) map[string]string {
	wider := map[string]string{}
	for _, name := range []string{"archive", "is_offline_shop"} {
		if value := parameters[name]; value != "" {
			wider[name] = value
		}
	}
	// Offline shops' orders are asked for with shop_id 0.
	if shop := parameters["shop_id"]; shop != "" && wider["is_offline_shop"] == "true" {
		wider["shop_id"] = shop
	}
	return wider
}

// narrowing are the parameters that hide the orders with another value of a field.
var narrowing = []struct{ parameter, field string }{
	{"status", "status"}, {"good_status", "good_status"}, {"type", "type"}, {"shop_id", "shop_id"}, {"wms_co_id", "wms_co_id"},
	{"order_types", "order_type"}, {"as_ids", "as_id"}, {"so_ids", "so_id"}, {"o_ids", "o_id"},
}

// Mismatch is a parameter that an order does not meet.
type Mismatch struct {
	Parameter string `json:"parameter"`
	// Wanted is the parameter's value, and Has the order's.
	Wanted string `json:"wanted"`
	Has    string `json:"has"`
}

// Mismatches are those of a flow's parameters that an order does not meet, so that a run
// does not see it. Parameters about which the order itself says nothing, such as
// owner_co_id, are not compared.
func Mismatches(parameters map[string]string, record map[string]any) (list []Mismatch) {
	for _, n := range narrowing {
		wanted, has := parameters[n.parameter], FieldText(record, n.field)
		if wanted != "" && has != "" && !slices.Contains(splitList(wanted), has) {
			list = append(list, Mismatch{Parameter: n.parameter, Wanted: wanted, Has: has})
		}
	}
	return list
}
