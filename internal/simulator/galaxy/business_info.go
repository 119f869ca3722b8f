package galaxy

import (
	"maps"
	"slices"
	"strings"
)

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
var fieldTypes = map[valueKind]int{isText: 231, isDate: 61, isDecimal: 106, isWhole: 56, isFlag: 175, isReference: 127, isID: 127, isGroup: 127}

// queryBusinessInfo returns the form's parts and fields, as the tenant's habits modify
// them.
func (t *Tenant) queryBusinessInfo(c call) reply {
	habits := t.Habits()
	if habits.NoFormRight {
		return failed(msgNoPermission, "您没有“"+c.form.name+"”的“查看”权限")
	}
	var info businessInfo
	info.Result.ResponseStatus = newResult().Result.ResponseStatus
	info.Result.NeedReturnData = formData{ID: c.form.id, Name: inChinese(c.form.name), PkFieldName: fieldID}
	for _, part := range c.form.parts {
		if part.key == "" {
			continue
		}
		entry := formEntry{Key: part.key, Name: inChinese(part.label), Fields: []formField{}}
		if part.inLine {
			entry.ParentKey = &c.form.parts[inEntry].key
		}
		for _, f := range part.fields {
			if habit := habits.Form[f.name]; !habit.Gone && c.form.list(f.name) == nil {
				entry.Fields = append(entry.Fields, habit.apply(f.metadata()))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(habits.Form)) {
			if habit := habits.Form[name]; strings.EqualFold(habit.Part, part.key) && c.form.lookUp(name) == nil {
				entry.Fields = append(entry.Fields, habit.apply(formField{Key: name, Name: inChinese(name), FieldType: fieldTypes[isText]}))
			}
		}
		info.Result.NeedReturnData.Entrys = append(info.Result.NeedReturnData.Entrys, entry)
	}
	return info
}

// metadata describes the field.
func (f *field) metadata() formField {
	m := formField{Key: f.name, Name: inChinese(f.label), FieldType: fieldTypes[f.kind], LookUpObjectFormID: f.set.form(), Extends: []formValue{}}
	for i, value := range slices.Sorted(maps.Keys(f.options)) {
		m.Extends = append(m.Extends, formValue{Value: value, Caption: inChinese(f.options[value]), Seq: i})
	}
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
