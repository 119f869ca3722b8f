package tenant

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// flowWith is the built-in flow with changes, in pairs of old and new text.
func flowWith(t *testing.T, pairs ...string) *flow.Flow {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, os.CopyFS(folder, os.DirFS(filepath.Join("..", "..", "flows"))))
	path := filepath.Join(folder, "refund_to_return.yaml")
	text, err := os.ReadFile(path)
	require.NoError(t, err)
	for i := 0; i < len(pairs); i += 2 {
		require.Equal(t, 1, strings.Count(string(text), pairs[i]), pairs[i])
	}
	require.NoError(t, os.WriteFile(path, []byte(strings.NewReplacer(pairs...).Replace(string(text))), 0o600))
	f, err := flowfile.Load(path)
	require.NoError(t, err)
	return f
}

// ownFlow is the built-in flow with a field of the merchant's own in the head.
func ownFlow(t *testing.T, kind string) *flow.Flow {
	const fields = "  fields:\n    FBillTypeID:"
	value := map[string]string{
		"text": "{ field: so_id }", "base_data": "{ field: shop_name }", "decimal": "{ field: refund }",
		"integer": "{ expression: len(lines) }", "date": "{ field: modified }", "check_box": `{ expression: 'type == "换货"' }`,
	}[kind]
	return flowWith(t, fields, "  own_fields:\n    head:\n      F_ABCD_Own: { type: "+kind+" }\n  fields:\n    F_ABCD_Own: "+value+"\n    FBillTypeID:")
}

// fittingForm is a form that has what the flow sends, and nothing else.
func fittingForm(f *flow.Flow) kingdee.Form {
	keys := map[catalog.Place]string{catalog.Head: "FBillHead", "SubHeadEntity": "SubHeadEntity", "FEntity": "FEntity"}
	form := kingdee.Form{ID: f.Call.FormId, Parts: []kingdee.FormPart{{Key: "FBillHead", Name: "单据头"}, {Key: "SubHeadEntity"}, {Key: "FEntity", Name: "明细信息"}}}
	for _, sent := range f.SentFields() {
		part := form.Part(keys[sent.Place])
		field := kingdee.FormField{Key: strings.ToUpper(sent.Name), Name: sent.Chinese}
		if sent.Type == catalog.Reference {
			field.LookUp = "BD_Any"
		}
		part.Fields = append(part.Fields, field)
	}
	return form
}

// told is a form source that gives a form, or an error.
type told struct {
	form kingdee.Form
	err  error
}

func (s told) Form(context.Context, string) (kingdee.Form, error) { return s.form, s.err }

// kinds are the findings without their words.
func kinds(findings []Finding) (all []Finding) {
	for _, found := range findings {
		found.What = text.Text{}
		all = append(all, found)
	}
	return all
}

func TestCheckForm(t *testing.T) {
	remove := func(part, key string) func(kingdee.Form) {
		return func(form kingdee.Form) {
			p := form.Part(part)
			for i := range p.Fields {
				if strings.EqualFold(p.Fields[i].Key, key) {
					p.Fields = append(p.Fields[:i], p.Fields[i+1:]...)
					return
				}
			}
		}
	}
	add := func(part string, field kingdee.FormField) func(kingdee.Form) {
		return func(form kingdee.Form) { p := form.Part(part); p.Fields = append(p.Fields, field) }
	}
	change := func(part, key string, change func(*kingdee.FormField)) func(kingdee.Form) {
		return func(form kingdee.Form) { change(form.Part(part).Field(key)) }
	}
	values := func(values ...kingdee.FormValue) func(*kingdee.FormField) {
		return func(f *kingdee.FormField) { f.Values = values }
	}
	const own = "F_ABCD_Own"
	for name, test := range map[string]struct {
		own     string // the type of a field of the merchant's own
		changes []func(kingdee.Form)
		want    []Finding
		says    string
	}{
		"a form that fits":                       {own: "text"},
		"more fields than the flow's":            {changes: []func(kingdee.Form){add("FBillHead", kingdee.FormField{Key: "F_ABCD_Other"})}},
		"an own field that is unknown":           {"text", []func(kingdee.Form){remove("FBillHead", own), add("FBillHead", kingdee.FormField{Key: "F_ABCD_Onw"})}, []Finding{{UnknownField, own, true, text.Text{}}}, "F_ABCD_Onw"},
		"an own field of the lines":              {"text", []func(kingdee.Form){remove("FBillHead", own), add("FEntity", kingdee.FormField{Key: own})}, []Finding{{OtherPart, own, true, text.Text{}}}, "FEntity（明细信息）"},
		"a field of the catalog that is unknown": {"", []func(kingdee.Form){remove("FEntity", "FNote")}, []Finding{{UnknownField, "FNote", false, text.Text{}}}, "FNote"},
		"base data that is declared as text":     {"text", []func(kingdee.Form){change("FBillHead", own, func(f *kingdee.FormField) { f.LookUp = "BD_Customer" })}, []Finding{{OtherType, own, true, text.Text{}}}, "BD_Customer"},
		"base data":                              {own: "base_data"},
		"text that is declared as base data":     {"base_data", []func(kingdee.Form){change("FBillHead", own, func(f *kingdee.FormField) { f.LookUp, f.Type = "", 106 })}, []Finding{{OtherType, own, true, text.Text{}}}, "FieldType 106"},
		"letters that are declared as base data": {"base_data", []func(kingdee.Form){change("FBillHead", own, func(f *kingdee.FormField) { f.LookUp, f.Type = "", 231 })}, []Finding{{OtherType, own, false, text.Text{}}}, "FieldType 231"},
		"base data of several kinds":             {own: "base_data", changes: []func(kingdee.Form){change("FBillHead", own, func(f *kingdee.FormField) { f.LookUp, f.Type = "", 56 })}},
		"a number that is declared as text":      {"text", []func(kingdee.Form){change("FBillHead", own, func(f *kingdee.FormField) { f.Type = 106 })}, []Finding{{OtherType, own, false, text.Text{}}}, "FieldType 106"},
		"text that is declared as a number":      {"decimal", []func(kingdee.Form){change("FBillHead", own, func(f *kingdee.FormField) { f.Type = 231 })}, []Finding{{OtherType, own, false, text.Text{}}}, "FieldType 231"},
		"text that is declared as a date":        {"date", []func(kingdee.Form){change("FBillHead", own, func(f *kingdee.FormField) { f.Type = 231 })}, []Finding{{OtherType, own, false, text.Text{}}}, "FieldType 231"},
		"a decimal that is declared as integer":  {own: "integer", changes: []func(kingdee.Form){change("FBillHead", own, func(f *kingdee.FormField) { f.Type = 106 })}},
		"a check box that is kept as a letter":   {own: "check_box", changes: []func(kingdee.Form){change("FBillHead", own, func(f *kingdee.FormField) { f.Type = 175 })}},
		"a date that is declared as a check box": {"check_box", []func(kingdee.Form){change("FBillHead", own, func(f *kingdee.FormField) { f.Type = 61 })}, []Finding{{OtherType, own, false, text.Text{}}}, "FieldType 61"},
		"a type that nobody knows":               {own: "decimal", changes: []func(kingdee.Form){change("FBillHead", own, func(f *kingdee.FormField) { f.Type = 4711 })}},
		"required and not mapped":                {"", []func(kingdee.Form){add("FEntity", kingdee.FormField{Key: "FBaseUnitID", Name: "基本单位", Required: true})}, []Finding{{RequiredField, "FBaseUnitID", false, text.Text{}}}, "FBaseUnitID（基本单位）"},
		"required in the finance part":           {"", []func(kingdee.Form){add("SubHeadEntity", kingdee.FormField{Key: "F_ABCD_X", Required: true})}, []Finding{{RequiredField, "F_ABCD_X", false, text.Text{}}}, "SubHeadEntity"},
		"required and given by Kingdee":          {changes: []func(kingdee.Form){add("FBillHead", kingdee.FormField{Key: "FDocumentStatus", Required: true})}},
		"required and mapped":                    {changes: []func(kingdee.Form){change("FBillHead", "FRetcustId", func(f *kingdee.FormField) { f.Required = true })}},
		"a constant of the list":                 {changes: []func(kingdee.Form){change("FEntity", "FOwnerTypeId", values(kingdee.FormValue{Value: "BD_OwnerOrg"}))}},
		"a constant that is none of the list":    {"", []func(kingdee.Form){change("FEntity", "FOwnerTypeId", values(kingdee.FormValue{Value: "BD_Supplier"}))}, []Finding{{NotListed, "FOwnerTypeId", true, text.Text{}}}, "BD_Supplier"},
		"a constant that is disabled":            {"", []func(kingdee.Form){change("FEntity", "FOwnerTypeId", values(kingdee.FormValue{Value: "BD_OwnerOrg", Disabled: true}, kingdee.FormValue{Value: "BD_Supplier"}))}, []Finding{{NotListed, "FOwnerTypeId", true, text.Text{}}}, "is disabled"},
	} {
		t.Run(name, func(t *testing.T) {
			f := flowWith(t)
			if test.own != "" {
				f = ownFlow(t, test.own)
			}
			form := fittingForm(f)
			for _, change := range test.changes {
				change(form)
			}
			_, findings, err := CheckForm(t.Context(), told{form: form}, f)
			require.NoError(t, err)
			require.Equal(t, test.want, kinds(findings))
			for _, found := range findings {
				assert.Contains(t, found.String(), found.Field)
				assert.Contains(t, found.String(), test.says)
			}
		})
	}
}

// Each value of a table is held against the list, and so is its default.
func TestTheValuesOfATableAreHeldAgainstTheList(t *testing.T) {
	f := flowWith(t, "      FOwnerTypeId: { constant: BD_OwnerOrg }", "      FOwnerTypeId: { field: wms_co_id, table: owners }",
		"tables:\n", "tables:\n  owners:\n    default: A\n    values: { \"1\": B, \"2\": C, \"3\": B }\n")
	form := fittingForm(f)
	form.Part("FEntity").Field("FOwnerTypeId").Values = []kingdee.FormValue{{Value: "C"}}
	_, findings, err := CheckForm(t.Context(), told{form: form}, f)
	require.NoError(t, err)
	require.Len(t, findings, 2)
	assert.Contains(t, findings[0].String(), "The value A of FOwnerTypeId（货主类型） is not one")
	assert.Contains(t, findings[1].String(), "The value B of FOwnerTypeId（货主类型） is not one")
}

func TestATableIsOfTheBaseDataOfItsField(t *testing.T) {
	f := flowWith(t, "    values:\n      天猫旗舰店: CUST_TMALL\n      京东专营店: CUST_JD\n      抖音小店: CUST_DOUYIN\n      拼多多百货店: CUST_PDD\n      快手小店: CUST_KUAISHOU\n",
		"    from: kingdee\n    form: BD_Customer\n    by: FName\n    value: FNumber\n")
	form := fittingForm(f)
	for lookUp, want := range map[string][]Finding{"bd_customer": nil, "": nil, "BD_Supplier": {{OtherBaseData, "FRetcustId", false, text.Text{}}}} {
		form.Head().Field("FRetcustId").LookUp = lookUp
		_, findings, err := CheckForm(t.Context(), told{form: form}, f)
		require.NoError(t, err)
		require.Equal(t, want, kinds(findings), lookUp)
	}
}

func TestCheckFormWithoutAnAnswer(t *testing.T) {
	refused := &fault.Error{Class: fault.Final, Reason: "no_permission"}
	f := flowWith(t)
	_, _, err := CheckForm(t.Context(), told{err: refused}, f)
	require.Same(t, refused, fault.As(err))
	for name, form := range map[string]kingdee.Form{
		"nothing":  {},
		"no lines": {Parts: []kingdee.FormPart{{Key: "FBillHead"}}},
		"no head":  {Parts: []kingdee.FormPart{{Key: "FEntity"}}},
	} {
		t.Run(name, func(t *testing.T) {
			_, findings, err := CheckForm(t.Context(), told{form: form}, f)
			require.Empty(t, findings)
			require.Equal(t, "form_not_understood", fault.As(err).Reason)
		})
	}
}
