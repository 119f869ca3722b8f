package jushuitan

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"strconv"
	"strings"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// openTransport calls Jushuitan's open platform.
type openTransport struct {
	Open
	now func() time.Time
}

func (openTransport) advice() advice { return openAdvice }

// newRequest builds a form with the system parameters, and the business parameters as JSON
// in biz. Source: openweb.jushuitan.com, document docId=70 (签名规则).
func (o openTransport) newRequest(ctx context.Context, source *catalog.Interface, params map[string]string) (request, error) {
	biz, err := encodeBiz(source, params)
	if err != nil {
		return request{}, err
	}
	token, err := o.Tokens.Token(ctx)
	if err != nil {
		return request{}, call{name: source.Name}.tokenFailure(err)
	}
	made, err := o.request(ctx, source.Name, o.now(), map[string]string{"access_token": token, "version": "2", "biz": biz})
	made.token = token
	made.secrets = append(made.secrets, token)
	return made, err
}

// request builds a signed form of the application.
func (a OpenApp) request(ctx context.Context, path string, now time.Time, form map[string]string) (request, error) {
	form = maps.Clone(form)
	form["app_key"], form["charset"] = a.Key, "utf-8"
	form["timestamp"] = strconv.FormatInt(now.Unix(), 10)
	form["sign"] = SignOpen(a.Secret, form)
	made, err := newPost(ctx, strings.TrimSuffix(a.URL, "/")+path, form)
	return request{Request: made, secrets: []string{a.Secret, form["sign"]}}, err
}

// encodeBiz writes the parameters as the interface documents their types. The keys are
// sorted.
func encodeBiz(source *catalog.Interface, params map[string]string) (string, error) {
	biz := map[string]any{}
	for name, value := range withoutBlank(params) {
		field, known := source.Find(catalog.Request, name)
		if !known {
			return "", badParameter(name, text.Errorf("the interface has no such parameter"))
		}
		typed, err := parameter(field, value)
		if err != nil {
			return "", badParameter(name, err)
		}
		biz[name] = typed
	}
	var written bytes.Buffer
	encoder := json.NewEncoder(&written)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(biz); err != nil {
		return "", err
	}
	return strings.TrimSpace(written.String()), nil
}

// parameter gives a parameter its type.
func parameter(field catalog.Field, value string) (any, error) {
	switch field.Type {
	case catalog.List:
		elements := []any{}
		for _, element := range splitList(value) {
			typed, err := parameter(catalog.Field{Type: field.Of}, element)
			if err != nil {
				return nil, err
			}
			elements = append(elements, typed)
		}
		return elements, nil
	case catalog.Integer, catalog.Decimal:
		// Written as it came: a number must not lose a digit.
		if _, err := field.Type.Parse(value); err != nil || !json.Valid([]byte(value)) {
			return nil, text.Errorf("%q is not %s", value, field.Type.Label())
		}
		return json.Number(value), nil
	case catalog.Bool:
		parsed, err := field.Type.Parse(value)
		if err != nil {
			return nil, text.Errorf("%q is not %s", value, field.Type.Label())
		}
		return parsed, nil
	}
	return value, nil
}

func badParameter(name string, err error) error {
	return &fault.Error{
		Class: fault.Final, Reason: "bad_parameter", Field: name, Err: err,
		Advice: text.New("Correct it in source.parameters of the flow file."),
	}
}
