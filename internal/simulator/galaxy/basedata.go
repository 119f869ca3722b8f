package galaxy

import (
	"cmp"
	"maps"
	"slices"
	"sync"

	"refundsync/internal/catalog"
	"refundsync/internal/text"
)

// set names a kind of base data.
type set string

// Base data with a form that can be queried is named by it.
const (
	organisations set = "ORG_Organizations"
	customers     set = "BD_Customer"
	materials     set = "BD_MATERIAL"
	stocks        set = "BD_STOCK"
	billTypes     set = "BOS_BillType"
	departments   set = "BD_Department"
	expenses      set = "BD_Expense"
	users         set = "SEC_User" // by name: a bill's creator, its auditor
	exchangeTypes set = "exchange types"
	purposes      set = "purposes"
)

// form is the form of the base data; "" if it is not known.
func (s set) form() string {
	if baseFormsByID[string(s)] == nil && s != users {
		return ""
	}
	return string(s)
}

// BaseItem is an entry of base data, as one organisation uses it.
type BaseItem struct {
	Number string `json:"number"`
	// Name defaults to the number.
	Name string `json:"name"`
	// Organisation is the one that uses the entry; "" is the tenant's own.
	Organisation string `json:"organisation"`
	// Unit is the base unit of a material; "" for none.
	Unit string `json:"unit"`
	// Forbidden (禁用) and Draft entries can't be used.
	Forbidden bool `json:"forbidden"`
	Draft     bool `json:"draft"`

	id int64
}

// baseData is the base data that bills may refer to, each entry with its internal id.
// Entries are never modified, only replaced.
type baseData struct {
	organisation string // the tenant's own

	mu    sync.RWMutex
	next  int64
	items map[set][]BaseItem
	// ids are those of the first entry of each number.
	ids map[set]map[string]int64
}

func newBaseData(own BaseData, organisation string) *baseData {
	b := &baseData{organisation: organisation, next: 100001, items: map[set][]BaseItem{}, ids: map[set]map[string]int64{}}
	for _, of := range []struct {
		set     set
		numbers []string
	}{{organisations, own.Organisations}, {customers, own.Customers}, {materials, own.Materials}, {stocks, own.Stocks}} {
		for _, number := range of.numbers {
			b.put(of.set, BaseItem{Number: number, Name: own.Names[number], Unit: own.Units[number]})
		}
	}
	b.deliver()
	return b
}

// deliver adds what every tenant has from the start: the documented values of references,
// currencies and units; and what a merchant needs who books refunds of money.
func (b *baseData) deliver() {
	put := func(s set, number, name string) {
		if b.id(s, number) == 0 {
			b.put(s, BaseItem{Number: number, Name: name})
		}
	}
	put("BD_Currency", "PRE001", "人民币")
	put("BD_Currency", "PRE002", "香港元")
	put("BD_Currency", "PRE007", "美元")
	put("BD_UNIT", "Pcs", "Pcs")
	put("BD_UNIT", "kg", "千克")
	put(exchangeTypes, "HLTX01_SYS", "固定汇率")
	put(departments, "BM01", "电商部")
	put(expenses, "FYXM01", "售后退款")
	for _, id := range slices.Sorted(maps.Keys(forms)) {
		for _, place := range catalog.All()[id].Fields {
			for _, field := range place {
				if found := forms[id].lookUp(field.Name); found != nil && found.set != "" {
					for _, number := range slices.Sorted(maps.Keys(field.Values)) {
						put(found.set, number, field.Values[number])
					}
				}
			}
		}
	}
}

// add adds entries of these numbers; existing ones stay as they are.
func (b *baseData) add(s set, numbers ...string) {
	for _, number := range numbers {
		if b.id(s, number) == 0 {
			b.put(s, BaseItem{Number: number})
		}
	}
}

// put adds an entry, or replaces the one of its number and organisation.
func (b *baseData) put(s set, item BaseItem) {
	b.mu.Lock()
	defer b.mu.Unlock()
	item.Name = cmp.Or(item.Name, item.Number)
	item.Organisation = cmp.Or(item.Organisation, b.organisation)
	i := slices.IndexFunc(b.items[s], func(other BaseItem) bool {
		return other.Number == item.Number && other.Organisation == item.Organisation
	})
	if i >= 0 {
		item.id = b.items[s][i].id
		b.items[s] = slices.Clone(b.items[s])
		b.items[s][i] = item
		return
	}
	item.id = b.next
	b.next++
	b.items[s] = append(b.items[s], item)
	if b.ids[s] == nil {
		b.ids[s] = map[string]int64{}
	}
	if b.ids[s][item.Number] == 0 {
		b.ids[s][item.Number] = item.id
	}
}

// has reports whether a usable entry of the number exists.
func (b *baseData) has(s set, number string) bool {
	b.mu.RLock()
	defer b.mu.RUnlock()
	if b.ids[s][number] == 0 {
		return false
	}
	return slices.ContainsFunc(b.items[s], func(item BaseItem) bool { return item.Number == number && !item.Forbidden && !item.Draft })
}

// id is the internal id, or 0 if there is none of this number.
func (b *baseData) id(s set, number string) int64 {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.ids[s][number]
}

// all returns the entries of a set, by id.
func (b *baseData) all(s set) []BaseItem {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return slices.Clone(b.items[s])
}

// PutBaseData adds an entry to the base data of a form, such as BD_Customer, or replaces
// the one of its number and organisation. The data file does not keep it.
func (t *Tenant) PutBaseData(formID string, item BaseItem) error {
	form := baseFormsByID[formID]
	if form == nil || item.Number == "" {
		return text.Errorf("there is no base data form %q, or number is missing", formID)
	}
	t.base.put(form.set, item)
	return nil
}
