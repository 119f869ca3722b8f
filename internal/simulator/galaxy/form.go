package galaxy

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"refundsync/internal/catalog"
)

// form is a form of bills: what the catalog says of it, and what only a tenant knows.
type form struct {
	id, name string
	// Form gives the fields their meanings.
	*catalog.Form
	// numbers begins the numbers of the tenant's coding rule (编码规则).
	numbers string
	// defaults are the values of fields that need not be sent.
	defaults map[string]string
	// sources are the rules by which a line can be linked to one of another form.
	sources []source
	// parts are the head, the finance, the lines, and the lists within these.
	parts []*part
	// number is the field of the bill's number.
	number *field
}

// source is a conversion rule (单据转换规则) from the lines of another form, and the fields of
// those lines that the quantity is written back to.
type source struct {
	rule, table, form string
	feedback          []string
}

// forms are the catalog's forms of bills, by id.
var forms = func() map[string]*form {
	all := map[string]*form{}
	for _, id := range catalog.Forms() {
		all[id] = &form{numbers: id}
	}
	maps.Copy(all, map[string]*form{
		"SAL_RETURNSTOCK": {
			numbers: "XSTHD", defaults: map[string]string{"FBillTypeID": "XSTHD01_SYS"},
			sources: []source{{"OutStock-SalReturnStock", "T_SAL_OUTSTOCKENTRY", "SAL_OUTSTOCK", []string{"FReturnQty", "FSumRetStockQty"}}},
		},
		"SAL_OUTSTOCK":    {numbers: "XSCKD", defaults: map[string]string{"FOwnerTypeID": "BD_OwnerOrg"}},
		"AR_OtherRecAble": {numbers: "QTYSD"},
		"AR_REFUNDBILL":   {numbers: "SKTKD"},
	})
	for id, f := range all {
		f.id = id
		f.read(catalog.All()[id])
	}
	return all
}()

// read takes the form's parts and fields from the catalog, and adds those that it does not
// have.
func (f *form) read(face *catalog.Interface) {
	f.name, f.Form = face.Chinese, face.Form
	places := []catalog.Place{inHead: catalog.Head, inFinance: "", inEntry: f.Lines}
	if _, ok := face.Find(catalog.Head, "SubHeadEntity"); ok {
		places[inFinance] = "SubHeadEntity"
	}
	for _, place := range slices.Sorted(maps.Keys(face.Fields)) {
		if place != catalog.Options && !slices.Contains(places, place) {
			places = append(places, place)
		}
	}
	for at, of := range places {
		p := &part{key: string(of), label: "单据头", byName: map[string]*field{}}
		for _, within := range []catalog.Place{catalog.Head, f.Lines} {
			if group, ok := face.Find(within, p.key); ok {
				p.label, p.inLine = group.Chinese, within == f.Lines
			}
		}
		for _, known := range face.Fields[of] {
			if name := catalog.Place(known.Name); name == places[inFinance] || name == f.Lines {
				continue // a part of its own
			}
			p.add(place(at), f.field(known))
		}
		f.parts = append(f.parts, p)
	}
	f.parts[inHead].key = "FBillHead"
	for at, fields := range map[place][]*field{inHead: systemHead(), inEntry: systemLine()} {
		if f.id == "SAL_RETURNSTOCK" {
			fields = append(ownFields()[at], fields...)
		}
		for _, own := range fields {
			f.parts[at].add(at, own)
		}
	}
	f.number = f.parts[inHead].find(f.Number)
	f.number.billNo = true
}

// field converts a field of the catalog. A number, and what has a default, need not be sent.
func (f *form) field(known catalog.Field) *field {
	_, hasDefault := f.defaults[known.Name]
	field := &field{
		name: known.Name, label: known.Chinese, kind: kinds[known.Type], key: strings.ToLower(known.ReferenceKey),
		required: known.Required && known.Name != f.Number && !hasDefault, longest: known.Longest, readOnly: known.Computed,
	}
	if field.kind == isReference {
		field.set = cmp.Or(set(known.LookUp), unlisted[strings.ToLower(known.Name)])
	} else {
		field.options = known.Values
	}
	return field
}

// unlisted are the sets of references of which the catalog does not know the base data, by
// their names in lower case.
var unlisted = map[string]set{
	"fownerid": organisations, "fowneridhead": organisations, "fexchangetypeid": exchangeTypes, "fexchangetype": exchangeTypes, "fpurposeid": purposes,
}

// systemHead and systemLine are fields of every form that no bill is sent with.
func systemHead() []*field {
	all := []*field{
		{name: fieldID, label: "实体主键", kind: isID},
		{name: fieldStatus, label: "单据状态", options: map[string]string{"Z": "暂存", "A": "创建", "B": "审核中", "C": "已审核", "D": "重新审核"}},
		{name: fieldCancel, label: "作废状态", options: map[string]string{"A": "未作废", "B": "已作废"}},
	}
	for _, as := range []struct {
		signature
		label string
	}{{begun, "创建"}, {modified, "最后修改"}, {approved, "审核"}, {cancelled, "作废"}} {
		all = append(all, &field{name: as.who, label: as.label + "人", kind: isReference, set: users}, &field{name: as.when, label: as.label + "日期", kind: isDate})
	}
	for _, f := range all {
		f.readOnly = true
	}
	return all
}

func systemLine() []*field {
	return []*field{
		{name: fieldEntryID, label: "分录内码", kind: isID, readOnly: true},
		{name: fieldSeq, label: "行号", kind: isID, readOnly: true},
	}
}

// ownFields are those that the merchant added to the return in Kingdee's designer.
func ownFields() map[place][]*field {
	return map[place][]*field{
		inHead: {
			{name: "F_DEMO_OnlineOrder", label: "网上订单号"},
			{name: "F_DEMO_Shop", label: "店铺客户", kind: isReference, set: customers, key: "fnumber"},
			{name: "F_DEMO_Refund", label: "退款金额", kind: isDecimal},
			{name: "F_DEMO_Lines", label: "退货行数", kind: isWhole},
			{name: "F_DEMO_Confirmed", label: "确认日期", kind: isDate},
			{name: "F_DEMO_Exchange", label: "是否换货", kind: isFlag},
		},
		inEntry: {
			{name: "F_DEMO_Wanted", label: "申请数量", kind: isDecimal},
			{name: "F_DEMO_Properties", label: "颜色规格"},
		},
	}
}

// lookUp finds a field of a bill by its name in any case: of the head, the finance or the
// lines, whose names are distinct.
func (f *form) lookUp(name string) *field {
	for _, p := range f.parts[:inEntry+1] {
		if found := p.find(name); found != nil {
			return found
		}
	}
	return nil
}

// list finds the part of a list within the head or a line; nil if the field is no such list.
func (f *form) list(name string) *part {
	for _, p := range f.parts[inEntry+1:] {
		if p.key == name {
			return p
		}
	}
	return nil
}
