package tally

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"refundsync/internal/text"
)

const (
	// FailuresListed bounds the failures that a tally lists; all are counted.
	FailuresListed = 100
	// differencesListed bounds the bills whose differences a tally lists.
	differencesListed = 10
	// LongestMessage bounds the message of a failure, in characters: a tally lists a
	// hundred of them, and Temporal refuses a payload over 2 MiB.
	LongestMessage = 1000
)

// Tally counts the outcomes of orders. When nothing is in flight,
// Fetched = Saved + Updated + AlreadySaved + all of Skipped + Parked + Failed.
type Tally struct {
	// Pages counts the pages read, each once.
	Pages int `json:"pages"`
	// Fetched counts distinct orders.
	Fetched int `json:"fetched"`
	Saved   int `json:"saved"`
	// SavedAmount adds up the amounts with tax of the bills of Saved, each as it was saved.
	SavedAmount decimal.Decimal `json:"saved_amount,omitzero"`
	// Updated counts the bills that were changed because their orders had changed.
	Updated      int `json:"updated"`
	AlreadySaved int `json:"already_saved"`
	// Skipped counts the orders that the flow leaves out, by reason.
	Skipped map[string]int `json:"skipped"`
	// NewlySkipped counts those of Skipped that no earlier incremental run has read, because
	// they changed after its end, by reason. Only windows of incremental runs have it.
	NewlySkipped map[string]int `json:"newly_skipped,omitempty"`
	// Unlinked counts those of Saved and Updated of which goods were booked without a link to
	// a source bill, by a flow that links bills.
	Unlinked int `json:"unlinked,omitempty"`
	// BillsDeleted counts those of Skipped whose bills were deleted.
	BillsDeleted int `json:"bills_deleted,omitempty"`
	// NotBooked adds up the money of the orders that no bill holds, by reason.
	NotBooked map[string]Money `json:"not_booked,omitempty"`
	// Parked counts the orders that can't be saved now and wait, each in its own
	// ParkedOrder workflow.
	Parked int `json:"parked"`
	// NewlyParked counts those of Parked that did not wait before, by reason.
	NewlyParked map[string]int `json:"newly_parked,omitempty"`
	// Failed counts the orders that could be neither saved nor parked.
	Failed int `json:"failed"`
	// Unparked counts those of Failed that the next run must read anew: the source
	// showed them properly, but parking them failed.
	Unparked int `json:"unparked,omitempty"`
	// Differences are the values that Kingdee has otherwise than they were sent, of each
	// bill that was the proof: one per worker of the run.
	Differences []text.Text `json:"differences,omitempty"`
	// FailedReasons counts Parked and Failed by reason.
	FailedReasons map[string]int `json:"failed_reasons"`
	// Failures lists the first of Parked and Failed.
	Failures []Failure `json:"failures"`
}

// Money is what some orders add up to.
type Money struct {
	Orders int             `json:"orders"`
	Amount decimal.Decimal `json:"amount"`
}

func (m Money) String() string {
	return text.Sprintf("%d orders, %s", m.Orders, m.Amount.StringFixed(2))
}

// SkippedTotal is the number of orders that the flow leaves out.
func (t Tally) SkippedTotal() int { return Total(t.Skipped) }

// Total is the sum of a count by reason.
func Total(counts map[string]int) (sum int) {
	for _, reason := range Reasons(counts) {
		sum += counts[reason]
	}
	return sum
}

// InFlight is the number of orders without an outcome.
func (t Tally) InFlight() int {
	return t.Fetched - t.Saved - t.Updated - t.AlreadySaved - t.SkippedTotal() - t.Parked - t.Failed
}

// Reasons lists the reasons of a count by reason, sorted.
func Reasons[T any](counts map[string]T) []string {
	return slices.Sorted(maps.Keys(counts))
}

// Add adds another tally to this one.
func (t *Tally) Add(other Tally) {
	t.Pages += other.Pages
	t.Fetched += other.Fetched
	t.Saved += other.Saved
	t.AddSaved(other.SavedAmount)
	t.Updated += other.Updated
	t.AlreadySaved += other.AlreadySaved
	AddCounts(&t.Skipped, other.Skipped)
	AddCounts(&t.NewlySkipped, other.NewlySkipped)
	t.BillsDeleted += other.BillsDeleted
	t.Unlinked += other.Unlinked
	for _, reason := range Reasons(other.NotBooked) {
		t.addMoney(reason, other.NotBooked[reason])
	}
	t.Parked += other.Parked
	AddCounts(&t.NewlyParked, other.NewlyParked)
	t.Failed += other.Failed
	t.Unparked += other.Unparked
	for _, differences := range other.Differences {
		t.AddDifferences(differences)
	}
	AddCounts(&t.FailedReasons, other.FailedReasons)
	t.list(other.Failures...)
}

// AddSaved adds the amount of saved bills.
func (t *Tally) AddSaved(amount decimal.Decimal) {
	if !amount.IsZero() {
		t.SavedAmount = t.SavedAmount.Add(amount)
	}
}

// AddDifferences lists the differences of a bill, once.
func (t *Tally) AddDifferences(differences text.Text) {
	listed := func(other text.Text) bool { return other.String() == differences.String() }
	if !differences.IsZero() && len(t.Differences) < differencesListed && !slices.ContainsFunc(t.Differences, listed) {
		t.Differences = append(t.Differences, differences)
	}
}

// Example is the message of a listed failure for a reason; the reason itself if none is
// listed.
func (t Tally) Example(reason string) text.Text {
	i := slices.IndexFunc(t.Failures, func(f Failure) bool { return f.Reason == reason })
	if i < 0 {
		return text.Literal(reason)
	}
	return t.Failures[i].Message
}

// count adds an outcome, or with by -1 takes it back.
func (t *Tally) count(outcome Outcome, failure Failure, by int) {
	switch outcome {
	case Saved:
		t.Saved += by
	case Updated:
		t.Updated += by
	case AlreadySaved:
		t.AlreadySaved += by
	case LeftOut:
		AddCounts(&t.Skipped, map[string]int{failure.Reason: by})
	case BillDeleted:
		AddCounts(&t.Skipped, map[string]int{failure.Reason: by})
		t.BillsDeleted += by
	case NewlyParked:
		t.Parked += by
		AddCounts(&t.NewlyParked, map[string]int{failure.Reason: by})
	case Parked:
		t.Parked += by
	case Failed:
		t.Failed += by
	case Unparked:
		t.Failed += by
		t.Unparked += by
	}
	if !outcome.HasFailed() {
		return
	}
	AddCounts(&t.FailedReasons, map[string]int{failure.Reason: by})
	if by > 0 {
		t.list(failure)
	} else {
		t.Failures = slices.DeleteFunc(t.Failures, func(f Failure) bool { return f.ID == failure.ID })
	}
}

// addMoney adds money to that of its reason, which is dropped with its last order.
func (t *Tally) addMoney(reason string, more Money) {
	if t.NotBooked == nil {
		t.NotBooked = map[string]Money{}
	}
	sum := t.NotBooked[reason]
	sum.Orders, sum.Amount = sum.Orders+more.Orders, sum.Amount.Add(more.Amount)
	t.NotBooked[reason] = sum
	if sum.Orders == 0 {
		delete(t.NotBooked, reason)
	}
}

// AddCounts adds counts by reason to others, and drops a reason whose count becomes 0.
func AddCounts(counts *map[string]int, more map[string]int) {
	for _, reason := range Reasons(more) {
		if *counts == nil {
			*counts = map[string]int{}
		}
		(*counts)[reason] += more[reason]
		if (*counts)[reason] == 0 {
			delete(*counts, reason)
		}
	}
}

// list lists failures while there is room, and at least one of each reason, if necessary
// in place of one whose reason is listed several times.
func (t *Tally) list(failures ...Failure) {
	for _, failure := range failures {
		if len(t.Failures) >= FailuresListed && !t.makeRoom(failure.Reason) {
			continue
		}
		failure.Message = failure.Message.Short(LongestMessage)
		t.Failures = append(t.Failures, failure)
	}
}

// makeRoom drops the last failure of a reason that is listed more than once, if the given
// reason is not listed yet; false if it drops none.
func (t *Tally) makeRoom(reason string) bool {
	counts := map[string]int{}
	for _, failure := range t.Failures {
		counts[failure.Reason]++
	}
	if counts[reason] > 0 {
		return false
	}
	for i := len(t.Failures) - 1; i >= 0; i-- {
		if counts[t.Failures[i].Reason] > 1 {
			t.Failures = slices.Delete(slices.Clone(t.Failures), i, i+1)
			return true
		}
	}
	return false
}
