package galaxy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"

	"refundsync/internal/text"
)

// The first ids that the system assigns in each form.
const (
	firstBillID  = 100001
	firstEntryID = 500001
)

// ledger is the store of bills. Each change is a transaction of its own.
type ledger struct {
	unique bool // bill numbers are unique in their form

	mu        sync.RWMutex
	books     map[string]*book // by form
	lostLinks int
	journal   *journal // nil persists nothing
}

// book has the bills of one form.
type book struct {
	bills     []*bill // by id
	byNumber  map[string][]*bill
	nextBill  int64
	nextEntry int64
}

func newLedger(unique bool) *ledger {
	l := &ledger{unique: unique, books: map[string]*book{}}
	for id := range forms {
		l.books[id] = &book{byNumber: map[string][]*bill{}, nextBill: firstBillID, nextEntry: firstEntryID}
	}
	return l
}

// insert stores a new bill and assigns its ids, and a number if it has none.
func (l *ledger) insert(b *bill) *problem {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.books[b.form.id]
	if b.number() == "" {
		b.set(b.form.Number, fmt.Sprintf("%s%06d", b.form.numbers, k.nextBill-firstBillID+1))
	}
	if p := l.checkUnique(b); p != nil {
		return p
	}
	b.id = k.nextBill
	k.nextBill++
	return l.store(nil, b)
}

// change replaces the bill of an id by the result of edit; nil deletes it. edit gets nil
// if there is no such bill. If there is a problem, nothing changes.
func (l *ledger) change(f *form, id int64, edit func(old *bill) (*bill, *problem)) (*bill, *problem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.books[f.id].find(id)
	b, p := edit(old)
	if p != nil {
		return nil, p
	}
	if b == nil {
		return old, l.store(old, nil)
	}
	if p := l.checkUnique(b); p != nil {
		return nil, p
	}
	if p := l.store(old, b); p != nil {
		return nil, p
	}
	return b, nil
}

// store replaces a bill by its new version, one of which may be nil, together with the
// bills that this is written back to. The caller holds the lock.
func (l *ledger) store(old, b *bill) *problem {
	var versions []*bill
	if b != nil {
		l.books[b.form.id].numberEntries(b)
		l.trace(b)
		versions = append(versions, b)
	}
	versions = append(versions, l.writeBack(old, b)...)
	deleted := old
	if b != nil {
		deleted = nil
	}
	if err := l.journal.change(versions, deleted); err != nil {
		return databaseFailure(err)
	}
	for _, version := range versions {
		l.books[version.form.id].put(version)
	}
	if deleted != nil {
		l.books[deleted.form.id].delete(deleted)
	}
	return nil
}

// checkUnique enforces unique numbers if the tenant has that rule. The caller holds the
// lock.
func (l *ledger) checkUnique(b *bill) *problem {
	used := slices.ContainsFunc(l.books[b.form.id].byNumber[b.number()], func(other *bill) bool { return other.id != b.id })
	if !l.unique || !used {
		return nil
	}
	return &problem{
		code:    msgInvalid,
		field:   b.form.Number,
		message: fmt.Sprintf("违反字段唯一性要求：编码唯一。[%s]在当前系统中已经被使用。", b.number()),
	}
}

func (k *book) index(id int64) (int, bool) {
	return slices.BinarySearchFunc(k.bills, id, func(b *bill, id int64) int { return cmp.Compare(b.id, id) })
}

// find returns the bill of an id; nil if there is none.
func (k *book) find(id int64) *bill {
	if i, found := k.index(id); found {
		return k.bills[i]
	}
	return nil
}

// put adds a bill, or replaces the one of its id.
func (k *book) put(b *bill) {
	i, found := k.index(b.id)
	if found {
		k.unlink(k.bills[i])
		k.bills[i] = b
	} else {
		k.bills = slices.Insert(k.bills, i, b)
	}
	k.byNumber[b.number()] = append(k.byNumber[b.number()], b)
}

func (k *book) delete(b *bill) {
	i, _ := k.index(b.id)
	k.unlink(b)
	k.bills = slices.Delete(k.bills, i, i+1)
}

// unlink removes a bill from the list of its number.
func (k *book) unlink(old *bill) {
	number := old.number()
	rest := slices.DeleteFunc(slices.Clone(k.byNumber[number]), func(b *bill) bool { return b.id == old.id })
	if len(rest) == 0 {
		delete(k.byNumber, number)
		return
	}
	k.byNumber[number] = rest
}

// numberEntries assigns ids to the entries that have none.
func (k *book) numberEntries(b *bill) {
	for i := range b.entries {
		if b.entries[i].id == 0 {
			b.entries[i].id = k.nextEntry
			k.nextEntry++
		}
	}
}

// used keeps the ids of a bill from being assigned again, even if the bill is deleted
// later.
func (k *book) used(b *bill) {
	k.nextBill = max(k.nextBill, b.id+1)
	for _, e := range b.entries {
		k.nextEntry = max(k.nextEntry, e.id+1)
	}
}

// numbered returns the bills of a number, oldest first.
func (l *ledger) numbered(f *form, number string) []*bill {
	l.mu.RLock()
	defer l.mu.RUnlock()
	bills := slices.Clone(l.books[f.id].byNumber[number])
	slices.SortFunc(bills, func(a, b *bill) int { return cmp.Compare(a.id, b.id) })
	return bills
}

// named returns the bills of a number in all forms; an error if there is none.
func (l *ledger) named(number string) ([]*bill, error) {
	var bills []*bill
	for _, id := range slices.Sorted(maps.Keys(forms)) {
		bills = append(bills, l.numbered(forms[id], number)...)
	}
	if len(bills) == 0 {
		return nil, text.Errorf("there is no bill %s", number)
	}
	return bills, nil
}

// get returns the bill of an id, or nil.
func (l *ledger) get(f *form, id int64) *bill {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.books[f.id].find(id)
}

func (l *ledger) count() (bills int) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	for _, k := range l.books {
		bills += len(k.bills)
	}
	return bills
}

// all returns all bills of a form by id.
func (l *ledger) all(f *form) []*bill {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Clone(l.books[f.id].bills)
}

// doubles returns the numbers that more than one bill of a form has.
func (l *ledger) doubles() []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	doubles := []string{}
	for _, k := range l.books {
		for number, bills := range k.byNumber {
			if len(bills) > 1 {
				doubles = append(doubles, number)
			}
		}
	}
	slices.Sort(doubles)
	return doubles
}

// addMaterial adds a material, and writes it to the journal if it is new.
func (l *ledger) addMaterial(base *baseData, number string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if base.has(materials, number) {
		return nil
	}
	if err := l.journal.material(number); err != nil {
		return err
	}
	base.add(materials, number)
	return nil
}

func (l *ledger) closeJournal() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	err := l.journal.close()
	l.journal = nil
	return err
}
