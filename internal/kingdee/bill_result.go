package kingdee

import (
	"errors"
	"strings"

	"refundsync/internal/fault"
)

// BillResult is what became of one bill of a call.
type BillResult struct {
	// ID and Number are what Kingdee reported for the bill; they are empty if
	// it reported none.
	ID, Number string
	// Err is nil if the bill was saved (submitted, audited). Otherwise it is a
	// *fault.Error: Final if Kingdee refused the bill, Retry if another
	// attempt may succeed. Retry with Reason "unclear" means that the reply
	// does not tell what became of the bill, or says both: look it up first.
	Err error
}

// place says to which bill an entry of the reply belongs; -1 is none.
type place func(dIndex looseInt, number, text string) int

// byIndex follows DIndex, as is documented for BatchSave.
func byIndex(dIndex looseInt, _, _ string) int {
	if !dIndex.Known {
		return -1
	}
	return dIndex.Value
}

// decodeResults gives each of the bills its own outcome, or an error that is
// about the call as a whole.
func decodeResults(method string, raw []byte, bills int, place place) ([]BillResult, error) {
	status, err := findStatus(raw)
	if err != nil {
		return nil, malformed(method, err)
	}
	if status == nil {
		return nil, malformed(method, errors.New("no ResponseStatus"))
	}
	if status.concernsCall(method) {
		return nil, status.failure(method, status.Errors)
	}

	successes := make([][]successEntity, bills)
	failures := make([][]replyError, bills)
	var stray []replyError
	for _, entity := range status.SuccessEntitys {
		// An entity without an id names no bill that could be found again.
		i := place(entity.DIndex, string(entity.Number), "")
		if entity.ID != "" && entity.ID != "0" && i >= 0 && i < bills {
			successes[i] = append(successes[i], entity)
		}
	}
	for _, e := range status.Errors {
		i := place(e.DIndex, "", string(e.Message))
		if i < 0 && bills == 1 {
			i = 0 // there is no other that it could be about
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

// result is the outcome of one bill with what the reply says of it.
func (s *responseStatus) result(method string, successes []successEntity, failures, stray []replyError) BillResult {
	var result BillResult
	if len(successes) > 0 {
		result.ID, result.Number = string(successes[0].ID), string(successes[0].Number)
	}
	switch {
	case len(successes) == 0 && len(failures) > 0:
		f := s.failure(method, failures)
		if f.Class != fault.Final {
			// The call went through, so its session and allowance were there.
			f.Class = fault.Retry
		}
		result.Err = f
	case len(successes) == 0:
		result.Err = unclear.failure(method, sentence("回复没有提到这张单据，是否成功不清楚。 The reply does not mention this bill.", stray))
	case len(failures) > 0:
		// Saved, but a submit or audit in the same call may have failed.
		result.Err = unclear.failure(method, sentence("回复同时说这张单据成功和失败。 The reply says both success and failure of this bill.", failures))
	case differ(successes):
		result.Err = unclear.failure(method, "回复说这张单据成了几张。 The reply gives several ids for this one bill.")
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

// sentence adds Kingdee's own texts to ours.
func sentence(ours string, theirs []replyError) string {
	parts := []string{ours}
	for _, e := range theirs {
		if e.Message != "" {
			parts = append(parts, string(e.Message))
		}
	}
	return shorten(strings.Join(parts, " "))
}
