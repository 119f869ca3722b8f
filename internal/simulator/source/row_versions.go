package source

import (
	"cmp"
	"math"
	"slices"

	"refundsync/internal/simulator/merchant"
)

// versions is a range of row versions, an alternative to a time range. That an interface
// then orders its reply by ts and includes both ends is inferred from the vendor's text on
// paging: nobody is known to have tested it by way of Qimen.
type versions struct {
	first, last int64
}

// versions reads start_ts and end_ts; nil if neither is given.
func (p *parser) versions() *versions {
	if p.params["start_ts"] == "" && p.params["end_ts"] == "" {
		return nil
	}
	return &versions{first: p.version("start_ts", 0), last: p.version("end_ts", math.MaxInt64)}
}

// inVersions returns those of the records whose row version is in the range, ordered by
// version. The bounds are included unless the options say otherwise.
func (s *Source) inVersions(records []merchant.Record, v versions) []merchant.Record {
	var found []merchant.Record
	for _, r := range records {
		if ts := r.RowVersion(); v.first < ts && ts < v.last ||
			ts == v.first && !s.options.ExclusiveStart || ts == v.last && !s.options.ExclusiveEnd {
			found = append(found, r)
		}
	}
	slices.SortFunc(found, func(a, b merchant.Record) int { return cmp.Compare(a.RowVersion(), b.RowVersion()) })
	return found
}

// latestVersion is the highest row version of the records.
func latestVersion(records []merchant.Record) int64 {
	latest := int64(0)
	for _, r := range records {
		latest = max(latest, r.RowVersion())
	}
	return latest
}
