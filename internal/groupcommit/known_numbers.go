package groupcommit

import (
	"maps"
	"time"

	"refundsync/internal/kingdee"
)

const (
	// lookUpTTL is how long a look-up allows a change, in a process that is not
	// suspended; see awake.
	lookUpTTL = time.Minute
	// savedTTL is how long a saved number is remembered: longer than lookUpTTL, so that
	// no look-up from before the save outlives it.
	savedTTL = 2 * lookUpTTL
	// mostKnown bounds the numbers in memory.
	mostKnown = 50_000
)

// numberOf names the bills of a form under a number.
type numberOf struct{ formID, number string }

// knownNumbers remembers bill numbers for one rule: a new bill is allowed by a look-up
// that found none under its number, began less than [lookUpTTL] ago, and began after
// the last save of that number ended. For [savedTTL] after a successful save it is not
// allowed at all, whatever a look-up shows, because a look-up can lag behind.
//
// A forgotten number is merely looked up once more.
type knownNumbers struct {
	absent map[numberOf]moment // when the look-up began that found no bill
	saved  map[numberOf]lastSave
	pruned moment
	// forgot is when everything was forgotten. Look-ups that began before are ignored: a
	// save since they began may have been forgotten.
	forgot moment
}

type lastSave struct {
	ended moment
	open  bool // the outcome is unknown
}

func newKnownNumbers() *knownNumbers {
	return &knownNumbers{absent: map[numberOf]moment{}, saved: map[numberOf]lastSave{}}
}

// lookedUp records a look-up and when it began.
func (k *knownNumbers) lookedUp(now, began moment, formID string, numbers []string, found map[string][]kingdee.Bill) {
	k.prune(now)
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

// saveEnded records a save that succeeded or whose outcome is open.
func (k *knownNumbers) saveEnded(now moment, n numberOf, open bool) {
	k.prune(now)
	k.saved[n] = lastSave{now, open}
}

// isSaved reports whether a save of the number succeeded recently.
func (k *knownNumbers) isSaved(now moment, n numberOf) bool {
	last, ok := k.saved[n]
	return ok && !last.open && now.since(last.ended) < savedTTL
}

// allowedBy is when the look-up began that allows a new bill; zero if none does.
func (k *knownNumbers) allowedBy(n numberOf) moment {
	began := k.absent[n]
	if last, ok := k.saved[n]; ok && !began.isAfter(last.ended) {
		return moment{}
	}
	return began
}

// prune drops what is too old to matter, and everything if that is not enough.
func (k *knownNumbers) prune(now moment) {
	full := len(k.absent)+len(k.saved) >= mostKnown
	if !full && now.since(k.pruned) < lookUpTTL {
		return
	}
	k.pruned = now
	maps.DeleteFunc(k.absent, func(_ numberOf, began moment) bool { return now.since(began) >= lookUpTTL })
	maps.DeleteFunc(k.saved, func(_ numberOf, last lastSave) bool { return now.since(last.ended) >= savedTTL })
	if len(k.absent)+len(k.saved) >= mostKnown {
		clear(k.absent)
		clear(k.saved)
		k.forgot = now
	}
}
