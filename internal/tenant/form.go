// Package tenant asks the merchant's own Kingdee for what no catalog can know: which
// fields its form has, and the base data that flows take tables from.
package tenant

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// FormSource is what is needed of Kingdee; [*kingdee.Client] has it.
type FormSource interface {
	Form(ctx context.Context, formID string) (kingdee.Form, error)
}

// Kind says in which way a flow and a form do not go together.
type Kind string

const (
	// UnknownField: the form has no such field, and Kingdee would drop its value.
	UnknownField Kind = "unknown_field"
	// OtherPart: the field is in another part of the form.
	OtherPart Kind = "other_part"
	// OtherType: the field is of another type.
	OtherType Kind = "other_type"
	// RequiredField: the form wants a value, and the flow gives none.
	RequiredField Kind = "required_field"
	// NotListed: a value is none of the field's list.
	NotListed Kind = "not_listed"
	// OtherBaseData: the flow takes the values from other base data than the field's.
	OtherBaseData Kind = "other_base_data"
)

// Finding is one way in which a flow and the form do not go together.
type Finding struct {
	Kind  Kind
	Field string
	// Sure tells a mistake from a doubt: what is not sure may be right all the same, such
	// as a required field that Kingdee fills in by itself.
	Sure bool
	// Chinese and English say what was found, and what to do.
	Chinese, English string
}

func (f Finding) String() string { return f.Chinese + " " + f.English }

// CheckForm asks Kingdee for the flow's form and holds the flow against it. An error is
// a *fault.Error: the form can't be asked for, or the reply is not understood, and the
// catalog alone counts.
func CheckForm(ctx context.Context, source FormSource, f *flow.Flow) ([]Finding, error) {
	form, err := source.Form(ctx, f.Call.FormId)
	if err != nil {
		return nil, err
	}
	return compareForm(form, f)
}

// CatalogAlone says that a form could not be asked for, and what counts instead.
func CatalogAlone(formID string, err error) string {
	return fmt.Sprintf("读不到表单 %[1]s 的元数据（QueryBusinessInfo），只按内置的字段表核对。 The metadata of form %[1]s can't be read, and the catalog alone counts: %[2]v", formID, err)
}

func compareForm(form kingdee.Form, f *flow.Flow) ([]Finding, error) {
	lines := form.Part(string(catalog.FEntity))
	if form.Head() == nil || lines == nil {
		return nil, &fault.Error{
			Class: fault.Final, Reason: "form_not_understood", System: text.Literal("金蝶云星空 Kingdee"), Call: "QueryBusinessInfo",
			Message: fmt.Sprintf("表单 %s 的元数据里没有单据头或明细信息。 The form's metadata has no head or no lines", f.Call.FormId),
			Advice:  text.Literal("仍按内置的字段表核对。 The catalog counts"),
		}
	}
	c := &comparison{form: form, flow: f}
	sent := map[*kingdee.FormPart]map[string]bool{form.Head(): {}, form.Part(string(catalog.SubHeadEntity)): {}, lines: {}}
	for _, field := range f.SentFields() {
		part := c.part(field.Place)
		if part == nil {
			continue // a group of fields that is no entry, such as the values of a flexible field
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

// comparison is a flow being held against a form.
type comparison struct {
	form     kingdee.Form
	flow     *flow.Flow
	findings []Finding
}

func (c *comparison) find(kind Kind, field string, sure bool, chinese, english string) {
	c.findings = append(c.findings, Finding{kind, field, sure, chinese, english})
}

// part is the part of the form that a place of the bill is; nil if there is none.
func (c *comparison) part(place catalog.Place) *kingdee.FormPart {
	if place == catalog.Head {
		return c.form.Head()
	}
	return c.form.Part(string(place))
}

// field holds one field of the flow against the form. Of the catalog's fields a
// finding is a doubt, since other versions of Kingdee may tell of them otherwise.
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
	if table := sent.Table; table != nil && field.LookUp != "" && !strings.EqualFold(field.LookUp, table.Form) {
		c.find(OtherBaseData, sent.Name, false,
			fmt.Sprintf("字段 %s取自 %s，对照表 %s 却来自 %s：请核对 form。", nameOf(sent.Name, field.Name), field.LookUp, table.Name, table.Form),
			fmt.Sprintf("%s refers to %s, and table %s comes from %s: look at its form.", sent.Name, field.LookUp, table.Name, table.Form))
	}
}

func (c *comparison) missing(part *kingdee.FormPart, sent flow.SentField) {
	for _, other := range c.form.Parts {
		if other.Field(sent.Name) != nil {
			c.find(OtherPart, sent.Name, sent.Own,
				fmt.Sprintf("字段 %s 在表单的 %s，流程却写在 %s：请移到那里。", sent.Name, nameOf(other.Key, other.Name), nameOf(part.Key, part.Name)),
				fmt.Sprintf("The form has %s in %s, the flow in %s: move it there.", sent.Name, other.Key, part.Key))
			return
		}
	}
	chinese, english := "", ""
	if own := ownFields(*part); sent.Own && own != "" {
		chinese, english = fmt.Sprintf("那里的自定义字段：%s。", own), fmt.Sprintf(" Own fields there: %s.", own)
	}
	c.find(UnknownField, sent.Name, sent.Own,
		fmt.Sprintf("表单的 %s没有字段 %s，金蝶会不声不响地丢掉它的值：请按 BOS 设计器里的标识改正，或去掉。%s", nameOf(part.Key, part.Name), sent.Name, chinese),
		fmt.Sprintf("The form's %s has no field %s, and Kingdee would drop its value without a word: correct it after Kingdee's designer, or leave it out.%s", part.Key, sent.Name, english))
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

// typeIDs are the codes of FieldType that have been seen for the types of a flow: the
// type ids of SQL Server. A code that is in none of them says nothing.
var typeIDs = map[catalog.Type][]int{
	catalog.Text:    {35, 99, 167, 175, 231, 239}, // text, ntext, varchar, char, nvarchar, nchar
	catalog.Decimal: {60, 62, 106, 108},           // money, float, decimal, numeric
	catalog.Integer: {48, 52, 56, 127},            // tinyint, smallint, int, bigint
	catalog.Date:    {40, 42, 58, 61},             // date, datetime2, smalldatetime, datetime
	catalog.Bool:    {104},                        // bit
}

// fitting are the types whose codes a field of a type may have: a check box is kept as
// a letter, and any number as a decimal.
var fitting = map[catalog.Type][]catalog.Type{
	catalog.Text:      {catalog.Text},
	catalog.Decimal:   {catalog.Decimal, catalog.Integer},
	catalog.Integer:   {catalog.Decimal, catalog.Integer},
	catalog.Date:      {catalog.Date},
	catalog.Bool:      {catalog.Bool, catalog.Text, catalog.Integer},
	catalog.Reference: {catalog.Integer},
}

// ownType holds the type that the flow declares against the form's. Whether a field
// refers to base data the form says; its other types are told by codes that nobody has
// published, so what follows from them is a doubt.
func (c *comparison) ownType(field kingdee.FormField, sent flow.SentField) {
	isReference := field.LookUp != ""
	switch {
	case isReference && sent.Type != catalog.Reference:
		c.find(OtherType, sent.Name, true,
			fmt.Sprintf("字段 %s在表单里是基础资料（%s），流程声明的却是%s：type 应为 base_data。", nameOf(sent.Name, field.Name), field.LookUp, sent.Type.Chinese()),
			fmt.Sprintf("%s is base data (%s) in the form, and %s in the flow: its type should be base_data.", sent.Name, field.LookUp, sent.Type.English()))
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
			fmt.Sprintf("字段 %s在表单里像是%s（FieldType %d），流程声明的却是%s：请核对 own_fields 的 type。", nameOf(sent.Name, field.Name), found.Chinese(), field.Type, sent.Type.Chinese()),
			fmt.Sprintf("%s seems to be %s in the form (FieldType %d), and is %s in the flow: look at its type in own_fields.", sent.Name, found.English(), field.Type, sent.Type.English()))
	}
}

// values holds the values that are known before any order against the field's list.
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
		chinese, english := "不在", "is none of"
		if slices.ContainsFunc(field.Values, func(v kingdee.FormValue) bool { return v.Value == value }) {
			chinese, english = "已停用，不再在", "is disabled, and no longer one of"
		}
		c.find(NotListed, sent.Name, true,
			fmt.Sprintf("字段 %s的值 %s %s表单的可选值里：%s。", nameOf(sent.Name, field.Name), value, chinese, shortList(usable)),
			fmt.Sprintf("The value %s of %s %s the form's: %s.", value, sent.Name, english, shortList(usable)))
	}
}

// givenByKingdee are fields that the form requires and no caller sends.
var givenByKingdee = []string{"fid", "fdocumentstatus"}

// required finds what the form wants and the flow does not send. Kingdee may fill it in
// by itself, from a default or from another field.
func (c *comparison) required(part *kingdee.FormPart, sent map[string]bool) {
	for _, field := range part.Fields {
		if key := strings.ToLower(field.Key); !field.Required || sent[key] || slices.Contains(givenByKingdee, key) {
			continue
		}
		c.find(RequiredField, field.Key, false,
			fmt.Sprintf("表单的 %s必录字段 %s，流程没有取值：若金蝶不自动带出，保存会被拒绝，请在流程里加上它。", nameOf(part.Key, part.Name), nameOf(field.Key, field.Name)),
			fmt.Sprintf("The form requires %s in %s, and the flow gives it no value: unless Kingdee fills it in, bills are refused; add it to the flow.", field.Key, part.Key))
	}
}

// nameOf is a key with what people call it, to be followed by Chinese.
func nameOf(key, name string) string {
	if name == "" {
		return key + " "
	}
	return key + "（" + name + "）"
}
