package galaxy

import "sync"

// set names a kind of base data.
type set string

const (
	organisations set = "organisations"
	customers     set = "customers"
	materials     set = "materials"
	stocks        set = "stocks"
	billTypes     set = "bill types"
	returnTypes   set = "return types"
	currencies    set = "currencies"
	units         set = "units"
	stockStatuses set = "stock statuses"
	exchangeTypes set = "exchange types"
	contacts      set = "contacts"
)

// baseData are the base data that bills may refer to, each with its internal
// id.
type baseData struct {
	mu   sync.RWMutex
	next int64
	ids  map[set]map[string]int64
}

func newBaseData(own BaseData) *baseData {
	b := &baseData{next: 100001, ids: map[set]map[string]int64{}}
	b.add(organisations, own.Organisations...)
	b.add(customers, own.Customers...)
	b.add(materials, own.Materials...)
	b.add(stocks, own.Stocks...)
	// What every tenant is delivered with.
	b.add(billTypes, "XSTHD01_SYS", "XSTHD02_SYS", "XSTHD06_SYS")
	b.add(returnTypes, "THLX01_SYS", "THLX02_SYS")
	b.add(currencies, "PRE001", "PRE002", "PRE007")
	b.add(units, "Pcs", "kg")
	b.add(stockStatuses, "KCZT01_SYS", "KCZT02_SYS")
	b.add(exchangeTypes, "HLTX01_SYS")
	return b
}

func (b *baseData) add(s set, numbers ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ids[s] == nil {
		b.ids[s] = map[string]int64{}
	}
	for _, number := range numbers {
		if _, known := b.ids[s][number]; !known {
			b.ids[s][number] = b.next
			b.next++
		}
	}
}

func (b *baseData) has(s set, number string) bool { return b.id(s, number) != 0 }

// id is the internal id, 0 if there is none of this number.
func (b *baseData) id(s set, number string) int64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.ids[s][number]
}
