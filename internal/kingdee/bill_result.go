package kingdee

import (
	"strings"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// BillResult is the outcome of one bill of a call.
type BillResult struct {
	// ID and Number are what Kingdee reported for the bill; they are empty if
	// it reported none.
	ID, Number string
	// Err is nil if the bill was saved (submitted, audited). Otherwise it is a
	// *fault.Error: Final if Kingdee refused the bill, Retry if a retry may
	// succeed. Retry with Reason "unclear" means that the reply has no outcome
	// of the bill, or contradictory ones: look it up first.
	Err error
}

// place finds the bill that an entry of the reply belongs to; -1 is none.
type place func(dIndex looseInt, number, message string) int

// byIndex follows DIndex, as documented for BatchSave.
func byIndex(dIndex looseInt, _, _ string) int {
	if !dIndex.Known {
		return -1
	}
	return dIndex.Value
}

// decodeResults gives each bill its outcome, or an error about the call as a whole.
func decodeResults(method string, raw []byte, bills int, place place) ([]BillResult, error) {
	status, err := findStatus(raw)
	if err != nil {
		return nil, malformed(method, err)
	}
	if status == nil {
		return nil, malformed(method, text.Errorf("it has no ResponseStatus"))
	}
	if status.concernsCall(method) {
		return nil, status.failure(method, status.Errors)
	}

	successes := make([][]successEntity, bills)
	failures := make([][]replyError, bills)
	var stray []replyError
	for _, entity := range status.SuccessEntitys {
		// An entity without an id names no bill that can be found.
		i := place(entity.DIndex, string(entity.Number), "")
		if entity.ID != "" && entity.ID != "0" && i >= 0 && i < bills {
			successes[i] = append(successes[i], entity)
		}
	}
	for _, e := range status.Errors {
		i := place(e.DIndex, "", string(e.Message))
		if i < 0 && bills == 1 {
			i = 0 // it can be about no other
		}
		if i < 0 || i >= bills {
			stray = append(stray, e)
			continue
		}
		failures[i] = append(failures[i], e)
	}

	results := make([]BillResult, bills)
	for i := range results {
		results[i] = status.result(method, successes[i], failures[i], stray)
	}
	return results, nil
}

// result is the outcome of one bill from the reply's entries about it.
func (s *responseStatus) result(method string, successes []successEntity, failures, stray []replyError) BillResult {
	var result BillResult
	if len(successes) > 0 {
		result.ID, result.Number = string(successes[0].ID), string(successes[0].Number)
	}
	switch {
	case len(successes) == 0 && len(failures) > 0:
		f := s.failure(method, failures)
		if f.Class != fault.Final {
			// The call was accepted, so neither its session nor a limit was the cause.
			f.Class = fault.Retry
		}
		result.Err = f
	case len(successes) == 0:
		result.Err = unclear.failure(method, quote(text.Errorf("the reply does not mention this bill"), wordsOf(stray)))
	case len(failures) > 0:
		// Saved, but a submit or audit in the same call may have failed.
		result.Err = unclear.failure(method, quote(text.Errorf("the reply reports both success and failure of this bill"), wordsOf(failures)))
	case differ(successes):
		result.Err = unclear.failure(method, text.Errorf("the reply gives several ids for this bill"))
	}
	return result
}

func differ(successes []successEntity) bool {
	for _, entity := range successes[1:] {
		if entity.ID != successes[0].ID {
			return true
		}
	}
	return false
}

// wordsOf joins Kingdee's texts.
func wordsOf(errors []replyError) string {
	var parts []string
	for _, e := range errors {
		if e.Message != "" {
			parts = append(parts, string(e.Message))
		}
	}
	return shorten(strings.Join(parts, " "))
}
