package kingdee

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"refundsync/internal/catalog"
	"refundsync/internal/text"
)

// Form is the metadata of a form (业务对象): its parts and their fields, including the
// merchant's own. The wire format is not published; it is what several integrators saw
// of live tenants.
type Form struct {
	ID, Name string
	Parts    []FormPart
}

// FormPart is the head of a form (FBillHead), or one of its entries.
type FormPart struct {
	Key string
	// Parent is the Key of the part to which an entry within an entry belongs; "" for any
	// other.
	Parent string
	Name   string
	Fields []FormField
}

// FormField is a field of a form.
type FormField struct {
	Key, Name string
	// Type is FieldType. Its codes are not published; those seen are the type ids of SQL
	// Server. 0 if it can't be read.
	Type int
	// Required means that the form itself wants a value (必录). Kingdee may fill it in,
	// and rules and plug-ins may require more fields.
	Required bool
	// LookUp is the form of the base data that the field refers to, such as BD_Customer;
	// "" for any other field.
	LookUp string
	// Values are those of a list; none for any other field.
	Values []FormValue
}

// FormValue is a value of a list.
type FormValue struct {
	Value, Caption string
	// Disabled values are still listed, but must not be used.
	Disabled bool
}

// Head is the part with the fields of the bill itself; nil if the form shows none.
func (f Form) Head() *FormPart {
	if head := f.Part("FBillHead"); head != nil {
		return head
	}
	for i := range f.Parts {
		if slices.ContainsFunc(f.Parts[i].Fields, func(field FormField) bool { return catalog.IsNumber(field.Key) }) {
			return &f.Parts[i]
		}
	}
	return nil
}

// Part finds a part by its key, in any case; nil if there is none.
func (f Form) Part(key string) *FormPart {
	i := slices.IndexFunc(f.Parts, func(p FormPart) bool { return strings.EqualFold(p.Key, key) })
	if i < 0 {
		return nil
	}
	return &f.Parts[i]
}

// Field finds a field by its key, in any case; nil if there is none.
func (p FormPart) Field(key string) *FormField {
	i := slices.IndexFunc(p.Fields, func(f FormField) bool { return strings.EqualFold(f.Key, key) })
	if i < 0 {
		return nil
	}
	return &p.Fields[i]
}

const queryBusinessInfo = "QueryBusinessInfo"

// Form reads a form's metadata (QueryBusinessInfo). The user may lack the right to it,
// and the call can be slow. It changes nothing.
func (c *Client) Form(ctx context.Context, formID string) (Form, error) {
	body, err := encode(map[string]any{"data": map[string]string{"FormId": formID}})
	if err != nil {
		return Form{}, err
	}
	return call(ctx, c, queryBusinessInfo, body, decodeForm)
}

// wireForm is NeedReturnData of QueryBusinessInfo.
type wireForm struct {
	ID     looseText `json:"Id"`
	Name   localText
	Entrys []struct {
		Key, ParentKey looseText
		Name           localText
		Fields         []struct {
			Key                looseText
			Name               localText
			FieldType          looseInt
			MustInput          looseFlag
			LookUpObjectFormID looseText `json:"LookUpObjectFormId"`
			Extends            []struct {
				Value   looseText
				Caption localText
				Invalid looseFlag
			}
		}
	}
}

func decodeForm(raw []byte) (Form, error) {
	status, err := findStatus(raw)
	if err != nil {
		return Form{}, malformed(queryBusinessInfo, err)
	}
	if status != nil && (len(status.Errors) > 0 || status.MsgCode.Value != 0) {
		return Form{}, status.failure(queryBusinessInfo, status.Errors)
	}
	object := objectWith(raw, "Entrys", statusDepth)
	if object == nil {
		return Form{}, malformed(queryBusinessInfo, text.Errorf("it has no Entrys"))
	}
	var wire wireForm
	if err := json.Unmarshal(object, &wire); err != nil {
		return Form{}, malformed(queryBusinessInfo, err)
	}
	form := Form{ID: string(wire.ID), Name: string(wire.Name)}
	for _, entry := range wire.Entrys {
		part := FormPart{Key: string(entry.Key), Parent: string(entry.ParentKey), Name: string(entry.Name)}
		for _, field := range entry.Fields {
			if field.Key == "" {
				return Form{}, malformed(queryBusinessInfo, text.Errorf("a field has no Key"))
			}
			f := FormField{
				Key: string(field.Key), Name: string(field.Name), Type: field.FieldType.Value,
				Required: bool(field.MustInput), LookUp: string(field.LookUpObjectFormID),
			}
			for _, value := range field.Extends {
				f.Values = append(f.Values, FormValue{string(value.Value), string(value.Caption), bool(value.Invalid)})
			}
			part.Fields = append(part.Fields, f)
		}
		form.Parts = append(form.Parts, part)
	}
	return form, nil
}

// objectWith finds the outermost object with a member of this name, inside any
// envelopes; nil if there is none.
func objectWith(raw []byte, name string, depth int) []byte {
	object := bytes.TrimLeft(unwrap(raw), "[ \t\r\n")
	var members map[string]json.RawMessage
	if depth == 0 || !bytes.HasPrefix(object, []byte("{")) || json.NewDecoder(bytes.NewReader(object)).Decode(&members) != nil {
		return nil
	}
	names := slices.Sorted(maps.Keys(members))
	for _, member := range names {
		if strings.EqualFold(member, name) {
			// A decoder ignores the closing brackets after the object.
			var only json.RawMessage
			if json.NewDecoder(bytes.NewReader(object)).Decode(&only) != nil {
				return nil
			}
			return only
		}
	}
	for _, member := range names {
		if found := objectWith(members[member], name, depth-1); found != nil {
			return found
		}
	}
	return nil
}

// looseFlag reads a boolean that may come as true, 1, "1" or "true". Whatever is not
// false is true: a field required by mistake does less harm than one that is missed.
type looseFlag bool

func (f *looseFlag) UnmarshalJSON(raw []byte) error {
	switch strings.ToLower(strings.Trim(string(raw), `" `)) {
	case "", "null", "0", "false":
		*f = false
	default:
		*f = true
	}
	return nil
}

// localText reads a text in several languages, [{"Key":2052,"Value":"…"}], of which it
// takes the simplified Chinese one, or else the first; or a plain text.
type localText string

func (t *localText) UnmarshalJSON(raw []byte) error {
	type caption struct{ Key, Value looseText }
	var captions []caption
	switch raw[0] {
	case '[':
		if err := json.Unmarshal(raw, &captions); err != nil {
			return err
		}
	case '{':
		var only caption
		if err := json.Unmarshal(raw, &only); err != nil {
			return err
		}
		captions = []caption{only}
	default:
		return (*looseText)(t).UnmarshalJSON(raw)
	}
	*t = ""
	for _, c := range captions {
		if c.Key == "2052" || *t == "" {
			*t = localText(c.Value)
		}
		if c.Key == "2052" {
			break
		}
	}
	return nil
}
