package qimen

import (
	"cmp"
	"math"
	"slices"

	"refundsync/internal/simulator/merchant"
)

// versions is a range of row versions, an alternative to a time range. That the interface
// then orders its reply by ts and includes both ends is inferred from its sister
// interface: nobody is known to have tested it on this method.
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

// inVersions returns the orders whose row version is in the range, ordered by version.
// The bounds are included unless the options say otherwise. The caller holds the lock.
func (g *Gateway) inVersions(v versions) []*merchant.Order {
	var found []*merchant.Order
	for _, o := range g.store.index[byModified] {
		if v.first < o.TS && o.TS < v.last ||
			o.TS == v.first && !g.options.ExclusiveStart || o.TS == v.last && !g.options.ExclusiveEnd {
			found = append(found, o)
		}
	}
	slices.SortFunc(found, func(a, b *merchant.Order) int { return cmp.Compare(a.TS, b.TS) })
	return found
}

// latestVersion is the highest row version of the orders.
func latestVersion(orders []*merchant.Order) int64 {
	latest := int64(0)
	for _, o := range orders {
		latest = max(latest, o.TS)
	}
	return latest
}
