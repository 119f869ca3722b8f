package kingdee

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// responseStatus is what every method but a query that found something answers
// with. ErrorCode is always 500, and IsSuccess is not read at all: what it says
// when some bills failed is not documented.
type responseStatus struct {
	MsgCode        looseInt
	Errors         replyErrors
	SuccessEntitys []successEntity
	// Message stands for Errors where it comes without a list.
	Message looseText
}

type replyError struct {
	FieldName, Message looseText
	// DIndex is the bill's index into Model.
	DIndex looseInt
}

// UnmarshalJSON reads an error that is a text alone, too.
func (e *replyError) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte(`"`)) {
		return e.Message.UnmarshalJSON(raw)
	}
	type plain replyError
	return json.Unmarshal(raw, (*plain)(e))
}

// replyErrors is a list of errors, or one without a list around it.
type replyErrors []replyError

// UnmarshalJSON reads either.
func (es *replyErrors) UnmarshalJSON(raw []byte) error {
	if !bytes.HasPrefix(raw, []byte("[")) && !bytes.Equal(raw, []byte("null")) {
		raw = slices.Concat([]byte("["), raw, []byte("]"))
	}
	return json.Unmarshal(raw, (*[]replyError)(es))
}

type successEntity struct {
	ID     looseText `json:"Id"`
	Number looseText
	DIndex looseInt
}

// statusDepth is how deep a ResponseStatus is looked for: Kingdee's own stands in
// Result, and fronts put an envelope or two around it.
const statusDepth = 6

// findStatus looks for the ResponseStatus of a reply: in Result, at the top, bare,
// in lists as ExecuteBillQuery wraps it, or in an object that is itself written as
// a text. It gives nil for anything else that is JSON, and an error for what is not.
func findStatus(raw []byte) (*responseStatus, error) {
	if !json.Valid(raw) {
		return nil, errors.New("no JSON")
	}
	return statusWithin(raw, statusDepth)
}

func statusWithin(raw []byte, depth int) (*responseStatus, error) {
	object := bytes.TrimLeft(unwrap(raw), "[ \t\r\n")
	if depth == 0 || !bytes.HasPrefix(object, []byte("{")) {
		return nil, nil
	}
	var members map[string]json.RawMessage
	// A decoder leaves the closing brackets of the wrapped shape alone.
	if json.NewDecoder(bytes.NewReader(object)).Decode(&members) != nil {
		return nil, nil // a text that only begins like an object
	}
	names := slices.Sorted(maps.Keys(members))
	for _, name := range names {
		if strings.EqualFold(name, "ResponseStatus") && string(members[name]) != "null" {
			return decodeStatus(unwrap(members[name]))
		}
	}
	for _, name := range names {
		if slices.ContainsFunc([]string{"MsgCode", "ErrorCode", "Errors"}, func(known string) bool { return strings.EqualFold(name, known) }) {
			return decodeStatus(object)
		}
	}
	for _, name := range names {
		if status, err := statusWithin(members[name], depth-1); status != nil || err != nil {
			return status, err
		}
	}
	return nil, nil
}

func decodeStatus(object []byte) (*responseStatus, error) {
	var status responseStatus
	if err := json.NewDecoder(bytes.NewReader(object)).Decode(&status); err != nil {
		return nil, err
	}
	if len(status.Errors) == 0 && status.Message != "" {
		status.Errors = replyErrors{{Message: status.Message}}
	}
	return &status, nil
}

// unwrap takes the space around a reply away, a byte order mark, and the quotes of
// one that was written as JSON twice.
func unwrap(raw []byte) []byte {
	for {
		raw = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(raw), []byte("\ufeff")))
		var text string
		if !bytes.HasPrefix(raw, []byte(`"`)) || json.Unmarshal(raw, &text) != nil {
			return raw
		}
		raw = []byte(text)
	}
}

// looseInt reads an integer that may come as a number or as a string. Anything
// else, null and "" among it, is not known.
type looseInt struct {
	Value int
	Known bool
}

func (i *looseInt) UnmarshalJSON(raw []byte) error {
	value, err := strconv.Atoi(strings.Trim(string(raw), `" `))
	*i = looseInt{}
	if err == nil {
		*i = looseInt{Value: value, Known: true}
	}
	return nil
}

// looseText reads a text that may come as a string, as a number (an Id does) or
// as null, which is "".
type looseText string

func (t *looseText) UnmarshalJSON(raw []byte) error {
	var s string
	switch {
	case bytes.Equal(raw, []byte("null")):
	case raw[0] == '"':
		if err := json.Unmarshal(raw, &s); err != nil {
			return err
		}
	default:
		s = string(raw)
	}
	*t = looseText(strings.TrimSpace(s))
	return nil
}
