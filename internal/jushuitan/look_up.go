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

// DefaultHorizon is how far back a look-up goes if nothing is known of the orders.
const DefaultHorizon = 90 * 24 * time.Hour

// ahead is how much the source's clock may be ahead of ours.
const ahead = tolerance

// NoSuchFilter is the reason of the *fault.Error of a look-up by a field that the interface
// has no filter by, or ignores.
const NoSuchFilter = "no_such_filter"

// Source is what a look-up needs of a [Client].
type Source interface {
	List(ctx context.Context, source *catalog.Interface, params map[string]string) (Page, error)
}

// LookUp says which orders to find.
type LookUp struct {
	// Interface is what the orders are read from.
	Interface *catalog.Interface
	// Field is whose values IDs are, one of the interface's ids. Only its key is unique.
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

// Find looks orders up at the source as it shows them now. An interface demands a span of
// time with every call, which is bounded, so it makes one call for each such span and some
// ids, until each key is found or the whole time is searched. Other ids than the key are
// always searched for in the whole time, as several orders can have them.
//
// It fails with no_such_filter, a final *fault.Error, if the interface has no filter by the
// field, or ignores it and shows other orders. With an error, the result is what was found
// before.
func (l LookUp) Find(ctx context.Context, source Source) (LookedUp, error) {
	s := &lookUp{LookUp: l, source: source, latest: map[string]int{}, found: map[string]bool{}}
	ids, ok := l.Interface.Source.IDs[l.Field]
	if !ok {
		return LookedUp{}, l.noSuchFilter(text.Errorf("orders can't be looked up by %s: the interface has no filter by it", l.Field))
	}
	s.parameter, s.perCall = ids.Parameter, ids.Most
	// It is unknown whether an interface includes the ends of a range, so a second more is
	// asked for on either side.
	s.step = l.Interface.Source.LongestSpan - 2*time.Second
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
	perCall   int
	step      time.Duration
	all       []string // as given, without repeats
	wanted    []string // of these, the ones to ask for
	result    LookedUp
	latest    map[string]int // where in the result an order is, by key
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
			return s.noSuchFilter(text.Errorf("%s %q can't be looked up: commas separate the ids of a call", s.Field, id))
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
		for from := s.ChangedAt.Truncate(time.Second); !s.complete() && from.Before(time.Now().Add(ahead)); from = from.Add(s.step) {
			if err := s.readSpan(ctx, from, from.Add(s.step-time.Second)); err != nil {
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
	for to := begun.Add(ahead); !s.complete() && !to.Before(oldest); to = to.Add(-s.step) {
		from := to.Add(time.Second - s.step)
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
	if s.Field != s.Interface.Source.Key {
		return ids
	}
	return slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return s.found[id] })
}

// readSpan reads the orders that were modified in the span, both ends included.
func (s *lookUp) readSpan(ctx context.Context, from, to time.Time) error {
	for ids := range slices.Chunk(s.open(s.wanted), s.perCall) {
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
	params := map[string]string{}
	maps.Copy(params, s.Parameters)
	source := s.Interface.Source
	params[s.parameter] = strings.Join(ids, ",")
	params["page_size"] = strconv.Itoa(source.LargestPage)
	for name, value := range map[string]string{"date_type": "0", "is_get_total": "true"} {
		if _, ok := s.Interface.Find(catalog.Request, name); ok {
			params[name] = value
		}
	}
	params[source.From] = from.Add(-time.Second).In(beijing).Format(time.DateTime)
	params[source.To] = to.Add(time.Second).In(beijing).Format(time.DateTime)
	for index := 1; ; index++ {
		params["page_index"] = strconv.Itoa(index)
		page, err := s.source.List(ctx, s.Interface, maps.Clone(params))
		if err != nil {
			return text.Errorf("looking up %d orders by %s failed: %w", len(ids), s.Field, err)
		}
		others := s.take(page.Datas, ids)
		if len(s.open(ids)) == 0 {
			return nil
		}
		if others {
			return s.noSuchFilter(text.Errorf("Jushuitan showed other orders than those asked for by %s %s: it seems to ignore this filter", s.parameter, beginningOf(ids)))
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
		order := FieldText(record, s.Interface.Source.Key)
		i, seen := s.latest[order]
		switch {
		case !seen || order == "":
			s.latest[order] = len(s.result.Orders)
			s.result.Orders = append(s.result.Orders, record)
		case !s.modified(record).Before(s.modified(s.result.Orders[i])):
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
func (l LookUp) modified(record map[string]any) time.Time {
	at, err := catalog.Time.Parse(record[l.Interface.Source.Modified])
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

func (l LookUp) noSuchFilter(err error) error {
	var fields []any
	for _, name := range slices.Sorted(maps.Keys(l.Interface.Source.IDs)) {
		field, _ := l.Interface.Find(catalog.Header, name)
		fields = append(fields, text.Literal(name+"（"+field.Chinese+"）"))
	}
	return &fault.Error{
		Class: fault.Final, Reason: NoSuchFilter, System: system, Call: l.Interface.Name, Err: err,
		Advice: text.New("Give one of %s, or have the range synced in which the order was modified", text.Join(", ", fields...)),
	}
}

// Widening gives those of a flow's parameters with which the source shows orders that it
// would not show otherwise, such as archived ones, and those of offline shops.
func Widening(source *catalog.Interface, parameters map[string]string) map[string]string {
	wider := map[string]string{}
	for _, name := range source.Source.Widening {
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
func Mismatches(source *catalog.Interface, parameters map[string]string, record map[string]any) (list []Mismatch) {
	narrowing := source.Source.Narrowing
	for _, name := range slices.Sorted(maps.Keys(narrowing)) {
		wanted, has := parameters[name], FieldText(record, narrowing[name])
		if wanted != "" && has != "" && !slices.Contains(splitList(wanted), has) {
			list = append(list, Mismatch{Parameter: name, Wanted: wanted, Has: has})
		}
	}
	return list
}
