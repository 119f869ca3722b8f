package kingdee

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	"refundsync/internal/text"
)

// responseStatus is the reply of every method except a query that found something.
// ErrorCode is always 500. IsSuccess is not read: its value when some bills failed is
// not documented.
type responseStatus struct {
	MsgCode        looseInt
	Errors         replyErrors
	SuccessEntitys []successEntity
	// Message replaces Errors in some replies.
	Message looseText
}

type replyError struct {
	FieldName, Message looseText
	// DIndex is the bill's index into Model.
	DIndex looseInt
}

// UnmarshalJSON reads an object, or an error that is a text alone.
func (e *replyError) UnmarshalJSON(raw []byte) error {
	if bytes.HasPrefix(raw, []byte(`"`)) {
		return e.Message.UnmarshalJSON(raw)
	}
	type plain replyError
	return json.Unmarshal(raw, (*plain)(e))
}

// replyErrors is a list of errors, or one without a list.
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

// statusDepth is how deep a ResponseStatus is searched: Kingdee's own is in Result,
// and proxies add an envelope or two.
const statusDepth = 6

// findStatus finds the ResponseStatus of a reply: in Result, at the top, bare, in
// lists as ExecuteBillQuery wraps it, or in an object that is encoded as a string. It
// gives nil for any other JSON, and an error for anything else.
func findStatus(raw []byte) (*responseStatus, error) {
	if !json.Valid(raw) {
		return nil, text.Errorf("it is not JSON")
	}
	return statusWithin(raw, statusDepth)
}

func statusWithin(raw []byte, depth int) (*responseStatus, error) {
	object := bytes.TrimLeft(unwrap(raw), "[ \t\r\n")
	if depth == 0 || !bytes.HasPrefix(object, []byte("{")) {
		return nil, nil
	}
	var members map[string]json.RawMessage
	// A decoder ignores the closing brackets of the wrapped shape.
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

// unwrap removes the space around a reply, a byte order mark, and the quotes of one that
// was encoded as JSON twice.
func unwrap(raw []byte) []byte {
	for {
		raw = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(raw), []byte("\ufeff")))
		var inner string
		if !bytes.HasPrefix(raw, []byte(`"`)) || json.Unmarshal(raw, &inner) != nil {
			return raw
		}
		raw = []byte(inner)
	}
}

// looseInt reads an integer that may come as a number or a string. Anything else,
// including null and "", is unknown.
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

// looseText reads a text that may come as a string, a number (as an Id does) or null,
// which is "".
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
