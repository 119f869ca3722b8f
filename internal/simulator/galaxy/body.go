package galaxy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// maxBody bounds a request: real code sends up to 400 bills of a few kilobytes per call.
const maxBody = 32 << 20

// requestBody is a request in either of its two shapes: named fields
// ({"formid":…,"data":…}, the Python SDK) or a list of parameters ({"parameters":[…]},
// the Java and .NET SDKs, some of which send the list as a string).
type requestBody struct {
	formID     any
	data       any
	parameters []any
	positional bool
}

// call is a request to the form service.
type call struct {
	name string // of the operation
	// form is that of bills, base that of base data; one of them is nil.
	form *form
	base *baseForm
	data object
	// late means a save that takes effect when nobody waits for its reply any more.
	late bool
	// auditRefused saves without the requested submit and audit.
	auditRefused bool
}

// audits reports whether a save is to submit and audit as well.
func (c call) audits() bool { return c.data.flag("IsAutoSubmitAndAudit", false) }

// object is a JSON object with names in lower case: Kingdee ignores the case of names.
type object map[string]any

func readBody(r *http.Request) (requestBody, error) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return requestBody{}, err
	}
	if len(raw) > maxBody {
		return requestBody{}, fmt.Errorf("more than %d bytes", maxBody)
	}
	content, err := parse(raw)
	if err != nil {
		return requestBody{}, err
	}
	fields, ok := newObject(content)
	if !ok {
		return requestBody{}, errNotObject
	}
	body := requestBody{formID: fields["formid"], data: fields["data"]}
	if parameters, ok := fields["parameters"]; ok {
		body.positional = true
		list, err := unquote(parameters)
		if err != nil {
			return requestBody{}, err
		}
		if body.parameters, ok = list.([]any); !ok {
			return requestBody{}, errNotList
		}
	}
	return body, nil
}

var (
	errNotObject   = errors.New("not a JSON object")
	errNotList     = errors.New("not a JSON list")
	errMoreThanOne = errors.New("more than one JSON value")
)

// parse reads JSON and keeps numbers as they are written.
func parse(raw []byte) (content any, err error) {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if err := decoder.Decode(&content); err != nil {
		return nil, err
	}
	if _, err := decoder.Token(); err != io.EOF {
		return nil, errMoreThanOne
	}
	return content, nil
}

// newCall reads the arguments of an operation. A failure is the reply.
func newCall(op operation, body requestBody) (call, reply) {
	c := call{name: op.name}
	formID, data := body.formID, body.data
	if body.positional {
		wanted := 2
		if op.formless {
			wanted = 1
		}
		if len(body.parameters) < wanted {
			return c, failed(msgBadParameter, "参数个数不正确")
		}
		data = body.parameters[wanted-1]
		if !op.formless {
			formID = body.parameters[0]
		}
	}
	if data == nil {
		return c, failed(msgBadParameter, "缺少参数data")
	}
	data, err := unquote(data)
	if err != nil {
		return c, failed(msgBadParameter, "参数data不是有效的JSON对象："+err.Error())
	}
	fields, ok := newObject(data)
	if !ok {
		return c, failed(msgBadParameter, "参数data不是有效的JSON对象")
	}
	c.data = fields
	id := stringOf(formID)
	if op.formless {
		id = c.data.text("FormId")
	}
	c.form, c.base = forms[id], baseFormsByID[id]
	if c.form == nil && (c.base == nil || !op.wraps) {
		return c, failed(msgException, fmt.Sprintf("业务对象“%s”不存在", id))
	}
	return c, nil
}

// texts returns the parameters of a login; a number counts as its digits.
func (b requestBody) texts() []string {
	texts := make([]string, len(b.parameters))
	for i, p := range b.parameters {
		texts[i] = stringOf(p)
	}
	return texts
}

// newObject lower-cases the names of a JSON object; false if it is not an object.
func newObject(content any) (object, bool) {
	fields, ok := content.(map[string]any)
	if !ok {
		return nil, false
	}
	o := make(object, len(fields))
	for name, value := range fields {
		o[strings.ToLower(name)] = value
	}
	return o, true
}

// has reports whether the name has a value.
func (o object) has(name string) bool {
	return o[strings.ToLower(name)] != nil
}

func (o object) text(name string) string { return stringOf(o[strings.ToLower(name)]) }

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

// stringOf returns a string as it is, and anything else as JSON; null and absence are "".
func stringOf(value any) string {
	switch value := value.(type) {
	case nil:
		return ""
	case string:
		return value
	case json.Number:
		return value.String()
	default:
		// Whatever came from JSON can be written as JSON.
		literal, _ := json.Marshal(value)
		return string(literal)
	}
}

// unquote parses the JSON in a string, and returns anything else as it is.
func unquote(value any) (any, error) {
	if quoted, ok := value.(string); ok {
		return parse([]byte(quoted))
	}
	return value, nil
}

// list reads a list of texts, which callers write as an array or as a comma-separated
// string.
func (o object) list(name string) []string {
	value := o[strings.ToLower(name)]
	var texts []string
	if items, ok := value.([]any); ok {
		for _, item := range items {
			texts = append(texts, stringOf(item))
		}
		return texts
	}
	for item := range strings.SplitSeq(stringOf(value), ",") {
		if item = strings.TrimSpace(item); item != "" {
			texts = append(texts, item)
		}
	}
	return texts
}
