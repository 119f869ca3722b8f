package galaxy

import (
	"maps"
	"slices"
	"strings"
)

// formName is the name of the form.
const formName = "销售退货单"

// businessInfo is the reply of QueryBusinessInfo: the form's metadata.
type businessInfo struct {
	Result struct {
		ResponseStatus responseStatus `json:"ResponseStatus"`
		NeedReturnData formData       `json:"NeedReturnData"`
	} `json:"Result"`
}

type formData struct {
	ID          string      `json:"Id"`
	Name        []formText  `json:"Name"`
	PkFieldName string      `json:"PkFieldName"`
	Entrys      []formEntry `json:"Entrys"`
}

type formEntry struct {
	Key       string      `json:"Key"`
	Name      []formText  `json:"Name"`
	ParentKey *string     `json:"ParentKey"`
	Fields    []formField `json:"Fields"`
}

type formField struct {
	Key                string      `json:"Key"`
	Name               []formText  `json:"Name"`
	FieldType          int         `json:"FieldType"`
	MustInput          int         `json:"MustInput"`
	LookUpObjectFormID string      `json:"LookUpObjectFormId"`
	Extends            []formValue `json:"Extends"`
}

type formValue struct {
	Value   string     `json:"Value"`
	Caption []formText `json:"Caption"`
	Seq     int        `json:"Seq"`
	Invalid bool       `json:"Invalid"`
}

type formText struct {
	Key   int    `json:"Key"`
	Value string `json:"Value"`
}

func inChinese(text string) []formText { return []formText{{2052, text}} }

// fieldTypes are the codes of FieldType: SQL Server's type ids, as seen in practice.
var fieldTypes = map[valueKind]int{isText: 231, isDate: 61, isDecimal: 106, isWhole: 56, isFlag: 175, isReference: 127, isID: 127}

// baseForms are the forms of the base data, where known.
var baseForms = map[set]string{
	organisations: "ORG_Organizations", customers: "BD_Customer", materials: "BD_MATERIAL", stocks: "BD_STOCK",
	billTypes: "BOS_BillType", returnTypes: "BOS_ASSISTANTDATA_DETAIL", currencies: "BD_Currency", units: "BD_UNIT",
	stockStatuses: "BD_StockStatus", users: "SEC_User",
}

// lists are the values of the list fields.
var lists = map[string][]string{
	"FOwnerTypeIdHead": {"BD_OwnerOrg", "BD_Customer", "BD_Supplier"},
	"FOwnerTypeId":     {"BD_OwnerOrg", "BD_Customer", "BD_Supplier"},
	fieldStatus:        {"Z", "A", "B", "C", "D"},
	fieldCancel:        {"A", "B"},
}

// queryBusinessInfo returns the form's parts and fields, as the tenant's habits modify
// them.
func (t *Tenant) queryBusinessInfo(call) reply {
	habits := t.Habits()
	if habits.NoFormRight {
		return failed(msgNoPermission, "您没有“"+formName+"”的“查看”权限")
	}
	var info businessInfo
	info.Result.ResponseStatus = newResult().Result.ResponseStatus
	info.Result.NeedReturnData = formData{ID: FormID, Name: inChinese(formName), PkFieldName: fieldID}
	for p, part := range [places]struct{ key, name string }{inHead: {"FBillHead", "单据头"}, inFinance: {fieldFinance, "财务信息"}, inEntry: {fieldEntries, "明细信息"}} {
		entry := formEntry{Key: part.key, Name: inChinese(part.name), Fields: []formField{}}
		for _, f := range form[p] {
			if habit := habits.Form[f.name]; !habit.Gone {
				entry.Fields = append(entry.Fields, habit.apply(f.metadata()))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(habits.Form)) {
			if habit := habits.Form[name]; strings.EqualFold(habit.Part, part.key) && lookUp(name) == nil {
				entry.Fields = append(entry.Fields, habit.apply(formField{Key: name, Name: inChinese(name), FieldType: fieldTypes[isText]}))
			}
		}
		info.Result.NeedReturnData.Entrys = append(info.Result.NeedReturnData.Entrys, entry)
	}
	return info
}

// metadata describes the field.
func (f *field) metadata() formField {
	m := formField{Key: f.name, Name: inChinese(f.label), FieldType: fieldTypes[f.kind], LookUpObjectFormID: baseForms[f.set], Extends: valuesOf(lists[f.name])}
	if f.required {
		m.MustInput = 1
	}
	return m
}

func valuesOf(values []string) []formValue {
	all := []formValue{}
	for i, value := range values {
		all = append(all, formValue{Value: value, Caption: inChinese(value), Seq: i})
	}
	return all
}

// apply changes the description of a field.
func (h FieldHabit) apply(f formField) formField {
	if h.Required != nil {
		f.MustInput = 0
		if *h.Required {
			f.MustInput = 1
		}
	}
	if h.LookUp != nil {
		f.LookUpObjectFormID = *h.LookUp
	}
	if h.Values != nil {
		f.Extends = valuesOf(h.Values)
	}
	if h.Type != 0 {
		f.FieldType = h.Type
	}
	return f
}
