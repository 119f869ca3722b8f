package source

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"refundsync/internal/simulator/merchant"
)

// byModified is the date_type of modification times.
const byModified = 0

// index holds the records of one kind sorted by each of their times, by date_type. Records
// without a time are absent from its list. Lists other than that of modification times are
// made when they are asked for.
type index map[int][]merchant.Record

// compare sorts by the time, then by key.
func compare(dateType int) func(a, b merchant.Record) int {
	return func(a, b merchant.Record) int {
		return cmp.Or(a.When(dateType).Compare(b.When(dateType)), cmp.Compare(a.Key(), b.Key()))
	}
}

func newIndex(records []merchant.Record) index {
	ix := index{}
	ix.sort(byModified, records)
	return ix
}

func (ix index) sort(dateType int, records []merchant.Record) {
	sorted := []merchant.Record{}
	for _, r := range records {
		if !r.When(dateType).IsZero() {
			sorted = append(sorted, r)
		}
	}
	slices.SortFunc(sorted, compare(dateType))
	ix[dateType] = sorted
}

// replace replaces a record by a newer version, at its new position.
func (ix index) replace(old, newer merchant.Record) {
	for d := range ix {
		if i, found := slices.BinarySearchFunc(ix[d], old, compare(d)); found {
			ix[d] = slices.Delete(ix[d], i, i+1)
		}
	}
	ix.insert(newer)
}

// insert adds a record.
func (ix index) insert(r merchant.Record) {
	for d := range ix {
		if !r.When(d).IsZero() {
			i, _ := slices.BinarySearchFunc(ix[d], r, compare(d))
			ix[d] = slices.Insert(ix[d], i, r)
		}
	}
}

// find returns the record of a key, or nil.
func (ix index) find(key int64) merchant.Record {
	for _, r := range ix[byModified] {
		if r.Key() == key {
			return r
		}
	}
	return nil
}

// between returns the records whose time is in the range.
func (ix index) between(d int, start, end time.Time, exclusiveStart, exclusiveEnd bool) []merchant.Record {
	if ix[d] == nil {
		ix.sort(d, ix[byModified])
	}
	records := ix[d]
	first := sort.Search(len(records), func(i int) bool {
		t := records[i].When(d)
		return t.After(start) || !exclusiveStart && t.Equal(start)
	})
	behind := sort.Search(len(records), func(i int) bool {
		t := records[i].When(d)
		return t.After(end) || exclusiveEnd && t.Equal(end)
	})
	return records[min(first, behind):behind]
}
