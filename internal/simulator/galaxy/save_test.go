package galaxy

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestSavedBill(t *testing.T) {
	f := start(t, nil)
	status := f.save(model("R1"))
	require.Equal(t, responseStatus{
		IsSuccess:       true,
		Errors:          []billError{},
		SuccessEntitys:  []billSuccess{{ID: json.Number("100001"), Number: "R1", DIndex: 0}},
		SuccessMessages: []string{},
	}, status)
	require.Equal(t, []Bill{{
		Form: "SAL_RETURNSTOCK", ID: 100001, Number: "R1", Status: "A",
		Fields: map[string]string{
			"FBillTypeID": "XSTHD01_SYS", "FBillNo": "R1", "FDate": "2024-03-02T00:00:00", "FSaleOrgId": "100", "FStockOrgId": "100",
			"FRetcustId": "C1", "FHeadNote": "note", "FSettleOrgId": "100", "FSettleCurrId": "PRE001", "FThirdBillNo": "third",
			"FCreatorId": "demo", "FCreateDate": "2024-03-09T12:00:00", "FModifierId": "demo", "FModifyDate": "2024-03-09T12:00:00",
		},
		Entries: []Entry{{ID: 500001, Fields: map[string]string{
			"FMaterialId": "M1", "FRealQty": "2.5", "FTaxPrice": "19.99", "FAmount": "49.98", "FEntryTaxAmount": "0", "FAllAmount": "49.98", "FIsFree": "false",
			"FReturnType": "THLX01_SYS", "FOwnerTypeId": "BD_OwnerOrg", "FOwnerId": "100", "FStockId": "CK1", "FNote": "line",
		}}},
	}}, f.tenant.State(true).Bills)
}

func TestBothShapesOfARequest(t *testing.T) {
	data := func(number string) string { return `{"Model":[` + model(number) + `]}` }
	quoted := func(text string) string { return fmt.Sprintf("%q", text) }
	cases := []struct{ name, body string }{
		{"named", `{"formid":"SAL_RETURNSTOCK","data":` + data("R1") + `}`},
		{"named, other case", `{"formId":"SAL_RETURNSTOCK","Data":` + data("R1") + `}`},
		{"named, data as text", `{"formid":"SAL_RETURNSTOCK","data":` + quoted(data("R1")) + `}`},
		{"parameters", `{"parameters":["SAL_RETURNSTOCK",` + quoted(data("R1")) + `]}`},
		{"parameters, data as object", `{"parameters":["SAL_RETURNSTOCK",` + data("R1") + `]}`},
		{"parameters as text", `{"format":1,"useragent":"ApiClient","parameters":` + quoted(`["SAL_RETURNSTOCK",`+quoted(data("R1"))+`]`) + `}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, nil)
			require.True(t, statusOf(t, f.post(formPath+"batchSave.common.kdsvc", c.body)).IsSuccess)
			require.Equal(t, `[["R1"]]`, f.post(formPath+"ExecuteBillQuery.common.kdsvc",
				`{"parameters":["{\"FormId\":\"SAL_RETURNSTOCK\",\"FieldKeys\":\"FBillNo\"}"]}`))
		})
	}
}

func TestNamesIgnoreCase(t *testing.T) {
	f := start(t, nil)
	status := f.form("BatchSave", `{"model":[{"fbillno":"R1","FSALEORGID":{"FNUMBER":"100"},"FStockOrgID":{"fnumber":"100"},
		"FRetCustId":{"Fnumber":"C1"},"fentity":[{"FMATERIALID":{"FNumber":"M1"},"frealqty":1,"FSTOCKID":{"FNumber":"CK1"}}]}]}`)
	require.True(t, status.IsSuccess, status.Errors)
	require.Empty(t, f.tenant.State(false).UnknownFields)
}

func TestRequiredFields(t *testing.T) {
	cases := []struct {
		name           string
		changes        []string
		field, message string
	}{
		{"no customer", []string{`"FRetcustId":{"FNumber":"C1"},`, ``}, "FRetcustId", "字段“退货客户”是必填项"},
		{"customer null", []string{`"FRetcustId":{"FNumber":"C1"}`, `"FRetcustId":null`}, "FRetcustId", "字段“退货客户”是必填项"},
		{"customer without a number", []string{`{"FNumber":"C1"}`, `{"FNumber":""}`}, "FRetcustId", "字段“退货客户”是必填项"},
		{"no organisation", []string{`"FSaleOrgId":{"FNumber":"100"},`, ``}, "FSaleOrgId", "字段“销售组织”是必填项"},
		{"no stock", []string{`"FStockId":{"FNumber":"CK1"},`, ``}, "FStockId", "单据体实体【明细信息】第【1】行分录，【仓库】字段必录"},
		{"no material", []string{`"FMaterialId":{"FNumber":"M1"},`, ``}, "FMaterialId", "单据体实体【明细信息】第【1】行分录，【物料编码】字段必录"},
		{"no quantity", []string{`"FRealQty":"2.5",`, ``}, "FRealQty", "单据体实体【明细信息】第【1】行分录，【实退数量】字段必录"},
		{"quantity 0", []string{`"2.5"`, `0`}, "FRealQty", "单据体实体【明细信息】第【1】行分录，【实退数量】必须大于0"},
		{"quantity no number", []string{`"2.5"`, `"3件"`}, "FRealQty", "字段“实退数量”的值“3件”格式不正确"},
		{"date no date", []string{`2024-03-02`, `02.03.2024`}, "FDate", "字段“日期”的值“02.03.2024”格式不正确"},
		{"flag no flag", []string{`"FIsFree":false`, `"FIsFree":"no"`}, "FIsFree", "字段“是否赠品”的值“no”格式不正确"},
		{"reference as text", []string{`{"FNumber":"C1"}`, `"C1"`}, "FRetcustId", `字段“退货客户”的值格式不正确，基础资料应为{"FNumber":…}`},
		{"note too long", []string{`"note"`, `"` + strings.Repeat("退", 254) + `😀"`}, "FHeadNote", "字段“备注”的长度超过了255"},
		{"unknown customer", []string{`"C1"`, `"C9"`}, "FRetcustId", "基础资料字段“退货客户”的值“C9”不存在或已禁用"},
		{"unknown material", []string{`"M1"`, `"M9"`}, "FMaterialId", "基础资料字段“物料编码”的值“M9”不存在或已禁用"},
		{"unknown currency", []string{`PRE001`, `RMB`}, "FSettleCurrId", "基础资料字段“结算币别”的值“RMB”不存在或已禁用"},
		{"unknown return type", []string{`THLX01_SYS`, `X`}, "FReturnType", "基础资料字段“退货类型”的值“X”不存在或已禁用"},
		{"no entries", []string{`"FEntity":[`, `"FEntries":[`}, "FEntity", "单据体“明细信息”是必填项"},
		{"entries as an object", []string{`"FEntity":[`, `"FEntity":{"a":[`, `}]}`, `}]}}`}, "FEntity", "单据体“明细信息”不是有效的JSON数组"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, nil)
			status := f.save(model("R1", c.changes...))
			require.False(t, status.IsSuccess)
			require.Equal(t, 500, status.ErrorCode)
			require.Equal(t, msgInvalid, status.MsgCode)
			require.Equal(t, billError{FieldName: &c.field, Message: c.message}, status.Errors[0])
			require.Empty(t, f.tenant.State(true).Bills)
		})
	}
}

// Without IsVerifyBaseDataField an unknown number is silently dropped.
func TestUnknownBaseDataUnverified(t *testing.T) {
	for _, verify := range []string{"", `"IsVerifyBaseDataField":false,`, `"IsVerifyBaseDataField":"false",`} {
		for _, c := range []struct{ name, from, to, message string }{
			{"of a required field", `"M1"`, `"M9"`, "单据体实体【明细信息】第【1】行分录，【物料编码】字段必录"},
			{"of a required field of the head", `"C1"`, `"C9"`, "字段“退货客户”是必填项"},
			{"of another field", `THLX01_SYS`, `X`, ""},
		} {
			t.Run(c.name+verify, func(t *testing.T) {
				f := start(t, nil)
				status := f.form("BatchSave", `{`+verify+`"Model":[`+model("R1", c.from, c.to)+`]}`)
				bills := f.tenant.State(true).Bills
				if c.message != "" {
					require.Equal(t, c.message, status.Errors[0].Message)
					require.Empty(t, bills)
					return
				}
				require.True(t, status.IsSuccess, status.Errors)
				require.NotContains(t, bills[0].Entries[0].Fields, "FReturnType")
			})
		}
	}
}

func TestEachBillIsATransaction(t *testing.T) {
	f := start(t, nil)
	status := f.save(model("R1"), model("R2", `"M1"`, `"M9"`, `"CK1"`, `"CK9"`), model("R1"), model("R3"), `[]`)
	require.False(t, status.IsSuccess)
	require.Equal(t, []billSuccess{
		{ID: json.Number("100001"), Number: "R1", DIndex: 0},
		{ID: json.Number("100002"), Number: "R3", DIndex: 3},
	}, status.SuccessEntitys)
	var failed []int
	for _, e := range status.Errors {
		failed = append(failed, e.DIndex)
	}
	require.Equal(t, []int{1, 1, 2, 4}, failed)
	require.Equal(t, "FBillNo", *status.Errors[2].FieldName)
	require.Equal(t, "违反字段唯一性要求：编码唯一。[R1]在当前系统中已经被使用。", status.Errors[2].Message)
	require.Len(t, f.tenant.State(true).Bills, 2)
}

func TestDuplicateNumber(t *testing.T) {
	f := start(t, nil)
	require.True(t, f.save(model("RT100")).IsSuccess)
	status := f.save(model("RT100"))
	field := "FBillNo"
	require.Equal(t, responseStatus{
		ErrorCode:       500,
		Errors:          []billError{{FieldName: &field, Message: "违反字段唯一性要求：编码唯一。[RT100]在当前系统中已经被使用。"}},
		SuccessEntitys:  []billSuccess{},
		SuccessMessages: []string{},
		MsgCode:         11,
	}, status)
	require.Empty(t, f.tenant.State(false).Doubles)
}

func TestDuplicateNumbersAllowed(t *testing.T) {
	f := start(t, func(o *Options) { o.AllowDuplicateNumbers = true })
	require.True(t, f.save(model("R1"), model("R2"), model("R1")).IsSuccess)
	state := f.tenant.State(true)
	require.Len(t, state.Bills, 3)
	require.Equal(t, []string{"R1"}, state.Doubles)
}

func TestRequestsWithoutBills(t *testing.T) {
	f := start(t, nil)
	for data, code := range map[string]int{
		`{}`:                      msgFieldMissing,
		`{"Model":[]}`:            msgFieldMissing,
		`{"Model":{}}`:            msgFieldMissing,
		`"no object"`:             msgBadParameter,
		`{"Model":["no object"]}`: msgBadParameter,
	} {
		require.Equal(t, code, f.form("BatchSave", data).MsgCode, data)
	}
	path := formPath + "BatchSave.common.kdsvc"
	for body, code := range map[string]int{
		`{"formid":"SAL_RETURNSTOCK"}`:       msgBadParameter,
		`{"parameters":["SAL_RETURNSTOCK"]}`: msgBadParameter,
		`{"formid":"SAL_OTHER","data":{}}`:   msgException,
		`{"data":{"Model":[]}}`:              msgException,
		`{"parameters":["SAL_OTHER","{}"]}`:  msgException,
	} {
		require.Equal(t, code, statusOf(t, f.post(path, body)).MsgCode, body)
	}
}

func TestComputedFields(t *testing.T) {
	f := start(t, nil)
	f.clock = time.Date(2024, time.March, 9, 20, 0, 0, 0, time.UTC) // the 10th in Beijing
	status := f.save(model("", `"FBillTypeID":{"FNUMBER":"XSTHD01_SYS"},`, ``, `"FDate":"2024-03-02",`, ``, `"FIsFree":false,`, ``, `"FTaxPrice":19.99,`, ``))
	require.True(t, status.IsSuccess, status.Errors)
	bill := f.tenant.State(true).Bills[0]
	require.Equal(t, "XSTHD000001", bill.Number)
	require.Equal(t, "XSTHD01_SYS", bill.Fields["FBillTypeID"])
	require.Equal(t, "2024-03-10T00:00:00", bill.Fields["FDate"])
	require.Equal(t, "false", bill.Entries[0].Fields["FIsFree"])
	require.Equal(t, "0", bill.Entries[0].Fields["FAmount"])
}

func TestNumbersStayExact(t *testing.T) {
	cases := []struct{ quantity, price, amount string }{
		{`0.05`, `66.50`, "3.33"}, // half away from zero
		{`"0.1"`, `0.2`, "0.02"},
		{`3`, `"12345678901234567.89"`, "37037036703703703.67"},
		{`3`, `3.3333333`, "10"}, // the price is rounded to 6 places, then the amount to 2
		{`1e2`, `1.005`, "100.5"},
	}
	for _, c := range cases {
		f := start(t, nil)
		require.True(t, f.save(model("R1", `"2.5"`, c.quantity, `19.99`, c.price)).IsSuccess)
		require.Equal(t, c.amount, f.tenant.State(true).Bills[0].Entries[0].Fields["FAmount"])
		require.Equal(t, `[[`+c.amount+`]]`, f.query(`{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FAmount"}`))
	}
}

// FAmount excludes tax; with tax, a line's amount is quantity × price.
func TestAmountsAreWithoutTax(t *testing.T) {
	f := start(t, nil)
	require.True(t, f.save(model("R1", `"2.5"`, `2`, `"FTaxPrice":19.99`, `"FTaxPrice":56.5,"FEntryTaxRate":13,"FAmount":113`)).IsSuccess)
	line := f.tenant.State(true).Bills[0].Entries[0].Fields
	require.Equal(t, []string{"113", "100", "13"}, []string{line["FAllAmount"], line["FAmount"], line["FEntryTaxAmount"]})
}

func TestUnknownFieldsAreIgnoredAndShown(t *testing.T) {
	f := start(t, nil)
	require.True(t, f.save(model("R1", `"FHeadNote"`, `"FSettleCurrId":{"FNumber":"PRE001"},"FHeadNotes"`, `"FNote"`, `"FNoet"`)).IsSuccess)
	require.Equal(t, map[string]int{"fsettlecurrid": 1, "fheadnotes": 1, "fnoet": 1}, f.tenant.State(false).UnknownFields)
}

func TestTheMerchantsOwnFields(t *testing.T) {
	f := start(t, nil)
	require.True(t, f.save(model("R1", `"FHeadNote"`, `"F_DEMO_OnlineOrder":"SO-1","F_DEMO_Shop":{"FNumber":"C2"},"F_DEMO_Refund":"12.50","F_DEMO_Lines":1,`+
		`"F_DEMO_Confirmed":"2024-03-02","F_DEMO_Exchange":true,"FHeadNote"`, `"FNote"`, `"F_DEMO_Wanted":2,"F_DEMO_Properties":"红","FNote"`)).IsSuccess)
	bill := f.tenant.State(true).Bills[0]
	for name, want := range map[string]string{
		"F_DEMO_OnlineOrder": "SO-1", "F_DEMO_Shop": "C2", "F_DEMO_Refund": "12.5", "F_DEMO_Lines": "1",
		"F_DEMO_Confirmed": "2024-03-02T00:00:00", "F_DEMO_Exchange": "true",
	} {
		require.Equal(t, want, bill.Fields[name], name)
	}
	require.Equal(t, "2", bill.Entries[0].Fields["F_DEMO_Wanted"])
	require.Equal(t, "红", bill.Entries[0].Fields["F_DEMO_Properties"])
	require.Equal(t, `[["SO-1","C2",12.5,1,"2024-03-02T00:00:00",true,2]]`, f.query(`{"FormId":"SAL_RETURNSTOCK",`+
		`"FieldKeys":"F_DEMO_OnlineOrder,F_DEMO_Shop.FNumber,F_DEMO_Refund,F_DEMO_Lines,F_DEMO_Confirmed,F_DEMO_Exchange,F_DEMO_Wanted"}`))
}

func TestOwnFieldsOfTheWrongType(t *testing.T) {
	for _, c := range []struct{ field, value, message string }{
		{"F_DEMO_Shop", `"C2"`, `字段“店铺客户”的值格式不正确，基础资料应为{"FNumber":…}`},
		{"F_DEMO_Shop", `{"FNumber":"C9"}`, "基础资料字段“店铺客户”的值“C9”不存在或已禁用"},
		{"F_DEMO_Refund", `"two"`, "字段“退款金额”的值“two”格式不正确"},
		{"F_DEMO_Lines", `1.5`, "字段“退货行数”的值“1.5”格式不正确"},
		{"F_DEMO_Confirmed", `"02.03.2024"`, "字段“确认日期”的值“02.03.2024”格式不正确"},
		{"F_DEMO_Exchange", `"no"`, "字段“是否换货”的值“no”格式不正确"},
	} {
		t.Run(c.field, func(t *testing.T) {
			f := start(t, nil)
			status := f.save(model("R1", `"FHeadNote"`, `"`+c.field+`":`+c.value+`,"FHeadNote"`))
			require.Equal(t, billError{FieldName: &c.field, Message: c.message}, status.Errors[0])
			require.Empty(t, f.tenant.State(true).Bills)
		})
	}
}

func TestAutoSubmitAndAudit(t *testing.T) {
	f := start(t, nil)
	for _, flag := range []string{`true`, `"true"`} {
		require.True(t, f.form("BatchSave", `{"IsAutoSubmitAndAudit":`+flag+`,"Model":[`+model("R"+flag[:1])+`]}`).IsSuccess)
	}
	require.Equal(t, map[string]int{"C": 2}, f.tenant.State(false).ByStatus)
}

func TestSaveOfOneBill(t *testing.T) {
	f := start(t, nil)
	var reply resultReply
	body := f.post(formPath+"Save.common.kdsvc", `{"formid":"SAL_RETURNSTOCK","data":{"Model":`+model("R1")+`}}`)
	require.NoError(t, json.Unmarshal([]byte(body), &reply))
	require.True(t, reply.Result.ResponseStatus.IsSuccess)
	require.Equal(t, "R1", reply.Result.Number)
	require.NotNil(t, reply.Result.ID)
	require.Equal(t, msgFieldMissing, f.form("Save", `{}`).MsgCode)
}

func TestUpdate(t *testing.T) {
	twoLines := model("R1", `"FNote":"line"}`, `"FNote":"line"},{"FMaterialId":{"FNumber":"M2"},"FRealQty":1,"FTaxPrice":5,"FStockId":{"FNumber":"CK1"}}`)
	cases := []struct {
		name, data string
		message    string // of the error; "" is success
		entries    []string
	}{
		{"head alone", `{"Model":[{"FID":100001,"FHeadNote":"new"}]}`, "", []string{"500001 M1 2.5", "500002 M2 1"}},
		{"one entry, the others deleted", `{"Model":[{"FID":"100001","FHeadNote":"new","FEntity":[{"FEntryID":500002,"FRealQty":4}]}]}`, "", []string{"500002 M2 4"}},
		{"one entry, the others kept", `{"IsDeleteEntry":"false","Model":[{"FID":100001,"FHeadNote":"new","FEntity":[{"FEntryID":500002,"FRealQty":4}]}]}`, "",
			[]string{"500001 M1 2.5", "500002 M2 4"}},
		{"a new entry", `{"IsDeleteEntry":false,"Model":[{"FID":100001,"FHeadNote":"new","FEntity":[{"FMaterialId":{"FNumber":"M1"},"FRealQty":7,"FStockId":{"FNumber":"CK1"}}]}]}`, "",
			[]string{"500001 M1 2.5", "500002 M2 1", "500004 M1 7"}},
		{"unknown entry", `{"Model":[{"FID":100001,"FEntity":[{"FEntryID":7}]}]}`, `分录内码值["7"]不存在`, nil},
		{"unknown bill", `{"Model":[{"FID":7}]}`, `内码值["7"]不存在`, nil},
		{"number of another bill", `{"Model":[{"FID":100001,"FBillNo":"R2"}]}`, "违反字段唯一性要求：编码唯一。[R2]在当前系统中已经被使用。", nil},
		{"required field emptied", `{"Model":[{"FID":100001,"FRetcustId":{"FNumber":""}}]}`, "字段“退货客户”是必填项", nil},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, nil)
			require.True(t, f.save(twoLines, model("R2")).IsSuccess)
			before := f.tenant.State(true).Bills
			status := f.form("BatchSave", c.data)
			after := f.tenant.State(true).Bills
			if c.message != "" {
				require.Equal(t, c.message, status.Errors[0].Message)
				require.Equal(t, before, after)
				return
			}
			require.True(t, status.IsSuccess, status.Errors)
			require.Equal(t, "new", after[0].Fields["FHeadNote"])
			var entries []string
			for _, e := range after[0].Entries {
				entries = append(entries, fmt.Sprint(e.ID, " ", e.Fields["FMaterialId"], " ", e.Fields["FRealQty"]))
			}
			require.Equal(t, c.entries, entries)
			require.Equal(t, before[1], after[1])
		})
	}
}

func TestLatencyIsPerCallAndBill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := start(t, func(o *Options) { o.CallLatency, o.BillLatency = 20*time.Millisecond, 10*time.Millisecond })
		began := time.Now()
		require.True(t, f.save(model("R1"), model("R2"), model("R3")).IsSuccess)
		require.Equal(t, 50*time.Millisecond, time.Since(began))
	})
}
