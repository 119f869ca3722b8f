package galaxy

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/catalog"
	"refundsync/internal/simulator/faults"
	"refundsync/internal/testkit/golden"
)

// bodies are bills of each form as integrators send them, with the number R1.
var bodies = map[string]string{
	"SAL_RETURNSTOCK": model("R1"),
	"SAL_OUTSTOCK": `{"FBillTypeID":{"FNUMBER":"XSCKD07_SYS"},"FBillNo":"R1","FDate":"2024-01-02","FSaleOrgId":{"FNumber":"100"},"FStockOrgId":{"FNumber":"100"},` +
		`"FCustomerID":{"FNumber":"C1"},"SubHeadEntity":{"FSettleCurrID":{"FNumber":"PRE001"},"FSettleOrgID":{"FNumber":"100"}},"FEntity":[` +
		`{"FMaterialID":{"FNumber":"M1"},"FUnitID":{"FNumber":"Pcs"},"FRealQty":10,"FPriceUnitQty":10,"FTaxPrice":117,"FEntryTaxRate":17,"FIsFree":false,"FStockID":{"FNumber":"CK1"},"FOwnerID":{"FNumber":"100"},` +
		`"FSerialSubEntity":[{"FSerialNo":"S1"}]},` +
		`{"FMaterialID":{"FNumber":"M2"},"FUnitID":{"FNumber":"Pcs"},"FRealQty":1,"FTaxPrice":0,"FIsFree":true,"FStockID":{"FNumber":"CK1"},"FOwnerID":{"FNumber":"100"}}]}`,
	"AR_OtherRecAble": `{"FBillTypeID":{"FNUMBER":"QTYSD01_SYS"},"FBillNo":"R1","FDATE":"2024-01-02","FENDDATE_H":"2024-01-02","FCONTACTUNITTYPE":"BD_Customer","FCONTACTUNIT":{"FNumber":"C1"},` +
		`"FCURRENCYID":{"FNumber":"PRE001"},"FSETTLEORGID":{"FNumber":"100"},"FPAYORGID":{"FNumber":"100"},"FSALEORGID":{"FNumber":"100"},"FMAINBOOKSTDCURRID":{"FNumber":"PRE001"},` +
		`"FEXCHANGETYPE":{"FNumber":"HLTX01_SYS"},"FExchangeRate":1,"FACCNTTIMEJUDGETIME":"2024-01-02","FCancelStatus":"A","FEntity":[` +
		`{"FCOSTID":{"FNumber":"FYXM01"},"FCOSTDEPARTMENTID":{"FNumber":"BM01"},"FINVOICETYPE":"2","FNOTAXAMOUNTFOR":-10,"FAMOUNTFOR_D":-10}]}`,
	"AR_REFUNDBILL": `{"FBillTypeID":{"FNUMBER":"SKTKDLX01_SYS"},"FBillNo":"R1","FDATE":"2024-01-02","FCONTACTUNITTYPE":"BD_Customer","FCONTACTUNIT":{"FNumber":"C1"},"FRECTUNITTYPE":"BD_Customer","FRECTUNIT":{"FNumber":"C1"},` +
		`"FCURRENCYID":{"FNumber":"PRE001"},"FSETTLECUR":{"FNumber":"PRE001"},"FSETTLEORGID":{"FNumber":"100"},"FPAYORGID":{"FNumber":"100"},"FBUSINESSTYPE":"1","FCancelStatus":"A","FREFUNDBILLENTRY":[` +
		`{"FSETTLETYPEID":{"FNumber":"JSFS01_SYS"},"FPURPOSEID":{"FNumber":"SFKYT01_SYS"},"FREFUNDAMOUNTFOR":10,"FREFUNDAMOUNTFOR_E":10,"FREALREFUNDAMOUNTFOR_D":10}],` +
		`"FREFUNDBILLSRCENTRY":[{"FSOURCETYPE":"AR_RECEIVEBILL","FSRCBILLNO":"SKD1"}]}`,
}

// Bills of all forms go through the same states side by side: each form has ids and numbers
// of its own.
func TestBillsOfEveryForm(t *testing.T) {
	require.ElementsMatch(t, catalog.Forms(), slices.Collect(maps.Keys(bodies)), "add a bill of the new form to bodies")
	f := start(t, nil)
	every := func(method, data string) {
		t.Helper()
		for _, form := range catalog.Forms() {
			status := f.formOf(form, method, strings.ReplaceAll(data, "BODY", bodies[form]))
			require.True(t, status.IsSuccess, "%s %s: %v", method, form, status.Errors)
			require.Equal(t, "R1", status.SuccessEntitys[0].Number)
		}
	}
	every("BatchSave", `{"IsVerifyBaseDataField":true,"Model":[BODY]}`)
	state := f.tenant.State(true)
	require.Empty(t, state.UnknownFields)
	require.Empty(t, state.Doubles)
	for _, form := range catalog.Forms() {
		bills := state.Of(form)
		require.Len(t, bills, 1)
		require.Equal(t, int64(100001), bills[0].ID)
		shown, err := json.MarshalIndent(bills[0], "", "  ")
		require.NoError(t, err)
		golden.Equal(t, form+".json", string(shown)+"\n")

		again := f.formOf(form, "BatchSave", `{"Model":[`+bodies[form]+`]}`)
		require.Equal(t, "违反字段唯一性要求：编码唯一。[R1]在当前系统中已经被使用。", again.Errors[0].Message)
		unnumbered := f.formOf(form, "Save", `{"Model":`+strings.Replace(bodies[form], `"FBillNo":"R1",`, ``, 1)+`}`)
		require.Equal(t, forms[form].numbers+"000002", unnumbered.SuccessEntitys[0].Number)
		role := forms[form].Form
		keys := strings.Join([]string{role.Number, role.Customer + ".FNumber", role.Item + ".FNumber", role.Amount, string(role.Lines) + "_FEntryID"}, ",")
		require.Contains(t, f.query(fmt.Sprintf(`{"FormId":%q,"FieldKeys":%q,"FilterString":"%s='R1'"}`, form, keys, role.Number)), `["R1","C1","`, form)
		require.Contains(t, f.post(formPath+"View.common.kdsvc", `{"formid":"`+form+`","data":{"Number":"R1"}}`), `"BillNo":"R1"`)
	}
	every("Submit", `{"Numbers":["R1"]}`)
	every("Audit", `{"Ids":"100001"}`)
	for _, form := range catalog.Forms() {
		require.Equal(t, "单据编号为“R1”的"+forms[form].name+"，只有暂存、创建和重新审核的数据才允许删除！", f.formOf(form, "Delete", `{"Numbers":["R1"]}`).Errors[0].Message)
	}
	every("UnAudit", `{"Numbers":["R1"]}`)
	every("Delete", `{"Numbers":["R1"]}`)
	for _, form := range catalog.Forms() {
		require.Len(t, f.tenant.State(true).Of(form), 1)
	}
}

// Each required field is missed by its label, in every form.
func TestRequiredFieldsOfEveryForm(t *testing.T) {
	for _, form := range catalog.Forms() {
		face := catalog.All()[form]
		for place, fields := range face.Fields {
			for _, field := range fields {
				_, hasDefault := forms[form].defaults[field.Name]
				if place == catalog.Options || !field.Required || field.Name == face.Form.Number || field.Name == "SubHeadEntity" || hasDefault {
					continue
				}
				t.Run(form+"/"+field.Name, func(t *testing.T) {
					f := start(t, nil)
					var bill map[string]any
					require.NoError(t, json.Unmarshal([]byte(bodies[form]), &bill))
					of := bill
					switch group := bill[string(place)].(type) {
					case []any:
						of = group[0].(map[string]any)
					case map[string]any:
						of = group
					}
					delete(of, field.Name)
					status := f.formOf(form, "BatchSave", `{"IsVerifyBaseDataField":true,"Model":[`+string(mustMarshal(bill))+`]}`)
					require.False(t, status.IsSuccess)
					require.Equal(t, field.Name, *status.Errors[0].FieldName)
					require.Regexp(t, field.Chinese+".*(是必填项|字段必录)", status.Errors[0].Message)
				})
			}
		}
	}
}

func TestHabitsConcernEveryForm(t *testing.T) {
	for _, form := range catalog.Forms() {
		note := `"` + forms[form].Note + `":"x [7@1#2.3]",`
		body := strings.Replace(strings.Replace(bodies[form], `"FHeadNote":"note",`, ``, 1), `"FBillNo"`, note+`"FBillNo"`, 1)
		f := start(t, func(o *Options) { o.Habits = Habits{Renumber: true, CleanNotes: true} })
		require.True(t, f.formOf(form, "BatchSave", `{"Model":[`+body+`]}`).IsSuccess)
		bill := f.tenant.State(true).Bills[0]
		require.Equal(t, []string{forms[form].numbers + "000001", "x 7123"}, []string{bill.Number, bill.Fields[forms[form].Note]})

		f, _ = disturbed(t, always(faults.KingdeeConflict), nil)
		refused := f.formOf(form, "BatchSave", `{"Model":[`+body+`]}`)
		require.Contains(t, refused.Errors[0].Message, "“"+forms[form].name+"”")
	}
}

func TestBaseDataOfMoneyIsChecked(t *testing.T) {
	f := start(t, nil)
	for _, c := range []struct{ form, from, to, message string }{
		{"AR_OtherRecAble", "FYXM01", "FYXM09", "基础资料字段“费用项目编码”的值“FYXM09”不存在或已禁用"},
		{"AR_OtherRecAble", "BM01", "BM09", "基础资料字段“费用承担部门”的值“BM09”不存在或已禁用"},
		{"AR_REFUNDBILL", "JSFS01_SYS", "JSFS09", "基础资料字段“结算方式”的值“JSFS09”不存在或已禁用"},
		{"AR_REFUNDBILL", "SFKYT01_SYS", "SFKYT09", "基础资料字段“原收款用途”的值“SFKYT09”不存在或已禁用"},
	} {
		status := f.formOf(c.form, "BatchSave", `{"IsVerifyBaseDataField":true,"Model":[`+strings.Replace(bodies[c.form], c.from, c.to, 1)+`]}`)
		require.Equal(t, c.message, status.Errors[0].Message)
	}
}

// Kingdee tells the parts of every form, and which of them are within a line.
func TestBusinessInfoOfEveryForm(t *testing.T) {
	f := start(t, nil)
	for form, want := range map[string]string{
		"SAL_RETURNSTOCK": "FBillHead SubHeadEntity FEntity FEntity>FEntity_Link FEntity>FSerialSubEntity FEntity>FTaxDetailSubEntity",
		"SAL_OUTSTOCK":    "FBillHead SubHeadEntity FEntity FEntity>FEntity_Link FEntity>FSerialSubEntity FEntity>FTaxDetailSubEntity",
		"AR_OtherRecAble": "FBillHead FEntity",
		"AR_REFUNDBILL":   "FBillHead FREFUNDBILLENTRY FREFUNDBILLSRCENTRY",
	} {
		var info businessInfo
		require.NoError(t, json.Unmarshal([]byte(f.post(formPath+"QueryBusinessInfo.common.kdsvc", `{"data":{"FormId":"`+form+`"}}`)), &info))
		data := info.Result.NeedReturnData
		require.Equal(t, []string{form, catalog.All()[form].Chinese}, []string{data.ID, data.Name[0].Value})
		var parts []string
		for _, entry := range data.Entrys {
			name := entry.Key
			if entry.ParentKey != nil {
				name = *entry.ParentKey + ">" + name
			}
			parts = append(parts, name)
			for _, field := range entry.Fields {
				known, ok := catalog.All()[form].Find(catalog.Place(entry.Key), field.Key)
				if entry.Key == "FBillHead" {
					known, ok = catalog.All()[form].Find(catalog.Head, field.Key)
				}
				if ok && known.LookUp != "" {
					require.Equal(t, known.LookUp, field.LookUpObjectFormID, field.Key)
				}
			}
		}
		require.Equal(t, want, strings.Join(parts, " "))
	}
}

// outbound saves an outbound bill of two lines under a number of Kingdee's, and returns its
// id and theirs.
func (f *fixture) outbound() (id string, lines [2]string) {
	f.t.Helper()
	require.True(f.t, f.formOf("SAL_OUTSTOCK", "BatchSave", `{"Model":[`+strings.Replace(bodies["SAL_OUTSTOCK"], `"FBillNo":"R1",`, ``, 1)+`]}`).IsSuccess)
	bills := f.tenant.State(true).Of("SAL_OUTSTOCK")
	bill := bills[len(bills)-1]
	return fmt.Sprint(bill.ID), [2]string{fmt.Sprint(bill.Entries[0].ID), fmt.Sprint(bill.Entries[1].ID)}
}

// linked returns a bill whose line is linked to a line of another.
func linked(number, quantity, rule, table, bill, line string) string {
	return model(number, `"FRealQty":"2.5"`, `"FRealQty":`+quantity+`,"FEntity_Link":[{"FEntity_Link_FRuleId":"`+rule+`","FEntity_Link_FSTableName":"`+table+
		`","FEntity_Link_FSTableId":"0","FEntity_Link_FSBillId":"`+bill+`","FEntity_Link_FSId":"`+line+`"}]`)
}

const rule, table = "OutStock-SalReturnStock", "T_SAL_OUTSTOCKENTRY"

// returned reads the quantities written back to the lines of the first outbound bill.
func (f *fixture) returned() string {
	return f.query(`{"FormId":"SAL_OUTSTOCK","FieldKeys":"FReturnQty,FSumRetStockQty","FilterString":"FID=100001"}`)
}

// A bill with a wrong link is saved all the same, but nothing is written back.
func TestWrongLinksAreLost(t *testing.T) {
	for name, wrong := range map[string][4]string{
		"rule": {"SalReturnNotice-SalReturnStock", table, "100001", "500001"}, "table": {rule, "T_SAL_OUTSTOCK", "100001", "500001"},
		"bill": {rule, table, "100002", "500001"}, "line": {rule, table, "100001", "500009"},
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, nil)
			f.outbound()
			require.True(t, f.save(linked("R1", "3", wrong[0], wrong[1], wrong[2], wrong[3])).IsSuccess)
			require.Equal(t, `[[0,0],[0,0]]`, f.returned())
			state := f.tenant.State(true)
			require.Equal(t, 1, state.LostLinks)
			require.NotContains(t, state.Of("SAL_RETURNSTOCK")[0].Entries[0].Fields, "FEntity_Link")
			f.outbound()
			require.True(t, f.form("Delete", `{"Numbers":["R1"]}`).IsSuccess)
			require.Equal(t, `[[0,0],[0,0]]`, f.returned(), "a bill that is saved later is not the one meant")
		})
	}
}

func TestReturnsAreWrittenBack(t *testing.T) {
	path := t.TempDir() + "/bills.jsonl"
	f := start(t, func(o *Options) { o.Data = path })
	bill, lines := f.outbound()
	require.True(t, f.save(linked("R1", "3", rule, table, bill, lines[0]), linked("R2", "1.5", rule, table, bill, lines[0])).IsSuccess)
	require.Equal(t, `[[4.5,4.5],[0,0]]`, f.returned())
	require.NoError(t, f.tenant.AuditBills("R1", "demo"))
	require.NoError(t, f.tenant.ChangeBill("R2", 1, "FRealQty", "2"))
	f = reopened(t, f, path)
	require.Equal(t, `[[5,5],[0,0]]`, f.returned())
	require.NoError(t, f.tenant.VoidBills("R1"))
	require.Equal(t, `[[2,2],[0,0]]`, f.returned())
	require.True(t, f.form("Delete", `{"Numbers":["R2"]}`).IsSuccess)
	require.Equal(t, `[[0,0],[0,0]]`, f.returned())
	require.Zero(t, f.tenant.State(false).LostLinks)
}

func TestLinkedLinesAreFound(t *testing.T) {
	f := start(t, nil)
	bill, lines := f.outbound()
	require.True(t, f.save(linked("R1", "3", rule, table, bill, lines[0]), model("R2")).IsSuccess)
	const keys = `"FormId":"SAL_RETURNSTOCK","FieldKeys":"FBillNo,FEntity_Link_FSId,FRealQty"`
	require.Equal(t, `[["R1","`+lines[0]+`",3]]`, f.query(`{`+keys+`,"FilterString":"FEntity_Link_FSId in (`+lines[0]+`,`+lines[1]+`)"}`))
	require.Equal(t, `[["R1","`+lines[0]+`",3],["R2","",2.5]]`, f.query(`{`+keys+`,"OrderString":"FBillNo"}`))
	require.Equal(t, `[[1],[10]]`, f.query(`{"FormId":"SAL_OUTSTOCK","FieldKeys":"FSALBASEQTY","OrderString":"FRealQty"}`))
}

// Whatever the order of saves, changes and deletes, each outbound line says what the linked
// returns hold.
func TestWrittenBackIsWhatIsReturned(t *testing.T) {
	f := start(t, nil)
	rapid.Check(t, func(r *rapid.T) {
		bill, lines := f.outbound()
		number := func(r *rapid.T) string { return bill + "-" + rapid.StringMatching(`[1-4]`).Draw(r, "number") }
		r.Repeat(map[string]func(*rapid.T){
			"save": func(r *rapid.T) {
				quantity := rapid.IntRange(1, 9).Draw(r, "quantity")
				line := rapid.SampledFrom([]string{lines[0], lines[1], "499999"}).Draw(r, "line")
				f.save(linked(number(r), fmt.Sprint(quantity), rule, table, bill, line)) // refused if the number is used
			},
			"change": func(r *rapid.T) {
				_ = f.tenant.ChangeBill(number(r), 1, "FRealQty", fmt.Sprint(rapid.IntRange(1, 9).Draw(r, "quantity")))
			},
			"audit":   func(r *rapid.T) { _ = f.tenant.AuditBills(number(r), "demo") },
			"unaudit": func(r *rapid.T) { f.form("UnAudit", `{"Numbers":["`+number(r)+`"]}`) },
			"delete":  func(r *rapid.T) { f.form("Delete", `{"Numbers":["`+number(r)+`"]}`) },
			"void":    func(r *rapid.T) { _ = f.tenant.VoidBills(number(r)) },
			"": func(r *rapid.T) {
				want := map[string]decimal.Decimal{}
				for _, b := range f.tenant.State(true).Of("SAL_RETURNSTOCK") {
					for _, line := range lines {
						if fields := b.Entries[0].Fields; !b.Void && strings.Contains(fields[fieldLinks], `"FEntity_Link_FSId":"`+line+`"`) {
							want[line] = want[line].Add(decimal.RequireFromString(fields["FRealQty"]))
						}
					}
				}
				for _, b := range f.tenant.State(true).Of("SAL_OUTSTOCK") {
					for _, e := range b.Entries {
						if fmt.Sprint(b.ID) != bill {
							continue
						}
						got := decimal.RequireFromString("0" + e.Fields["FSumRetStockQty"])
						require.True(r, got.Equal(want[fmt.Sprint(e.ID)]), "line %d: %s, not %s", e.ID, got, want[fmt.Sprint(e.ID)])
					}
				}
			},
		})
		for _, b := range f.tenant.State(true).Bills {
			_ = f.tenant.DeleteBill(b.Number)
		}
	})
}
