package kingdee

import (
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"strings"

	"refundsync/internal/fault"
)

const noReason = "金蝶没有说明原因。 Kingdee gave no reason."

// concernsCall tells an error of the call from errors of its bills. Kingdee
// reports the former as an error of bill 0, which is what a lost session, a
// missing right or a call limit look like; what tells them apart is the MsgCode
// (or the text), and that nothing is said of any other bill.
//
// With a success in the reply Kingdee did look at the bills, whatever MsgCode
// says: such a call is never made again as a whole.
func (s *responseStatus) concernsCall(method string) bool {
	if len(s.SuccessEntitys) > 0 {
		return false
	}
	if len(s.Errors) == 0 {
		// Without a text only a code that was set means anything.
		return s.MsgCode.Value != 0 && s.ruleOf(method, replyError{}).scope != ofBill
	}
	return !slices.ContainsFunc(s.Errors, func(e replyError) bool {
		return e.DIndex.Value > 0 || s.ruleOf(method, e).scope == ofBill
	})
}

// failure makes one error of several: the gravest decides about class, reason,
// field and advice, and the text holds all of them.
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
	texts := []string{string(first.Message)}
	if first.Message == "" {
		texts[0] = noReason
	}
	for _, e := range causes {
		text := string(e.Message)
		if text == "" || text == string(first.Message) {
			continue
		}
		if e.FieldName != "" && e.FieldName != first.FieldName {
			text = string(e.FieldName) + "：" + text
		}
		if !slices.Contains(texts, text) {
			texts = append(texts, text)
		}
	}
	f := s.ruleOf(method, first).failure(method, shorten(strings.Join(texts, "；")))
	f.Field = shorten(string(first.FieldName))
	if s.MsgCode.Known {
		f.Code = strconv.Itoa(s.MsgCode.Value)
	}
	return f
}

// gravity orders the errors of one bill. A number that is in use is the first
// to know: the bill may be there already, and the other errors are then moot.
// What needs a person outweighs what passes by itself.
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

// malformed is for a reply that is not what the method promises. It may have
// been cut or mixed up on its way, and the work may have been done. The text
// quotes nothing of the reply, which may hold personal data.
func malformed(method string, err error) *fault.Error {
	var syntax *json.UnmarshalTypeError
	if errors.As(err, &syntax) {
		err = errors.New("unexpected type of " + syntax.Field)
	}
	return malformedReply.failure(method, "看不懂的回复。 Reply not understood: "+err.Error())
}

// shorten keeps an error small enough for a workflow history.
func shorten(s string) string { return shortenTo(s, 1000) }

func shortenTo(s string, longest int) string {
	if runes := []rune(s); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return s
}
