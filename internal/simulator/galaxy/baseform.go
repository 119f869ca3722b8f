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

// The places of the fields of base data in an entry. No form has all of them.
const (
	baseKey = iota
	baseNumber
	baseName
	baseForbidden
	baseStatus
	baseOrganisation
	baseBillForm
	baseUnit
)

// baseFormsByID are the base data forms that can be queried, with the fields that
// integrators are known to read. Each has its own key: none has a FID.
var baseFormsByID = map[string]*baseForm{
	"ORG_Organizations":        newBaseForm(organisations, "FORGID", "FName", baseForbidden, baseStatus),
	"BD_Customer":              newBaseForm(customers, "FCUSTID", "FName", baseForbidden, baseStatus, baseOrganisation),
	"BD_MATERIAL":              newBaseForm(materials, "FMATERIALID", "FName", baseForbidden, baseStatus, baseOrganisation, baseUnit),
	"BD_STOCK":                 newBaseForm(stocks, "FStockId", "FName", baseForbidden, baseStatus, baseOrganisation),
	"BD_StockStatus":           newBaseForm("BD_StockStatus", "FStockStatusId", "FName", baseStatus),
	"BD_UNIT":                  newBaseForm("BD_UNIT", "FUnitId", "FName", baseForbidden),
	"BD_Currency":              newBaseForm("BD_Currency", "FCURRENCYID", "FName", baseForbidden),
	"BD_Department":            newBaseForm(departments, "FDEPTID", "FName"),
	"BD_Expense":               newBaseForm(expenses, "", "FName"),
	"BD_SETTLETYPE":            newBaseForm("BD_SETTLETYPE", "", "FName"),
	"BOS_BillType":             newBaseForm(billTypes, "FBILLTYPEID", "FName", baseBillForm),
	"BOS_ASSISTANTDATA_DETAIL": newBaseForm("BOS_ASSISTANTDATA_DETAIL", "FId", "FDataValue"),
}

// newBaseForm is a form with a key, which is not known of every form, a number, a name and some of the other fields.
func newBaseForm(s set, key, name string, others ...int) *baseForm {
	all := []*field{
		baseKey: {name: key, kind: isID}, baseNumber: {name: "FNumber"}, baseName: {name: name}, baseForbidden: {name: "FForbidStatus"},
		baseStatus: {name: fieldStatus}, baseOrganisation: {name: "FUseOrgId", kind: isReference, set: organisations}, baseBillForm: {name: "FBillFormID"},
		baseUnit: {name: "FBaseUnitId", kind: isReference, set: "BD_UNIT"},
	}
	form := &baseForm{set: s}
	for _, at := range append([]int{baseKey, baseNumber, baseName}, others...) {
		if all[at].index = at; all[at].name == "" {
			continue
		}
		form.fields = append(form.fields, all[at])
	}
	return form
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
		entry := &bill{id: item.id, status: audited, head: make(values, baseUnit+1)}
		if item.Draft {
			entry.status = created
		}
		entry.head[baseKey], entry.head[baseNumber], entry.head[baseName] = strconv.FormatInt(item.id, 10), item.Number, item.Name
		entry.head[baseUnit] = item.Unit
		entry.head[baseForbidden], entry.head[baseOrganisation], entry.head[baseBillForm] = "A", item.Organisation, billFormOf(item.Number)
		if item.Forbidden {
			entry.head[baseForbidden] = "B"
		}
		entries = append(entries, entry)
	}
	return entries
}

// billFormOf is the form of a bill type; "" if it is of none here.
func billFormOf(number string) string {
	for id, f := range forms {
		if strings.HasPrefix(number, f.numbers) {
			return id
		}
	}
	return ""
}
