package galaxy

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// filled is a tenant with three bills, one of them audited, one with two lines.
func filled(t *testing.T) *fixture {
	f := start(t, nil)
	require.True(t, f.save(
		model("R1"),
		model("O'Brien", `2024-03-02`, `2024-03-05`, `"C1"`, `"C2"`, `"FNote":"line"}`,
			`"FNote":"100%"},{"FMaterialId":{"FNumber":"M2"},"FRealQty":10,"FTaxPrice":0,"FIsFree":true,"FStockId":{"FNumber":"CK1"}}`),
		model("R_3", `2024-03-02`, `2024-03-09`),
	).IsSuccess)
	require.True(t, f.form("Submit", `{"Numbers":["R_3"]}`).IsSuccess)
	require.True(t, f.form("Audit", `{"Numbers":["R_3"]}`).IsSuccess)
	return f
}

func TestColumns(t *testing.T) {
	cases := []struct{ keys, want string }{
		{"FID,FBillNo,FDocumentStatus", `[[100001,"R1","A"],[100002,"O'Brien","A"],[100003,"R_3","C"]]`},
		{" fbillno , FDATE ", `[["R1","2024-03-02T00:00:00"],["O'Brien","2024-03-05T00:00:00"],["R_3","2024-03-09T00:00:00"]]`},
		{"FRetcustId.FNumber,FSettleCurrId.FNumber", `[["C1","PRE001"],["C2","PRE001"],["C1","PRE001"]]`},
		{"SubHeadEntity.FThirdBillNo,SubHeadEntity_FSettleOrgId.FNumber", `[["third","100"],["third","100"],["third","100"]]`},
		{"FBillNo,FEntity_FEntryId,FEntity_FSeq", `[["R1",500001,1],["O'Brien",500002,1],["O'Brien",500003,2],["R_3",500004,1]]`},
		{"FEntity.FMaterialId.FNumber,FRealQty,FEntity_FTaxPrice,FAmount,FIsFree",
			`[["M1",2.5,19.99,49.98,false],["M1",2.5,19.99,49.98,false],["M2",10,0,0,true],["M1",2.5,19.99,49.98,false]]`},
		{"FDeliveryDate,FLot,FExchangeRate", `[[null,0,0],[null,0,0],[null,0,0],[null,0,0]]`},
	}
	f := filled(t)
	for _, c := range cases {
		require.Equal(t, c.want, f.query(fmt.Sprintf(`{"FormId":"SAL_RETURNSTOCK","FieldKeys":%q}`, c.keys)), c.keys)
	}
}

func TestInternalIDOfAReference(t *testing.T) {
	f := filled(t)
	var rows [][]json.Number
	require.NoError(t, json.Unmarshal([]byte(f.query(`{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FRetcustId"}`)), &rows))
	require.Equal(t, rows[0], rows[2])
	require.NotEqual(t, rows[0], rows[1])
	same := f.query(fmt.Sprintf(`{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FBillNo","FilterString":"FRetcustId=%s"}`, rows[1][0]))
	require.Equal(t, `[["O'Brien"]]`, same)
}

func TestFilters(t *testing.T) {
	cases := []struct{ filter, want string }{
		{"", "R1 O'Brien R_3"},
		{"FBillNo = 'R1'", "R1"},
		{"FBILLNO='r1'", ""},
		{"FBillNo in ('R1','O''Brien','gone')", "R1 O'Brien"},
		{"FBillNo in ('R_3') or FBillNo='R1'", "R1 R_3"},
		{"FBillNo in ('R_3','R1') and FDocumentStatus <> 'C'", "R1"},
		{"FBillNo not in ('R1')", "O'Brien R_3"},
		{"not (FBillNo = 'R1')", "O'Brien R_3"},
		{"FBillNo='R1' or FDocumentStatus='C'", "R1 R_3"},
		{"FBillNo != 'R1' AND FBillNo != 'R_3'", "O'Brien"},
		{"FBillNo like 'R%'", "R1 R_3"},
		{"FBillNo like 'R[_]%'", "R_3"},
		{"FBillNo like 'R_'", "R1"},
		{"FBillNo like '%''B%'", "O'Brien"},
		{"FBillNo like '[^R]%'", "O'Brien"},
		{"FBillNo not like 'R%'", "O'Brien"},
		{"FDate >= '2024-03-05'", "O'Brien R_3"},
		{"FDate > '2024-03-05 00:00:00'", "R_3"},
		{"FDate < '2024-03-05T00:00:00'", "R1"},
		{"FDate between '2024-03-02' and '2024-03-05'", "R1 O'Brien"},
		{"FDate not between '2024-03-02' and '2024-03-05'", "R_3"},
		{"FID >= 100002 and FID <= 100002", "O'Brien"},
		{"FRetcustId.FNumber = 'C2'", "O'Brien"},
		{"FIsFree = 1", "O'Brien"},
		{"FEntity.FRealQty > 2.5", "O'Brien"},
		{"FRealQty = '2.50'", "R1 O'Brien R_3"},
		{"FEntity_FNote = '100%'", "O'Brien"},
		{"FDocumentStatus in ('A') and (FDate > '2024-03-02' or FBillNo='R1')", "R1 O'Brien"},
	}
	f := filled(t)
	for _, c := range cases {
		t.Run(c.filter, func(t *testing.T) {
			request, err := json.Marshal(map[string]string{"FormId": "SAL_RETURNSTOCK", "FieldKeys": "FBillNo", "FilterString": c.filter})
			require.NoError(t, err)
			var rows [][]string
			require.NoError(t, json.Unmarshal([]byte(f.query(string(request))), &rows))
			var numbers []string
			for _, row := range rows {
				numbers = append(numbers, row[0])
			}
			require.Equal(t, c.want, strings.Join(numbers, " "))
		})
	}
}

func TestQueriesThatFail(t *testing.T) {
	cases := []struct {
		name, data string
		code       int
	}{
		{"unknown form", `{"FormId":"X","FieldKeys":"FID"}`, msgException},
		{"no form", `{"FieldKeys":"FID"}`, msgException},
		{"no fields", `{"FormId":"SAL_RETURNSTOCK","FieldKeys":""}`, msgBadParameter},
		{"unknown field", `{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FID,FNope"}`, msgFieldMissing},
		{"empty field", `{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FID,"}`, msgFieldMissing},
		{"property of a text", `{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FBillNo.FNumber"}`, msgFieldMissing},
		{"unknown order", `{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FID","OrderString":"FNope"}`, msgFieldMissing},
		{"unknown field in the filter", `{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FID","FilterString":"FNope='1'"}`, msgFieldMissing},
		{"conditions as a list", `{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FID","FilterString":[{"FieldName":"FID"}]}`, msgException},
	}
	for _, filter := range []string{
		"FBillNo", "FBillNo =", "= 'x'", "FBillNo = R1", "FBillNo in", "FBillNo in ()", "FBillNo in ('a'", "FBillNo in ('a',)",
		"FBillNo = 'O'Brien'", "FBillNo = 'open", "(FBillNo = 'a'", "FBillNo = 'a')", "FBillNo = 'a' FID = 1", "FBillNo = 'a' and", "or FID=1",
		"FDate > 'yesterday'", "FRealQty > 'much'", "FIsFree = 'perhaps'", "FBillNo like R", "FDate between '2024-03-01'", "FID ; 1", "not",
	} {
		data, err := json.Marshal(map[string]string{"FormId": "SAL_RETURNSTOCK", "FieldKeys": "FID", "FilterString": filter})
		require.NoError(t, err)
		cases = append(cases, struct {
			name, data string
			code       int
		}{filter, string(data), msgException})
	}
	f := filled(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			var rows [][]resultReply
			require.NoError(t, json.Unmarshal([]byte(f.query(c.data)), &rows))
			require.Equal(t, c.code, rows[0][0].Result.ResponseStatus.MsgCode, rows)
			require.False(t, rows[0][0].Result.ResponseStatus.IsSuccess)
		})
	}
}

func TestOrder(t *testing.T) {
	f := filled(t)
	for order, want := range map[string]string{
		"FDate desc":                       `[["R_3"],["O'Brien"],["R1"]]`,
		"FRetcustId.FNumber desc,FID desc": `[["O'Brien"],["R_3"],["R1"]]`,
		"FID asc":                          `[["R1"],["O'Brien"],["R_3"]]`,
	} {
		require.Equal(t, want, f.query(fmt.Sprintf(`{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FBillNo","OrderString":%q}`, order)))
	}
	require.Equal(t, `[[2.5],[2.5],[2.5],[10]]`, f.query(`{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FRealQty","OrderString":"FRealQty"}`),
		"numbers are ordered as numbers")
}

// TopRowCount is the index after the last row, not a count; both it and Limit bound a
// page.
func TestPages(t *testing.T) {
	f := start(t, nil)
	const bills = 25
	var models, all []string
	for i := range bills {
		models = append(models, model(fmt.Sprintf("R%02d", i)))
		all = append(all, fmt.Sprintf("R%02d", i))
	}
	require.True(t, f.save(models...).IsSuccess)
	page := func(t require.TestingT, start, limit, top int) []string {
		var rows [][]string
		body := f.query(fmt.Sprintf(`{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FBillNo","StartRow":%d,"Limit":%d,"TopRowCount":%d}`, start, limit, top))
		require.NoError(t, json.Unmarshal([]byte(body), &rows))
		var numbers []string
		for _, row := range rows {
			numbers = append(numbers, row[0])
		}
		return numbers
	}
	require.Equal(t, all, page(t, 0, 0, 0))
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(1, 30).Draw(t, "size")
		withTop := rapid.Bool().Draw(t, "with TopRowCount")
		var got []string
		for start := 0; start <= bills; start += size {
			top := 0
			if withTop {
				top = start + size
			}
			got = append(got, page(t, start, size, top)...)
		}
		require.Equal(t, all, got)
	})
	require.Equal(t, all[5:7], page(t, 5, 20, 7))
	require.Empty(t, page(t, 5, 20, 3))
}

// The fast path by number and the full scan must agree.
func TestLookUpByNumberMatchesFullScan(t *testing.T) {
	f := filled(t)
	rapid.Check(t, func(t *rapid.T) {
		comparison := rapid.SampledFrom([]string{
			"FBillNo='R1'", "FBillNo in ('R_3','O''Brien')", "FBillNo='gone'", "FDocumentStatus='C'", "FDate>'2024-03-02'", "not FBillNo='R1'",
		})
		filter := comparison.Draw(t, "first")
		for _, next := range rapid.SliceOfN(comparison, 0, 4).Draw(t, "next") {
			filter = "(" + filter + ")" + rapid.SampledFrom([]string{" and ", " or "}).Draw(t, "joined by") + next
		}
		parsed, err := parseFilter(filter, forms["SAL_RETURNSTOCK"].columns(f.tenant.base))
		require.NoError(t, err)
		q := &query{tenant: f.tenant, form: forms["SAL_RETURNSTOCK"], where: parsed}
		short := q.rows()
		q.where.named = false
		require.Equal(t, q.rows(), short, filter)
	})
}

func FuzzParseFilter(f *testing.F) {
	for _, filter := range []string{"FBillNo in ('a','b''c') and not (FID >= 1 or FDate like '%x[_]')", "FRealQty between 1 and 2.5", "'"} {
		f.Add(filter)
	}
	tenant, err := New(Options{Credentials: credentials})
	require.NoError(f, err)
	stored, err := (Bill{Form: "SAL_RETURNSTOCK", ID: 1, Fields: map[string]string{"FBillNo": "a"}, Entries: []Entry{{ID: 1}}}).stored()
	require.NoError(f, err)
	f.Fuzz(func(t *testing.T, filter string) {
		c, err := parseFilter(filter, forms["SAL_RETURNSTOCK"].columns(tenant.base))
		if err != nil {
			require.Nil(t, c.holds)
			return
		}
		if c.holds(stored, 0) && c.named {
			require.True(t, slices.Contains(c.numbers, "a"), "a bill that the short way would not find")
		}
	})
}
