// Package tenant asks the merchant's own Kingdee for what no catalog can know: the fields
// of its form, its codes, and the base data from which flows take tables.
package tenant

import (
	"context"
	"slices"
	"strings"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// FormSource is what CheckForm needs of Kingdee: [*kingdee.Client].
type FormSource interface {
	Form(ctx context.Context, formID string) (kingdee.Form, error)
}

// Kind says how a flow and a form disagree.
type Kind string

const (
	// UnknownField: the form has no such field; Kingdee would drop its value.
	UnknownField Kind = "unknown_field"
	// OtherPart: the field is in another part of the form.
	OtherPart Kind = "other_part"
	// OtherType: the field is of another type.
	OtherType Kind = "other_type"
	// RequiredField: the form requires a value, and the flow gives none.
	RequiredField Kind = "required_field"
	// NotListed: a value is not in the field's list.
	NotListed Kind = "not_listed"
	// OtherBaseData: the flow takes the values from base data other than the field's.
	OtherBaseData Kind = "other_base_data"
)

// Finding is one disagreement of a flow and the form.
type Finding struct {
	Kind  Kind
	Field string
	// Sure tells a mistake from a doubt, such as a required field that Kingdee may fill
	// in.
	Sure bool
	// What says what was found and what to do.
	What text.Text
}

func (f Finding) String() string { return f.What.String() }

// CheckForm asks Kingdee for the flow's form and checks the flow against it. An error is a
// *fault.Error: the form can't be read or understood, and the catalog alone counts.
func CheckForm(ctx context.Context, source FormSource, f *flow.Flow) (kingdee.Form, []Finding, error) {
	form, err := source.Form(ctx, f.Call.FormId)
	if err != nil {
		return kingdee.Form{}, nil, err
	}
	findings, err := compareForm(form, f)
	return form, findings, err
}

// CatalogAlone says that a form could not be read, and what counts instead.
func CatalogAlone(formID string, err error) string {
	return text.Sprintf("The metadata of form %s can't be read (QueryBusinessInfo), and the catalog alone counts: %s", formID, err)
}

func compareForm(form kingdee.Form, f *flow.Flow) ([]Finding, error) {
	lines := form.Part(string(f.Form.Form.Lines))
	if form.Head() == nil || lines == nil {
		return nil, &fault.Error{
			Class: fault.Final, Reason: "form_not_understood", System: text.New("Kingdee"), Call: "QueryBusinessInfo",
			Err: text.Errorf("the metadata of form %s has no head or no lines", f.Call.FormId),
		}
	}
	c := &comparison{form: form, flow: f}
	sent := map[*kingdee.FormPart]map[string]bool{lines: {}}
	for _, place := range f.Form.BillPlaces() {
		if f.Form.OfBill(place) {
			sent[c.part(place)] = map[string]bool{}
		}
	}
	for _, field := range f.SentFields() {
		part := c.part(field.Place)
		if part == nil {
			continue // a group of fields that is not a part of the form, such as the values of a flex field
		}
		if sent[part] == nil {
			sent[part] = map[string]bool{}
		}
		sent[part][strings.ToLower(field.Name)] = true
		c.field(part, field)
	}
	for i := range form.Parts {
		if part := &form.Parts[i]; sent[part] != nil {
			c.required(part, sent[part])
		}
	}
	return c.findings, nil
}

// comparison checks a flow against a form.
type comparison struct {
	form     kingdee.Form
	flow     *flow.Flow
	findings []Finding
}

func (c *comparison) find(kind Kind, field string, sure bool, what text.Text) {
	c.findings = append(c.findings, Finding{kind, field, sure, what})
}

// part is the form's part for a place of the bill; nil if there is none.
func (c *comparison) part(place catalog.Place) *kingdee.FormPart {
	if place == catalog.Head {
		return c.form.Head()
	}
	return c.form.Part(string(place))
}

// field checks one field of the flow against the form. A finding about one of the catalog's
// fields is a doubt, since other versions of Kingdee may describe it otherwise.
func (c *comparison) field(part *kingdee.FormPart, sent flow.SentField) {
	field := part.Field(sent.Name)
	if field == nil {
		c.missing(part, sent)
		return
	}
	if sent.Own {
		c.ownType(*field, sent)
	}
	c.values(*field, sent)
	if sent.Table == nil || sent.Table.Kingdee == nil {
		return
	}
	if table := sent.Table.Kingdee; field.LookUp != "" && !strings.EqualFold(field.LookUp, table.Form) {
		c.find(OtherBaseData, sent.Name, false,
			text.New("%s refers to %s, but table %s comes from %s: check its form.", nameOf(sent.Name, field.Name), field.LookUp, table.Name, table.Form))
	}
}

func (c *comparison) missing(part *kingdee.FormPart, sent flow.SentField) {
	for _, other := range c.form.Parts {
		if other.Field(sent.Name) != nil {
			c.find(OtherPart, sent.Name, sent.Own,
				text.New("The form has %s in %s, the flow in %s: move it to where the form has it.", sent.Name, nameOf(other.Key, other.Name), nameOf(part.Key, part.Name)))
			return
		}
	}
	what := text.New("The form's %s has no field %s, and Kingdee would silently drop its value: correct it by Kingdee's designer (BOS), or take it out.", nameOf(part.Key, part.Name), sent.Name)
	if own := ownFields(*part); sent.Own && own != "" {
		what = text.New("%s Own fields there: %s.", what, own)
	}
	c.find(UnknownField, sent.Name, sent.Own, what)
}

// mostNamed bounds the names that a finding lists.
const mostNamed = 20

// ownFields lists the fields of a part that the merchant has added.
func ownFields(part kingdee.FormPart) string {
	var names []string
	for _, field := range part.Fields {
		if strings.HasPrefix(strings.ToUpper(field.Key), "F_") {
			names = append(names, field.Key)
		}
	}
	return shortList(names)
}

func shortList(names []string) string {
	if len(names) > mostNamed {
		names = append(slices.Clone(names[:mostNamed]), "…")
	}
	return strings.Join(names, ", ")
}

// typeIDs are the codes of FieldType that have been seen for the types of a flow: the type
// ids of SQL Server. Any other code tells nothing.
var typeIDs = map[catalog.Type][]int{
	catalog.Text:    {35, 99, 167, 175, 231, 239}, // text, ntext, varchar, char, nvarchar, nchar
	catalog.Decimal: {60, 62, 106, 108},           // money, float, decimal, numeric
	catalog.Integer: {48, 52, 56, 127},            // tinyint, smallint, int, bigint
	catalog.Date:    {40, 42, 58, 61},             // date, datetime2, smalldatetime, datetime
	catalog.Bool:    {104},                        // bit
}

// fitting are the types whose codes a field of a type may have: a check box may be kept as
// a letter, and any number as a decimal.
var fitting = map[catalog.Type][]catalog.Type{
	catalog.Text:      {catalog.Text},
	catalog.Decimal:   {catalog.Decimal, catalog.Integer},
	catalog.Integer:   {catalog.Decimal, catalog.Integer},
	catalog.Date:      {catalog.Date},
	catalog.Bool:      {catalog.Bool, catalog.Text, catalog.Integer},
	catalog.Reference: {catalog.Integer},
}

// ownType checks the type that the flow declares against the form's. The form says whether
// a field refers to base data; codes that nobody has published tell its other types, so
// findings from them are doubts.
func (c *comparison) ownType(field kingdee.FormField, sent flow.SentField) {
	isReference := field.LookUp != ""
	switch {
	case isReference && sent.Type != catalog.Reference:
		c.find(OtherType, sent.Name, true,
			text.New("%s is base data (%s) in the form, but %s in the flow: its type should be base_data.", nameOf(sent.Name, field.Name), field.LookUp, sent.Type.Label()))
		return
	case isReference:
		return
	}
	for found, ids := range typeIDs {
		if !slices.Contains(ids, field.Type) || slices.Contains(fitting[sent.Type], found) {
			continue
		}
		// A field that refers to base data of several kinds, or to assistant data, may name
		// none, and is kept as a number or a text.
		c.find(OtherType, sent.Name, sent.Type == catalog.Reference && found != catalog.Text,
			text.New("%s seems to be %s in the form (FieldType %d), but is %s in the flow: check its type in own_fields.", nameOf(sent.Name, field.Name), found.Label(), field.Type, sent.Type.Label()))
	}
}

// values checks the values that are known without an order against the field's list.
func (c *comparison) values(field kingdee.FormField, sent flow.SentField) {
	if len(field.Values) == 0 {
		return
	}
	var usable []string
	for _, value := range field.Values {
		if !value.Disabled {
			usable = append(usable, value.Value)
		}
	}
	for _, value := range sent.Values {
		if slices.Contains(usable, value) {
			continue
		}
		what := text.New("The value %s of %s is not one that the form lists: %s.", value, nameOf(sent.Name, field.Name), shortList(usable))
		if slices.ContainsFunc(field.Values, func(v kingdee.FormValue) bool { return v.Value == value }) {
			what = text.New("The value %s of %s is disabled in the form, which lists: %s.", value, nameOf(sent.Name, field.Name), shortList(usable))
		}
		c.find(NotListed, sent.Name, true, what)
	}
}

// givenByKingdee are fields that the form requires and no caller sends.
var givenByKingdee = []string{"fid", "fdocumentstatus"}

// required finds fields that the form requires and the flow does not send. Kingdee may fill
// them in from a default or another field.
func (c *comparison) required(part *kingdee.FormPart, sent map[string]bool) {
	for _, field := range part.Fields {
		if key := strings.ToLower(field.Key); !field.Required || sent[key] || slices.Contains(givenByKingdee, key) {
			continue
		}
		c.find(RequiredField, field.Key, false,
			text.New("The form requires %s in %s, and the flow gives it no value: unless Kingdee fills it in, bills are refused; add it to the flow.", nameOf(field.Key, field.Name), nameOf(part.Key, part.Name)))
	}
}

// nameOf is a key with what people call it.
func nameOf(key, name string) string {
	if name == "" {
		return key
	}
	return key + "（" + name + "）"
}
