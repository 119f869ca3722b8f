package galaxy

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"sync"
)

// The first ids that the system assigns.
const (
	firstBillID  = 100001
	firstEntryID = 500001
)

// ledger is the store of bills. Each change is a transaction of its own.
type ledger struct {
	unique bool // bill numbers are unique

	mu        sync.RWMutex
	bills     []*bill // by id
	byNumber  map[string][]*bill
	nextBill  int64
	nextEntry int64
	journal   *journal // nil persists nothing
}

func newLedger(unique bool) *ledger {
	return &ledger{
		unique:    unique,
		byNumber:  map[string][]*bill{},
		nextBill:  firstBillID,
		nextEntry: firstEntryID,
	}
}

// insert stores a new bill and assigns its ids, and a number if it has none.
func (l *ledger) insert(b *bill) *problem {
	l.mu.Lock()
	defer l.mu.Unlock()
	id := l.nextBill
	if b.number() == "" {
		b.head[billNo.index] = fmt.Sprintf("XSTHD%06d", id-firstBillID+1)
	}
	if p := l.checkUnique(b); p != nil {
		return p
	}
	b.id = id
	l.nextBill++
	l.numberEntries(b)
	if err := l.journal.bill(b); err != nil {
		return databaseFailure(err)
	}
	l.bills = append(l.bills, b)
	l.byNumber[b.number()] = append(l.byNumber[b.number()], b)
	return nil
}

// change replaces the bill of an id by the result of edit; nil deletes it. edit gets nil
// if there is no such bill. If there is a problem, nothing changes.
func (l *ledger) change(id int64, edit func(old *bill) (*bill, *problem)) (*bill, *problem) {
	l.mu.Lock()
	defer l.mu.Unlock()
	i, old := l.find(id)
	b, p := edit(old)
	if p != nil {
		return nil, p
	}
	if b == nil {
		if err := l.journal.deleted(id); err != nil {
			return nil, databaseFailure(err)
		}
		l.bills = slices.Delete(l.bills, i, i+1)
		l.unlink(old)
		return old, nil
	}
	if p := l.checkUnique(b); p != nil {
		return nil, p
	}
	l.numberEntries(b)
	if err := l.journal.bill(b); err != nil {
		return nil, databaseFailure(err)
	}
	l.bills[i] = b
	l.unlink(old)
	l.byNumber[b.number()] = append(l.byNumber[b.number()], b)
	return b, nil
}

// checkUnique enforces unique numbers if the tenant has that rule. The caller holds the
// lock.
func (l *ledger) checkUnique(b *bill) *problem {
	used := slices.ContainsFunc(l.byNumber[b.number()], func(other *bill) bool { return other.id != b.id })
	if !l.unique || !used {
		return nil
	}
	return &problem{
		code:    msgInvalid,
		field:   fieldBillNo,
		message: fmt.Sprintf("违反字段唯一性要求：编码唯一。[%s]在当前系统中已经被使用。", b.number()),
	}
}

// find returns the bill of an id and its index; nil if there is none. The caller holds
// the lock.
func (l *ledger) find(id int64) (int, *bill) {
	i, found := slices.BinarySearchFunc(l.bills, id, func(b *bill, id int64) int { return cmp.Compare(b.id, id) })
	if !found {
		return 0, nil
	}
	return i, l.bills[i]
}

// unlink removes a bill from the list of its number. The caller holds the lock.
func (l *ledger) unlink(old *bill) {
	number := old.number()
	rest := slices.DeleteFunc(slices.Clone(l.byNumber[number]), func(b *bill) bool { return b.id == old.id })
	if len(rest) == 0 {
		delete(l.byNumber, number)
		return
	}
	l.byNumber[number] = rest
}

// numberEntries assigns ids to the entries that have none. The caller holds the lock.
func (l *ledger) numberEntries(b *bill) {
	for i := range b.entries {
		if b.entries[i].id == 0 {
			b.entries[i].id = l.nextEntry
			l.nextEntry++
		}
	}
}

// numbered returns the bills of a number, oldest first.
func (l *ledger) numbered(number string) []*bill {
	l.mu.RLock()
	defer l.mu.RUnlock()
	bills := slices.Clone(l.byNumber[number])
	slices.SortFunc(bills, func(a, b *bill) int { return cmp.Compare(a.id, b.id) })
	return bills
}

// get returns the bill of an id, or nil.
func (l *ledger) get(id int64) *bill {
	l.mu.RLock()
	defer l.mu.RUnlock()
	_, b := l.find(id)
	return b
}

func (l *ledger) count() int {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return len(l.bills)
}

// all returns all bills by id.
func (l *ledger) all() []*bill {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return slices.Clone(l.bills)
}

// doubles returns the numbers that more than one bill has.
func (l *ledger) doubles() []string {
	l.mu.RLock()
	defer l.mu.RUnlock()
	doubles := []string{}
	for number, bills := range l.byNumber {
		if len(bills) > 1 {
			doubles = append(doubles, number)
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

// restore restores the bills of the data file.
func (l *ledger) restore(byID map[int64]*bill) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(byID)) {
		b := byID[id]
		l.bills = append(l.bills, b)
		l.byNumber[b.number()] = append(l.byNumber[b.number()], b)
	}
}

// used keeps the ids of a bill from being assigned again, even if the bill is deleted
// later.
func (l *ledger) used(b *bill) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.nextBill = max(l.nextBill, b.id+1)
	for _, e := range b.entries {
		l.nextEntry = max(l.nextEntry, e.id+1)
	}
}
