package groupcommit

import (
	"maps"
	"time"

	"refundsync/internal/kingdee"
)

const (
	// lookUpHolds is for how long a look-up allows what was decided by it, in a process
	// that is not suspended; see awake.
	lookUpHolds = time.Minute
	// savedHolds is for how long a number is remembered that was saved: longer than a
	// look-up holds, so none that began before the save outlives the memory of it.
	savedHolds = 2 * lookUpHolds
	// mostKnown bounds the numbers in memory.
	mostKnown = 50_000
)

// numberOf names the bills of a form under a number.
type numberOf struct{ formID, number string }

// knownNumbers is what the groups remember of bill numbers. It holds one rule: a new
// bill is allowed by a look-up that found none under its number, began less than
// [lookUpHolds] ago, and began after the last save of that number had ended; and not
// at all for [savedHolds] after a save that succeeded, whatever a look-up shows, for
// it can be a moment behind.
//
// To forget only makes it look again.
type knownNumbers struct {
	absent map[numberOf]moment // when the look-up began that found no bill
	saved  map[numberOf]lastSave
	tidied moment
	// forgot is when all was forgotten at once. Look-ups that began before count for
	// nothing: what was saved since they began may be among it.
	forgot moment
}

type lastSave struct {
	ended moment
	open  bool // nobody knows whether it saved
}

func newKnownNumbers() *knownNumbers {
	return &knownNumbers{absent: map[numberOf]moment{}, saved: map[numberOf]lastSave{}}
}

// lookedUp takes in a look-up that began at an instant.
func (k *knownNumbers) lookedUp(now, began moment, formID string, numbers []string, found map[string][]kingdee.Bill) {
	k.tidy(now)
	if k.forgot.isAfter(began) {
		return
	}
	for _, number := range numbers {
		if len(found[number]) == 0 {
			k.absent[numberOf{formID, number}] = began
		} else {
			delete(k.absent, numberOf{formID, number})
		}
	}
}

// saveEnded takes in that a save has succeeded, or ended without an outcome.
func (k *knownNumbers) saveEnded(now moment, n numberOf, open bool) {
	k.tidy(now)
	k.saved[n] = lastSave{now, open}
}

// isSaved reports whether a save of the number has succeeded of late.
func (k *knownNumbers) isSaved(now moment, n numberOf) bool {
	last, ok := k.saved[n]
	return ok && !last.open && now.since(last.ended) < savedHolds
}

// allowedBy is when the look-up began that allows a new bill; long ago if none does.
func (k *knownNumbers) allowedBy(n numberOf) moment {
	began := k.absent[n]
	if last, ok := k.saved[n]; ok && !began.isAfter(last.ended) {
		return moment{}
	}
	return began
}

// tidy drops what is too old to matter, and everything where that is still too much.
func (k *knownNumbers) tidy(now moment) {
	full := len(k.absent)+len(k.saved) >= mostKnown
	if !full && now.since(k.tidied) < lookUpHolds {
		return
	}
	k.tidied = now
	maps.DeleteFunc(k.absent, func(_ numberOf, began moment) bool { return now.since(began) >= lookUpHolds })
	maps.DeleteFunc(k.saved, func(_ numberOf, last lastSave) bool { return now.since(last.ended) >= savedHolds })
	if len(k.absent)+len(k.saved) >= mostKnown {
		clear(k.absent)
		clear(k.saved)
		k.forgot = now
	}
}
