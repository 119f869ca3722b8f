package workflows

import (
	"errors"
	"slices"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/flow"
)

// failuresListed bounds the failures that a result lists; all are counted.
const failuresListed = 100

// differencesListed bounds the bills of which a result tells what differs.
const differencesListed = 10

// Tally counts what became of the orders. When nothing is in flight,
// Fetched = Saved + Updated + AlreadySaved + all of Skipped + Parked + Failed.
type Tally struct {
	// Pages counts the pages read; one read again counts once.
	Pages int `json:"pages"`
	// Fetched counts distinct orders.
	Fetched int `json:"fetched"`
	Saved   int `json:"saved"`
	// Updated counts the orders that had changed, and their bills with them.
	Updated      int `json:"updated"`
	AlreadySaved int `json:"already_saved"`
	// Skipped counts the orders that the flow leaves out, by reason.
	Skipped map[string]int `json:"skipped"`
	// Parked counts the orders that can't be saved now and wait, each in a
	// [ParkedOrder] workflow of its own.
	Parked int `json:"parked"`
	// NewlyParked counts those of the parked orders that did not wait before, by
	// reason.
	NewlyParked map[string]int `json:"newly_parked,omitempty"`
	// Failed counts those that could not even be parked.
	Failed int `json:"failed"`
	// Unparked counts those of Failed that the next run has to find again: the
	// source showed them well, but they could not be parked.
	Unparked int `json:"unparked,omitempty"`
	// Differences are what Kingdee has otherwise than it was sent, of each bill that
	// proved the way: one a run, and one a worker that joins it.
	Differences []string `json:"differences,omitempty"`
	// FailedReasons counts the orders that were parked or failed, by reason.
	FailedReasons map[string]int `json:"failed_reasons"`
	// Failures lists the first of those that were parked or failed.
	Failures []Failure `json:"failures"`
}

// SkippedTotal is the number of orders left out, for whatever reason.
func (t Tally) SkippedTotal() int { return total(t.Skipped) }

func total(counts map[string]int) int {
	sum := 0
	for _, reason := range Reasons(counts) {
		sum += counts[reason]
	}
	return sum
}

// InFlight is the number of orders whose outcome is not known yet.
func (t Tally) InFlight() int {
	return t.Fetched - t.Saved - t.Updated - t.AlreadySaved - t.SkippedTotal() - t.Parked - t.Failed
}

// Reasons gives the reasons of a count by reason in a stable order.
func Reasons(counts map[string]int) []string {
	return workflow.DeterministicKeys(counts)
}

// Add adds another tally to this one.
func (t *Tally) Add(other Tally) {
	t.Pages += other.Pages
	t.Fetched += other.Fetched
	t.Saved += other.Saved
	t.Updated += other.Updated
	t.AlreadySaved += other.AlreadySaved
	addCounts(&t.Skipped, other.Skipped)
	t.Parked += other.Parked
	addCounts(&t.NewlyParked, other.NewlyParked)
	t.Failed += other.Failed
	t.Unparked += other.Unparked
	for _, differences := range other.Differences {
		t.tell(differences)
	}
	addCounts(&t.FailedReasons, other.FailedReasons)
	t.list(other.Failures...)
}

// tell keeps what Kingdee has otherwise than it was sent; "" is nothing.
func (t *Tally) tell(differences string) {
	if differences != "" && len(t.Differences) < differencesListed && !slices.Contains(t.Differences, differences) {
		t.Differences = append(t.Differences, differences)
	}
}

func (t *Tally) skip(reason string) {
	addCounts(&t.Skipped, map[string]int{reason: 1})
}

func (t *Tally) fail(failure Failure) {
	t.Failed++
	t.reason(failure)
}

func (t *Tally) park(failure Failure) {
	t.Parked++
	t.reason(failure)
}

func (t *Tally) newlyParked(reason string) {
	addCounts(&t.NewlyParked, map[string]int{reason: 1})
}

func (t *Tally) reason(failure Failure) {
	addCounts(&t.FailedReasons, map[string]int{failure.Reason: 1})
	t.list(failure)
}

func addCounts(counts *map[string]int, more map[string]int) {
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

// withdraw takes back what an order was counted under, because it is counted
// anew.
func (t *Tally) withdraw(order seenOrder) {
	switch order.Fate {
	case fateSaved:
		t.Saved--
	case fateUpdated:
		t.Updated--
	case fateAlreadySaved:
		t.AlreadySaved--
	case fateSkipped:
		addCounts(&t.Skipped, map[string]int{order.Reason: -1})
	case fateNewlyParked:
		t.Parked--
		addCounts(&t.NewlyParked, map[string]int{order.Reason: -1})
	case fateParked:
		t.Parked--
	case fateFailed:
		t.Failed--
	case fateUnparked:
		t.Failed--
		t.Unparked--
	}
	switch order.Fate {
	case fateParked, fateNewlyParked, fateFailed, fateUnparked:
		addCounts(&t.FailedReasons, map[string]int{order.Reason: -1})
		t.Failures = slices.DeleteFunc(t.Failures, func(f Failure) bool { return f.ID == order.ID })
	}
}

func (t *Tally) list(failures ...Failure) {
	room := failuresListed - len(t.Failures)
	for _, failure := range failures[:min(room, len(failures))] {
		failure.Message = ShortMessage(failure.Message)
		t.Failures = append(t.Failures, failure)
	}
}

// saved counts the outcome of a SaveOrder activity that succeeded.
func (t *Tally) saved(result SaveOrderResult) {
	switch result.Outcome {
	case AlreadySaved:
		t.AlreadySaved++
	case Updated:
		t.Updated++
	default:
		t.Saved++
	}
}

// failureOf reads the reason out of what Temporal says of a failed activity.
func failureOf(order flow.Order, err error) Failure {
	failure := Failure{ID: order.ID, BillNumber: order.BillNumber, Reason: "unknown", Message: err.Error()}
	var application *temporal.ApplicationError
	var timeout *temporal.TimeoutError
	switch {
	case errors.As(err, &application):
		failure.Reason, failure.Message = application.Type(), application.Message()
		var details FailureDetails
		if application.HasDetails() && application.Details(&details) == nil {
			failure.Field = details.Field
		}
	case errors.As(err, &timeout):
		failure.Reason = "timeout"
		failure.Message = "保存超时，单据可能已存在；重跑会先查询，不会重复。 Saving took too long and the bill may exist; run the range again, which looks first: " + timeout.Error()
	}
	return failure
}
