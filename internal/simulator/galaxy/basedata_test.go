package galaxy

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBaseDataIsQueried(t *testing.T) {
	f := start(t, func(o *Options) { o.BaseData.Names = map[string]string{"C1": "天猫旗舰店"} })
	require.NoError(t, f.tenant.PutBaseData("BD_Customer", BaseItem{Number: "C1", Name: "天猫旗舰店", Organisation: "200"}))
	require.NoError(t, f.tenant.PutBaseData("BD_Customer", BaseItem{Number: "C3", Name: "x", Forbidden: true}))
	require.NoError(t, f.tenant.PutBaseData("BD_Customer", BaseItem{Number: "C4", Draft: true}))
	for filter, want := range map[string]string{
		"":                          `[["C1","天猫旗舰店","A","C","100"],["C2","C2","A","C","100"],["C1","天猫旗舰店","A","C","200"],["C3","x","B","C","100"],["C4","C4","A","A","100"]]`,
		"FUseOrgId.FNumber = '200'": `[["C1","天猫旗舰店","A","C","200"]]`,
		"FForbidStatus='A' and FDocumentStatus='C'":     `[["C1","天猫旗舰店","A","C","100"],["C2","C2","A","C","100"],["C1","天猫旗舰店","A","C","200"]]`,
		"(FName like '天%') and FUseOrgId.FNumber='100'": `[["C1","天猫旗舰店","A","C","100"]]`,
	} {
		query, err := json.Marshal(map[string]string{"FormId": "BD_Customer", "FieldKeys": "FNumber,FName,FForbidStatus,FDocumentStatus,FUseOrgId.FNumber", "FilterString": filter, "OrderString": "FCUSTID"})
		require.NoError(t, err)
		require.Equal(t, want, f.query(string(query)), filter)
	}
	var keys [][]json.Number
	require.NoError(t, json.Unmarshal([]byte(f.query(`{"FormId":"BD_Customer","FieldKeys":"FCUSTID","OrderString":"FCUSTID"}`)), &keys))
	require.Equal(t, `[["C4"]]`, f.query(fmt.Sprintf(`{"FormId":"BD_Customer","FieldKeys":"FNumber","FilterString":"FCUSTID > %s","OrderString":"FCUSTID"}`, keys[3][0])))
	for _, key := range []string{"FID", "FNope", "FName.FNumber"} {
		require.Contains(t, f.query(fmt.Sprintf(`{"FormId":"BD_Customer","FieldKeys":%q}`, key)), "不存在", key)
	}
	require.Contains(t, f.query(`{"FormId":"BD_Other","FieldKeys":"FNumber"}`), "业务对象")
}

func TestUnusableBaseDataIsRefused(t *testing.T) {
	f := start(t, nil)
	refused := func() bool { return !f.save(model("R1")).IsSuccess }
	require.NoError(t, f.tenant.PutBaseData("BD_Customer", BaseItem{Number: "C1", Forbidden: true}))
	require.True(t, refused())
	require.NoError(t, f.tenant.PutBaseData("BD_Customer", BaseItem{Number: "C1"}))
	require.False(t, refused())
	require.Error(t, f.tenant.PutBaseData("BD_Other", BaseItem{Number: "C1"}))
	require.Error(t, f.tenant.PutBaseData("BD_Customer", BaseItem{}))
}

// Each form of base data has the columns that integrators are known to read.
func TestColumnsOfBaseData(t *testing.T) {
	f := start(t, nil)
	for query, want := range map[string]string{
		`{"FormId":"BOS_BillType","FieldKeys":"FNumber,FBillFormID","FilterString":"FNumber='XSTHD01_SYS'"}`:                     `[["XSTHD01_SYS","SAL_RETURNSTOCK"]]`,
		`{"FormId":"BOS_ASSISTANTDATA_DETAIL","FieldKeys":"FNumber,FDataValue","FilterString":"FNumber='THLX01_SYS'"}`:           `[["THLX01_SYS","退货"]]`,
		`{"FormId":"BD_UNIT","FieldKeys":"FNumber,FForbidStatus","FilterString":"FNumber='kg'"}`:                                 `[["kg","A"]]`,
		`{"FormId":"BD_StockStatus","FieldKeys":"FNumber,FDocumentStatus","FilterString":"FNumber='KCZT01_SYS'"}`:                `[["KCZT01_SYS","C"]]`,
		`{"FormId":"ORG_Organizations","FieldKeys":"FNumber,FForbidStatus,FDocumentStatus","FilterString":"FNumber in ('100')"}`: `[["100","A","C"]]`,
	} {
		require.Equal(t, want, f.query(query), query)
	}
	for form, column := range map[string]string{"BOS_BillType": "FForbidStatus", "BD_UNIT": "FDocumentStatus", "ORG_Organizations": "FUseOrgId.FNumber", "BD_Currency": "FDocumentStatus"} {
		require.Contains(t, f.query(fmt.Sprintf(`{"FormId":%q,"FieldKeys":%q}`, form, column)), "不存在", form)
	}
}
