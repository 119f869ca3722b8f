package tenant

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

// entries is base data by form.
type entries struct {
	of      map[string][]kingdee.Entry
	without map[string][]string // columns that a form does not have
	refused map[string]error
	asked   []kingdee.EntryQuery
}

func (e *entries) Entries(_ context.Context, q kingdee.EntryQuery) (found []kingdee.Entry, unknown []string, err error) {
	e.asked = append(e.asked, q)
	for _, column := range e.without[q.FormID] {
		if slices.Contains(q.Columns, column) {
			unknown = append(unknown, column)
		}
	}
	for _, entry := range e.of[q.FormID] {
		named := len(q.Numbers) == 0 || slices.ContainsFunc(q.Numbers, func(n string) bool { return strings.EqualFold(n, entry["FNumber"]) })
		used := len(q.Organisations) == 0 || slices.Contains(unknown, kingdee.OrganisationColumn) || slices.Contains(q.Organisations, entry[kingdee.OrganisationColumn])
		if !named || !used {
			continue
		}
		shown := kingdee.Entry{"FNumber": entry["FNumber"]}
		for _, column := range q.Columns {
			if entry[column] != "" && !slices.Contains(unknown, column) {
				shown[column] = entry[column]
			}
		}
		found = append(found, shown)
	}
	return found, unknown, e.refused[q.FormID]
}

// add adds usable entries that organisation 100 uses, named after their numbers.
func (e *entries) add(form string, numbers ...string) {
	for _, number := range numbers {
		e.of[form] = append(e.of[form], kingdee.Entry{"FNumber": number, "FName": "name of " + number, "FDataValue": number, "FForbidStatus": "A", "FDocumentStatus": "C",
			"FUseOrgId.FNumber": "100", "FBillFormID": "SAL_RETURNSTOCK"})
	}
}

// entry is the entry of a number.
func (e *entries) entry(form, number string) kingdee.Entry {
	i := slices.IndexFunc(e.of[form], func(entry kingdee.Entry) bool { return entry["FNumber"] == number })
	return e.of[form][i]
}

func (e *entries) remove(form, number string) {
	e.of[form] = slices.DeleteFunc(e.of[form], func(entry kingdee.Entry) bool { return entry["FNumber"] == number })
}

// builtInEntries are those that the built-in flow needs.
func builtInEntries() *entries {
	e := &entries{of: map[string][]kingdee.Entry{}, without: map[string][]string{}, refused: map[string]error{}}
	e.add("ORG_Organizations", "100")
	e.add("BD_Customer", "CUST_TMALL", "CUST_JD", "CUST_DOUYIN", "CUST_PDD", "CUST_KUAISHOU")
	e.add("BD_STOCK", "CK001", "CK002", "CK003", "CK009")
	e.add("BD_MATERIAL", "9901", "9902")
	e.add("BD_UNIT", "Pcs", "kg")
	e.add("BD_Currency", "PRE001")
	e.add("BD_StockStatus", "KCZT01_SYS", "KCZT08_SYS")
	e.add("BOS_ASSISTANTDATA_DETAIL", "THLX01_SYS")
	e.add("BOS_BillType", "XSTHD01_SYS")
	return e
}

func TestCheckCodes(t *testing.T) {
	noRight := &fault.Error{Class: fault.Final, Reason: "no_permission", Message: "没有权限"}
	for name, test := range map[string]struct {
		pairs  []string // changes of the flow file
		change func(*entries)
		want   []Finding
		says   []string
	}{
		"all can be used": {change: func(*entries) {}},
		"an unknown warehouse": {change: func(e *entries) { e.remove("BD_STOCK", "CK003") },
			want: []Finding{{CodeUnknown, "FStockId", true, text.Text{}}},
			says: []string{"Kingdee shows no CK003 in BD_STOCK", "FStockId（仓库）: table warehouses, row 20003 of tables/warehouses.csv", "Did you mean CK001?"}},
		"a name in place of a number": {pairs: []string{"天猫旗舰店: CUST_TMALL", "天猫旗舰店: 天猫"},
			change: func(e *entries) { e.entry("BD_Customer", "CUST_TMALL")["FName"] = "天猫" },
			want:   []Finding{{CodeUnknown, "FRetcustId", true, text.Text{}}}, says: []string{"row 天猫旗舰店 of tables.customers.values", "Did you mean CUST_TMALL?"}},
		"what is disabled is not suggested": {change: func(e *entries) {
			e.of["BD_Currency"] = nil
			e.add("BD_Currency", "PRE002")
			e.entry("BD_Currency", "PRE002")["FForbidStatus"] = "B"
		}, want: []Finding{{CodeUnknown, "FSettleCurrId", true, text.Text{}}}, says: []string{"Kingdee shows no PRE001 in BD_Currency (FSettleCurrId（结算币别）): add and audit it there, let the integration user see it, or correct the code."}},
		"one code of several fields is one finding": {change: func(e *entries) { e.entry("ORG_Organizations", "100")["FForbidStatus"] = "B" },
			want: []Finding{{CodeDisabled, "FSaleOrgId", true, text.Text{}}},
			says: []string{"100 of ORG_Organizations is disabled (禁用) in Kingdee (FSaleOrgId（销售组织）; FStockOrgId（库存组织）; FSettleOrgId（结算组织）; FOwnerId（货主）)"}},
		"not audited": {change: func(e *entries) { e.entry("BD_MATERIAL", "9902")["FDocumentStatus"] = "A" },
			want: []Finding{{CodeNotAudited, "FMaterialId", true, text.Text{}}}, says: []string{"数据状态 A", "row GIFT-CARD"}},
		"a default": {change: func(e *entries) { e.entry("BD_UNIT", "Pcs")["FForbidStatus"] = "B" },
			want: []Finding{{CodeDisabled, "FUnitID", true, text.Text{}}}, says: []string{"FUnitID（库存单位）: default of table units"}},
		"a text of an expression": {change: func(e *entries) { e.entry("BD_StockStatus", "KCZT08_SYS")["FDocumentStatus"] = "D" },
			want: []Finding{{CodeNotAudited, "FStockstatusId", true, text.Text{}}}},
		"allocated to others": {change: func(e *entries) {
			e.entry("BD_STOCK", "CK002")["FUseOrgId.FNumber"] = "200"
			e.add("BD_STOCK", "CK002")
			e.of["BD_STOCK"][4]["FUseOrgId.FNumber"] = "300"
		}, want: []Finding{{CodeNotAllocated, "FStockId", true, text.Text{}}}, says: []string{"CK002 of BD_STOCK is not allocated (分配) to organisation 100, only to 200, 300"}},
		"perhaps shared by all": {change: func(e *entries) {
			for _, entry := range e.of["BD_MATERIAL"] {
				entry["FUseOrgId.FNumber"] = "1"
			}
		}, want: []Finding{{CodeNotAllocated, "FMaterialId", false, text.Text{}}, {CodeNotAllocated, "FMaterialId", false, text.Text{}}}},
		"usable here, disabled elsewhere": {change: func(e *entries) {
			e.add("BD_Customer", "CUST_JD")
			other := e.of["BD_Customer"][5]
			other["FUseOrgId.FNumber"], other["FForbidStatus"] = "200", "B"
		}},
		"disabled here, usable elsewhere": {change: func(e *entries) {
			e.entry("BD_Customer", "CUST_JD")["FForbidStatus"] = "B"
			e.add("BD_Customer", "CUST_JD")
			e.of["BD_Customer"][5]["FUseOrgId.FNumber"] = "200"
		}, want: []Finding{{CodeDisabled, "FRetcustId", true, text.Text{}}}},
		"another case": {change: func(e *entries) { e.entry("BD_UNIT", "kg")["FNumber"] = "KG" },
			want: []Finding{{CodeOtherCase, "FUnitID", false, text.Text{}}}, says: []string{"Kingdee writes kg of BD_UNIT as KG"}},
		"a bill type of another form": {change: func(e *entries) { e.entry("BOS_BillType", "XSTHD01_SYS")["FBillFormID"] = "SAL_OUTSTOCK" },
			want: []Finding{{CodeOtherForm, "FBillTypeID", false, text.Text{}}}, says: []string{"a bill type of SAL_OUTSTOCK, not of SAL_RETURNSTOCK"}},
		"no right to a form": {change: func(e *entries) { e.refused["BD_STOCK"] = noRight },
			want: []Finding{{NotChecked, "FStockId", false, text.Text{}}}, says: []string{"The codes of BD_STOCK (for FStockId) are not checked: ", "没有权限"}},
		"columns that forms don't have": {change: func(e *entries) {
			e.without["BD_UNIT"], e.without["BOS_BillType"] = []string{"FDocumentStatus"}, []string{"FForbidStatus", "FBillFormID"}
			e.entry("BOS_BillType", "XSTHD01_SYS")["FForbidStatus"] = "B" // not shown
		}, want: []Finding{{NotChecked, "", false, text.Text{}}, {NotChecked, "", false, text.Text{}}}, says: []string{"the codes of BD_UNIT are audited", "the codes of BOS_BillType are disabled"}},
		"columns without a value": {change: func(e *entries) { delete(e.entry("BD_STOCK", "CK001"), "FForbidStatus") },
			want: []Finding{{NotChecked, "", false, text.Text{}}}, says: []string{"the codes of BD_STOCK are disabled"}},
		"a form without organisations": {change: func(e *entries) {
			e.without["BD_STOCK"] = []string{kingdee.OrganisationColumn}
			e.remove("BD_STOCK", "CK009")
		}, want: []Finding{{CodeUnknown, "FStockId", true, text.Text{}}, {NotChecked, "", false, text.Text{}}}, says: []string{"Kingdee shows no CK009", "the organisation may use the codes of BD_STOCK"}},
		"an organisation by order": {pairs: []string{`FStockOrgId: { constant: "100" }`, `FStockOrgId: { expression: 'type == "换货" ? "100" : "200"' }`},
			change: func(e *entries) {
				e.add("ORG_Organizations", "200")
				e.entry("BD_STOCK", "CK001")["FUseOrgId.FNumber"] = "300"
			},
			want: []Finding{{NotChecked, "FMaterialId", false, text.Text{}}, {NotChecked, "FStockId", false, text.Text{}}}, says: []string{"FStockOrgId is not the same in every bill"}},
		"an owner of another kind": {pairs: []string{"FOwnerTypeId: { constant: BD_OwnerOrg }", "FOwnerTypeId: { constant: BD_Supplier }"},
			change: func(e *entries) { e.add("BD_Supplier", "S1") }, want: []Finding{{CodeUnknown, "FOwnerId", true, text.Text{}}}, says: []string{"Kingdee shows no 100 in BD_Supplier"}},
		"a form of which the user sees nothing": {change: func(e *entries) { e.of["BD_MATERIAL"] = nil },
			want: []Finding{{NotChecked, "FMaterialId", false, text.Text{}}}, says: []string{"no entry of BD_MATERIAL at all"}},
		"a contact, by name": {pairs: []string{"FBillTypeID:", "FReceiveCusContact: { constant: 张三 }\n    FBillTypeID:"},
			change: func(*entries) {}, want: []Finding{{NotChecked, "FReceiveCusContact", false, text.Text{}}}, says: []string{"is sent by FNAME"}},
		"base data of unknown kind": {pairs: []string{"FBillTypeID:", "FSalesManId: { constant: S1 }\n    FBillTypeID:"},
			change: func(*entries) {}, want: []Finding{{NotChecked, "FSalesManId", false, text.Text{}}}, says: []string{"not known which base data"}},
	} {
		t.Run(name, func(t *testing.T) {
			f := flowWith(t, test.pairs...)
			e := builtInEntries()
			test.change(e)
			got := CheckCodes(t.Context(), e, kingdee.Form{}, f)
			assert.ElementsMatch(t, test.want, kinds(slices.Clone(got.Findings)))
			var said []string
			for _, finding := range got.Findings {
				said = append(said, finding.String())
			}
			for _, says := range test.says {
				assert.Contains(t, strings.Join(said, "\n"), says)
			}
		})
	}
}

// What the codes are asked for: one call for each form, unless something is missing.
func TestCheckCodesAsksLittle(t *testing.T) {
	e := builtInEntries()
	got := CheckCodes(t.Context(), e, kingdee.Form{}, flowWith(t))
	require.Equal(t, CodeCheck{Codes: 19, Fields: 12, Open: []string{"FMaterialId（物料编码）"}}, got)
	require.Len(t, e.asked, 9)
	require.Contains(t, e.asked, kingdee.EntryQuery{FormID: "BD_STOCK", Numbers: []string{"CK001", "CK002", "CK003", "CK009"},
		Columns: []string{"FName", "FForbidStatus", "FDocumentStatus", "FUseOrgId.FNumber"}, Organisations: []string{"100"}})
	require.Contains(t, e.asked, kingdee.EntryQuery{FormID: "BOS_BillType", Numbers: []string{"XSTHD01_SYS"},
		Columns: []string{"FName", "FForbidStatus", "FDocumentStatus", "FBillFormID"}})
}

// The tenant's form knows better than the catalog to which base data a field refers.
func TestCheckCodesByTheForm(t *testing.T) {
	e := builtInEntries()
	form := fittingForm(flowWith(t))
	form.Part("FEntity").Field("FStockId").LookUp = "BD_OTHERSTOCK"
	e.add("BD_OTHERSTOCK", "CK001", "CK002", "CK003")
	for i := range form.Parts {
		for j := range form.Parts[i].Fields {
			if field := &form.Parts[i].Fields[j]; field.LookUp == "BD_Any" {
				field.LookUp = ""
			}
		}
	}
	got := CheckCodes(t.Context(), e, form, flowWith(t))
	require.Len(t, got.Findings, 1)
	require.Contains(t, got.Findings[0].String(), "Kingdee shows no CK009 in BD_OTHERSTOCK")
}
