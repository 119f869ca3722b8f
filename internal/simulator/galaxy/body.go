package galaxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxBody bounds a request: 400 bills a call are seen in real code, of a few
// kilobytes each.
const maxBody = 32 << 20

// requestBody is a request in either of its two shapes: named fields
// ({"formid":…,"data":…}, the Python SDK) or a list of parameters
// ({"parameters":[…]}, the Java and .NET SDKs, some of which send the list as
// a string).
type requestBody struct {
	formID     json.RawMessage
	data       json.RawMessage
	parameters []json.RawMessage
	positional bool
}

// call is a request to the form service.
type call struct {
	name   string // of the operation
	formID string
	data   object
	// late is a save that lands when nobody waits for its reply any more.
	late bool
}

// object is a JSON object whose names are in lower case: Kingdee reads names
// in either case.
type object map[string]json.RawMessage

func readBody(r *http.Request) (requestBody, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return requestBody{}, err
	}
	if len(raw) > maxBody {
		return requestBody{}, fmt.Errorf("more than %d bytes", maxBody)
	}
	var fields object
	if err := fields.UnmarshalJSON(raw); err != nil {
		return requestBody{}, err
	}
	body := requestBody{formID: fields["formid"], data: fields["data"]}
	if parameters, ok := fields["parameters"]; ok {
		body.positional = true
		if err := json.Unmarshal(unquote(parameters), &body.parameters); err != nil {
			return requestBody{}, err
		}
	}
	return body, nil
}

// newCall reads what an operation is given. A failure is the reply.
func newCall(op operation, body requestBody) (call, reply) {
	c := call{name: op.name}
	formID, data := body.formID, body.data
	if body.positional {
		wanted := 2
		if op.query {
			wanted = 1
		}
		if len(body.parameters) < wanted {
			return c, failed(msgBadParameter, "参数个数不正确")
		}
		data = body.parameters[wanted-1]
		if !op.query {
			formID = body.parameters[0]
		}
	}
	if len(data) == 0 {
		return c, failed(msgBadParameter, "缺少参数data")
	}
	if err := c.data.UnmarshalJSON(unquote(data)); err != nil {
		return c, failed(msgBadParameter, "参数data不是有效的JSON对象："+err.Error())
	}
	c.formID = text(formID)
	if op.query {
		c.formID = c.data.text("FormId")
	}
	if c.formID != FormID {
		return c, failed(msgException, fmt.Sprintf("业务对象“%s”不存在", c.formID))
	}
	return c, nil
}

// texts are the parameters of a login; a number counts as its digits.
func (b requestBody) texts() []string {
	texts := make([]string, len(b.parameters))
	for i, p := range b.parameters {
		texts[i] = text(p)
	}
	return texts
}

// UnmarshalJSON reads an object and puts its names into lower case.
func (o *object) UnmarshalJSON(raw []byte) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil {
		return err
	}
	*o = make(object, len(fields))
	for name, value := range fields {
		(*o)[strings.ToLower(name)] = value
	}
	return nil
}

// has reports whether the name is there with a value.
func (o object) has(name string) bool {
	value, ok := o[strings.ToLower(name)]
	return ok && !isNull(value)
}

func (o object) text(name string) string { return text(o[strings.ToLower(name)]) }

// flag reads a boolean, which callers write as a boolean or as a string.
func (o object) flag(name string, absent bool) bool {
	switch strings.ToLower(o.text(name)) {
	case "":
		return absent
	case "true", "1":
		return true
	default:
		return false
	}
}

// text reads a string, or the literal text of a number or boolean; null and
// absence are "".
func text(raw json.RawMessage) string {
	if isNull(raw) {
		return ""
	}
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	return string(bytes.TrimSpace(raw))
}

func isNull(raw json.RawMessage) bool {
	raw = bytes.TrimSpace(raw)
	return len(raw) == 0 || string(raw) == "null"
}

// unquote gives the JSON that a JSON string holds, or raw itself when it is no
// string.
func unquote(raw json.RawMessage) json.RawMessage {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return json.RawMessage(s)
	}
	return raw
}

// list reads a list of texts, which callers write as an array or as one
// comma-joined string.
func (o object) list(name string) []string {
	raw := o[strings.ToLower(name)]
	var items []json.RawMessage
	var texts []string
	if json.Unmarshal(raw, &items) == nil {
		for _, item := range items {
			texts = append(texts, text(item))
		}
		return texts
	}
	for item := range strings.SplitSeq(text(raw), ",") {
		if item = strings.TrimSpace(item); item != "" {
			texts = append(texts, item)
		}
	}
	return texts
}
