package kingdee

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// concernsCall tells an error of the call from errors of its bills. Kingdee reports
// the former, such as a lost session, a missing right or a call limit, as an error of
// bill 0. They differ in the MsgCode (or the text), and in that no other bill is
// mentioned.
//
// With a success in the reply Kingdee did process the bills, whatever MsgCode says:
// such a call is never retried as a whole.
func (s *responseStatus) concernsCall(method string) bool {
	if len(s.SuccessEntitys) > 0 {
		return false
	}
	if len(s.Errors) == 0 {
		// Without errors, only a code that is set means anything.
		return s.MsgCode.Value != 0 && s.ruleOf(method, replyError{}).scope != ofBill
	}
	return !slices.ContainsFunc(s.Errors, func(e replyError) bool {
		return e.DIndex.Value > 0 || s.ruleOf(method, e).scope == ofBill
	})
}

// failure makes one error of several: the gravest determines class, reason, field and
// advice, and the text quotes all of them.
func (s *responseStatus) failure(method string, causes []replyError) *fault.Error {
	if len(causes) == 0 {
		causes = []replyError{{}}
	}
	first := causes[0]
	for _, e := range causes[1:] {
		if gravity(s.ruleOf(method, e)) > gravity(s.ruleOf(method, first)) {
			first = e
		}
	}
	var texts []string
	if first.Message != "" {
		texts = append(texts, string(first.Message))
	}
	for _, e := range causes {
		message := string(e.Message)
		if message == "" || message == string(first.Message) {
			continue
		}
		if e.FieldName != "" && e.FieldName != first.FieldName {
			message = string(e.FieldName) + "：" + message
		}
		if !slices.Contains(texts, message) {
			texts = append(texts, message)
		}
	}
	f := s.ruleOf(method, first).quoting(method, strings.Join(texts, "；"))
	f.Field = shorten(string(first.FieldName))
	if s.MsgCode.Known {
		f.Code = strconv.Itoa(s.MsgCode.Value)
	}
	return f
}

// gravity orders the errors of one bill. A number that is in use matters most: the bill
// may have been saved already, and the other errors are then moot. What needs a person
// outweighs what is transient.
func gravity(r rule) int {
	switch {
	case r.class == fault.SessionLost, r.class == fault.RateLimited:
		return 3
	case r.reason == numberUsed.reason:
		return 2
	case r.class == fault.Final:
		return 1
	default:
		return 0
	}
}

// malformed is for a reply that is not what the method promises. It may have been cut
// or mixed up on its way, and the call may have taken effect. The text quotes nothing of
// the reply, which may contain personal data.
func malformed(method string, err error) *fault.Error {
	var syntax *json.UnmarshalTypeError
	if errors.As(err, &syntax) {
		err = text.Errorf("unexpected type of “%s”", syntax.Field)
	}
	return malformedReply.failure(method, text.Errorf("reply not understood: %w", err))
}

// shorten keeps an error small enough for a workflow history.
func shorten(s string) string { return shortenTo(s, 1000) }

func shortenTo(s string, longest int) string {
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return s
}
