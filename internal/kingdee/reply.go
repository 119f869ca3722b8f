package kingdee

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
)

// responseStatus is what every method but a query that found something answers
// with. ErrorCode is always 500, and IsSuccess is not read at all: what it says
// when some bills failed is not documented.
type responseStatus struct {
	MsgCode        looseInt
	Errors         []replyError
	SuccessEntitys []successEntity
}

type replyError struct {
	FieldName, Message looseText
	// DIndex is the bill's index into Model.
	DIndex looseInt
}

type successEntity struct {
	ID     looseText `json:"Id"`
	Number looseText
	DIndex looseInt
}

// findStatus looks for Result.ResponseStatus in both of its shapes: {…}, and
// [[{…}]] as ExecuteBillQuery wraps it. It gives nil for anything else that is
// JSON, and an error for what is not.
func findStatus(raw []byte) (*responseStatus, error) {
	if !json.Valid(raw) {
		return nil, errors.New("no JSON")
	}
	object := bytes.TrimLeft(raw, "[ \t\r\n")
	if !bytes.HasPrefix(object, []byte("{")) {
		return nil, nil
	}
	var reply struct {
		Result *struct {
			ResponseStatus *responseStatus
		}
	}
	// A decoder leaves the closing brackets of the wrapped shape alone.
	if err := json.NewDecoder(bytes.NewReader(object)).Decode(&reply); err != nil {
		return nil, err
	}
	if reply.Result == nil {
		return nil, nil
	}
	return reply.Result.ResponseStatus, nil
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
