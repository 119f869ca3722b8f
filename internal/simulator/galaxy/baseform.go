package galaxy

import (
	"strconv"
	"strings"
)

// baseForm is a form of base data, as queries see it.
type baseForm struct {
	set    set
	fields []*field
}

// The fields of every form of base data, besides its key.
const (
	baseKey = iota
	baseNumber
	baseName
	baseForbidden
	baseStatus
	baseOrganisation
)

// baseFormsByID are the base data forms that can be queried. Each has its own key: none
// has a FID.
var baseFormsByID = map[string]*baseForm{
	"ORG_Organizations": newBaseForm(organisations, "FORGID"),
	"BD_Customer":       newBaseForm(customers, "FCUSTID"),
	"BD_MATERIAL":       newBaseForm(materials, "FMATERIALID"),
	"BD_STOCK":          newBaseForm(stocks, "FStockId"),
}

func newBaseForm(s set, key string) *baseForm {
	fields := []*field{
		baseKey: {name: key, kind: isID}, baseNumber: {name: "FNumber"}, baseName: {name: "FName"}, baseForbidden: {name: "FForbidStatus"},
		baseStatus: {name: fieldStatus}, baseOrganisation: {name: "FUseOrgId", kind: isReference, set: organisations},
	}
	for i, f := range fields {
		f.index = i
	}
	return &baseForm{s, fields}
}

// column finds the field of a key such as FNumber or FUseOrgId.FNumber, in any case.
func (f *baseForm) column(base *baseData) columns {
	return func(key string) (column, bool) {
		name, property, dotted := strings.Cut(strings.ToLower(strings.TrimSpace(key)), ".")
		for _, field := range f.fields {
			if strings.ToLower(field.name) == name && (!dotted || field.kind == isReference && property == "fnumber") {
				return column{field: field, number: dotted, base: base}, true
			}
		}
		return column{}, false
	}
}

// entries returns the base data as if each entry were a bill without lines.
func (f *baseForm) entries(base *baseData) []*bill {
	var entries []*bill
	for _, item := range base.all(f.set) {
		entry := &bill{id: item.id, status: audited, head: make(values, len(f.fields))}
		if item.Draft {
			entry.status = created
		}
		entry.head[baseKey], entry.head[baseNumber], entry.head[baseName] = strconv.FormatInt(item.id, 10), item.Number, item.Name
		entry.head[baseForbidden], entry.head[baseOrganisation] = "A", item.Organisation
		if item.Forbidden {
			entry.head[baseForbidden] = "B"
		}
		entries = append(entries, entry)
	}
	return entries
}
