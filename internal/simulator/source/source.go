// Package source holds the documents of a made-up merchant as Jushuitan does, for the
// gateways that show them: it finds, pages and changes them, and writes pages as untidily
// as the vendor is known to.
package source

import (
	"maps"
	"net/http"
	"reflect"
	"slices"
	"sync"
	"time"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
)

// Wire names a gateway's faults that concern HTTP only.
var Wire = faults.Wire{
	ServerError:   faults.SourceServerError,
	Hang:          faults.SourceHang,
	MalformedJSON: faults.SourceMalformedJSON,
	TruncatedBody: faults.SourceTruncatedBody,
}

// Options configure the source.
type Options struct {
	// Seed determines the odd forms of replies.
	Seed uint64
	// ExclusiveStart and ExclusiveEnd exclude the start or the end of a range. What the
	// vendor does is unknown.
	ExclusiveStart, ExclusiveEnd bool
	// PageLatency is the time each page takes.
	PageLatency time.Duration
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Faults decides what goes wrong; nil is no faults.
	Faults *faults.Injector
	// Records returns the documents of a kind. It is called once for each kind that is asked
	// for.
	Records func(merchant.Document) []merchant.Record
	// Changed is called with the newer version of every record that changes; nil is no-op.
	Changed func(newer merchant.Record)
	// Arrive returns the records that have arrived by now, modified by a clock that is
	// ahead by the given duration; nil is none. With it the records live in the present:
	// one that changes is modified now.
	Arrive func(now time.Time, ahead time.Duration) []merchant.Record
}

// Source holds the documents as they are now. Its lock serialises queries and changes.
type Source struct {
	options Options
	faults  *faults.Injector

	mu     sync.Mutex
	tables map[merchant.Document]*table
	// latest is the latest time at which a record was modified or that a caller asked for.
	latest time.Time
	// version is the highest row version that any record had.
	version int64
}

// table holds the documents of one kind.
type table struct {
	index index
	// last is the previous search, for any page, and what it found; nil once a record has
	// changed. It spares a search per page, which for a long range would take longer than a
	// page should.
	last     *search
	matching []merchant.Record
}

// New makes a source.
func New(options Options) *Source {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Faults == nil {
		options.Faults = faults.None()
	}
	if options.Changed == nil {
		options.Changed = func(merchant.Record) {}
	}
	return &Source{options: options, faults: options.Faults, tables: map[merchant.Document]*table{}}
}

// Of gives the orders alone as Options.Records.
func Of(orders []*merchant.Order) func(merchant.Document) []merchant.Record {
	return func(d merchant.Document) (records []merchant.Record) {
		for _, o := range orders {
			if d == merchant.Refunds {
				records = append(records, o)
			}
		}
		return records
	}
}

// table returns the documents of a kind. The caller holds the lock.
func (s *Source) table(d merchant.Document) *table {
	if s.tables[d] == nil {
		records := s.options.Records(d)
		t := &table{index: newIndex(records)}
		s.tables[d] = t
		s.version = max(s.version, latestVersion(records))
		if sorted := t.index[byModified]; len(sorted) > 0 && sorted[len(sorted)-1].When(byModified).After(s.latest) {
			s.latest = sorted[len(sorted)-1].When(byModified)
		}
	}
	return s.tables[d]
}

// Page returns the records of one page, and their number on all pages.
func (s *Source) Page(q Query) ([]merchant.Record, int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrive()
	t := s.table(q.document)
	// A query for records by key has a range that says nothing.
	if q.end.After(s.latest) && !slices.ContainsFunc(q.conditions, func(c condition) bool { return c.field == "as_id" || c.field == "io_id" }) {
		s.latest = q.end
	}
	matching := s.search(t, q.search)
	first := min((q.pageIndex-1)*q.pageSize, len(matching))
	page := slices.Clone(matching[first:min(first+q.pageSize, len(matching))])
	count := len(matching)
	if q.dateType == byModified && s.faults.On(faults.SourceOrderMoves) {
		s.moveOne(t, matching)
	}
	return page, count
}

// search returns the records of all pages. The caller holds the lock.
func (s *Source) search(t *table, q search) []merchant.Record {
	if t.last != nil && reflect.DeepEqual(*t.last, q) {
		return t.matching
	}
	records := t.index[byModified]
	if !q.end.IsZero() {
		records = t.index.between(q.dateType, q.start, q.end, s.options.ExclusiveStart, s.options.ExclusiveEnd)
	}
	if q.versions != nil {
		records = s.inVersions(records, *q.versions)
	}
	var matching []merchant.Record
	for _, r := range records {
		if q.holds(r) {
			matching = append(matching, r)
		}
	}
	t.last, t.matching = &q, matching
	return matching
}

// Arrive adds the records that are due by now.
func (s *Source) Arrive() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.arrive()
}

// arrive is Arrive for a caller that holds the lock.
func (s *Source) arrive() {
	if s.options.Arrive == nil {
		return
	}
	// Those that have arrived before a table is made are in it.
	made := maps.Clone(s.tables)
	for _, r := range s.options.Arrive(s.options.Now(), s.Ahead()) {
		if made[r.Document()] != nil {
			s.insert(r)
		}
	}
}

func (s *Source) insert(r merchant.Record) {
	t := s.table(r.Document())
	s.version++
	r.SetRowVersion(s.version)
	t.last = nil
	t.index.insert(r)
}

// moveOne modifies one of the requested records while their pages are being read. It never
// picks one whose bill would change by that. The caller holds the lock.
func (s *Source) moveOne(t *table, matching []merchant.Record) {
	matching = slices.DeleteFunc(slices.Clone(matching), merchant.Record.DatedByModified)
	if len(matching) > 0 && s.faults.Strikes(faults.SourceOrderMoves) {
		r := matching[s.faults.Pick(faults.SourceOrderMoves, len(matching))]
		s.replace(t, r, r.Touched(s.present()))
	}
}

// Change modifies a record now: edit returns its newer version. It returns false if there
// is no such record of this key.
func Change[R merchant.Record](s *Source, key int64, edit func(r R, now time.Time) R) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.table(merchant.DocumentOf(key))
	r, ok := t.index.find(key).(R)
	if ok {
		s.replace(t, r, edit(r, s.present()))
	}
	return ok
}

// Add adds a new record now.
func (s *Source) Add(record func(now time.Time) merchant.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.insert(record(s.present()))
}

// present is the time of a change in the records' own time: a second after every
// modification and every requested time, because callers ask for the past. So a record
// that changes leaves the range that is being read, and enters none that is. If records
// arrive by the clock, it is the clock's time. The caller holds the lock.
func (s *Source) present() time.Time {
	s.latest = s.latest.Add(time.Second)
	if now := s.Now().Truncate(time.Second); s.options.Arrive != nil && now.After(s.latest) {
		s.latest = now
	}
	return s.latest
}

// replace gives the newer version of a record the highest row version. The caller holds
// the lock.
func (s *Source) replace(t *table, old, newer merchant.Record) {
	s.version++
	newer.SetRowVersion(s.version)
	t.last = nil
	t.index.replace(old, newer)
	s.options.Changed(newer)
}

// Faults decides what goes wrong.
func (s *Source) Faults() *faults.Injector { return s.faults }

// PageLatency is the time each page takes.
func (s *Source) PageLatency() time.Duration { return s.options.PageLatency }

// RealNow is the time by the clock that the source is given.
func (s *Source) RealNow() time.Time { return s.options.Now() }

// Now is the time by the source's clock.
func (s *Source) Now() time.Time { return s.options.Now().Add(s.Ahead()) }

// Ahead is how far the source's clock is ahead.
func (s *Source) Ahead() time.Duration {
	if s.faults.On(faults.SourceClockBehind) {
		return -s.faults.ClockError()
	}
	return 0
}

// Clock is the time as a call sees it.
func (s *Source) Clock() time.Time {
	if s.faults.Strikes(faults.SourceClockOff) {
		return s.Now().Add(s.faults.ClockError())
	}
	return s.Now()
}

// SetDate sets the Date header; net/http would use this machine's time.
func SetDate(w http.ResponseWriter, now time.Time) {
	w.Header().Set("Date", now.UTC().Format(http.TimeFormat))
}

// Wait takes the time of a page; false means that the caller has gone.
func (s *Source) Wait(r *http.Request) bool {
	if s.options.PageLatency <= 0 {
		return true
	}
	timer := time.NewTimer(s.options.PageLatency)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
		return false
	}
}
