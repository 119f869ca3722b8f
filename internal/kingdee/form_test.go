package kingdee

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

// formReply is the reply as most integrators saw it.
const formReply = `{"Result":{"ResponseStatus":{"ErrorCode":0,"IsSuccess":true,"Errors":[],"SuccessEntitys":[],"SuccessMessages":[],"MsgCode":0},"NeedReturnData":
{"Id":"SAL_RETURNSTOCK","Name":[{"Key":1033,"Value":"Sales Return"},{"Key":2052,"Value":"销售退货单"}],"PkFieldName":"FID","Entrys":[
{"Key":"FBillHead","Name":[{"Key":2052,"Value":"单据头"}],"EntryName":"SAL_RETURNSTOCK","TableName":"T_SAL_RETURNSTOCK","EntryPkFieldName":"FID","ParentKey":null,"Fields":[
 {"Key":"FBillNo","FieldName":"FBILLNO","Name":[{"Key":2052,"Value":"单据编号"}],"FieldType":231,"ElementType":4,"MustInput":0,"LookUpObjectFormId":"","Extends":null,"IsViewVisible":true},
 {"Key":"FRetcustId","Name":[{"Key":2052,"Value":"退货客户，登录名除外"}],"FieldType":127,"MustInput":1,"LookUpObjectFormId":"BD_Customer","Extends":[]},
 {"Key":"FOwnerTypeIdHead","Name":[{"Key":2052,"Value":"货主类型"}],"FieldType":167,"MustInput":0,"LookUpObjectFormId":null,"Extends":[{"Value":"BD_OwnerOrg","Caption":[{"Key":2052,"Value":"业务组织"}],"Seq":0,"Invalid":false},{"Value":"BD_Supplier","Caption":[{"Key":2052,"Value":"供应商"}],"Seq":1,"Invalid":true}]}]},
{"Key":"FEntity","Name":[{"Key":2052,"Value":"明细信息"}],"ParentKey":null,"Fields":[{"Key":"FRealQty","FieldType":106,"MustInput":1}]},
{"Key":"FSerialSubEntity","ParentKey":"FEntity","Fields":[]}],"Operations":[{"OperationName":"登录"}]}}}`

var wantForm = Form{ID: "SAL_RETURNSTOCK", Name: "销售退货单", Parts: []FormPart{
	{Key: "FBillHead", Name: "单据头", Fields: []FormField{
		{Key: "FBillNo", Name: "单据编号", Type: 231},
		{Key: "FRetcustId", Name: "退货客户，登录名除外", Type: 127, Required: true, LookUp: "BD_Customer"},
		{Key: "FOwnerTypeIdHead", Name: "货主类型", Type: 167, Values: []FormValue{{"BD_OwnerOrg", "业务组织", false}, {"BD_Supplier", "供应商", true}}},
	}},
	{Key: "FEntity", Name: "明细信息", Fields: []FormField{{Key: "FRealQty", Type: 106, Required: true}}},
	{Key: "FSerialSubEntity", Parent: "FEntity"},
}}

func inText(t *testing.T, reply string) string {
	t.Helper()
	text, err := json.Marshal(reply)
	require.NoError(t, err)
	return string(text)
}

func TestForm(t *testing.T) {
	_, data, _ := strings.Cut(formReply, `"NeedReturnData":`)
	data = strings.TrimSuffix(data, "}}")
	for name, reply := range map[string]string{
		"as documented":             formReply,
		"an object within a text":   inText(t, formReply),
		"the data within a text":    `{"Result":{"ResponseStatus":{"IsSuccess":true,"Errors":[],"MsgCode":0},"NeedReturnData":` + inText(t, data) + `}}`,
		"without a status":          `{"Result":{"NeedReturnData":` + data + `}}`,
		"the data alone":            data,
		"in lists":                  `[[` + formReply + `]]`,
		"a status that says little": `{"Result":{"ResponseStatus":{"IsSuccess":true},"NeedReturnData":` + data + `}}`,
		"flags as booleans":         strings.NewReplacer(`"MustInput":1`, `"MustInput":true`, `"MustInput":0`, `"MustInput":false`).Replace(formReply),
		"flags and types as texts":  strings.NewReplacer(`"MustInput":1`, `"MustInput":"1"`, `"MustInput":0`, `"MustInput":"0"`, `127`, `"127"`, `"Invalid":true`, `"Invalid":"True"`).Replace(formReply),
		"a must of another number":  strings.ReplaceAll(formReply, `"MustInput":1`, `"MustInput":2`),
		"names as texts": strings.NewReplacer(`[{"Key":2052,"Value":"单据头"}]`, `"单据头"`, `[{"Key":2052,"Value":"业务组织"}]`, `"业务组织"`,
			`[{"Key":2052,"Value":"货主类型"}]`, `{"Key":"2052","Value":"货主类型"}`).Replace(formReply),
		"names of other case":   strings.NewReplacer(`"Entrys"`, `"entrys"`, `"MustInput"`, `"mustInput"`, `"LookUpObjectFormId"`, `"LookupObjectFormID"`).Replace(formReply),
		"names in one language": strings.NewReplacer(`{"Key":1033,"Value":"Sales Return"},`, ``, `"Key":2052`, `"Key":3076`).Replace(formReply),
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, r *http.Request, body string) {
				assert.Equal(t, "QueryBusinessInfo", methodOf(r))
				assert.Equal(t, golden(t, "query_business_info.json"), body)
				write(w, reply)
			})
			form, err := newClient(t, vectorConfig(server.URL)).Form(t.Context(), "SAL_RETURNSTOCK")
			require.NoError(t, err)
			assert.Equal(t, wantForm, form)
		})
	}
}

func TestFormRefused(t *testing.T) {
	refused := func(code, message string) string {
		return status(`"IsSuccess":false,"Errors":[{"FieldName":null,"Message":"` + message + `","DIndex":0}],"SuccessEntitys":[],"MsgCode":` + code)
	}
	for name, test := range map[string]struct {
		reply  string
		class  fault.Class
		reason string
	}{
		"no right":                    {refused("2", "您没有查看的权限"), fault.Final, "no_permission"},
		"unknown form":                {refused("4", "业务对象不存在"), fault.Final, "bad_query"},
		"session lost":                {lostReply, fault.SessionLost, "session_lost"},
		"call limit":                  {refused("14", "x"), fault.RateLimited, "call_limit"},
		"a refusal without errors":    {status(`"IsSuccess":false,"MsgCode":2`), fault.Final, "no_permission"},
		"no data":                     {status(`"IsSuccess":true,"Errors":[],"MsgCode":0`), fault.Retry, "malformed_reply"},
		"no entries":                  {`{"Result":{"NeedReturnData":{"Id":"X"}}}`, fault.Retry, "malformed_reply"},
		"entries that are none":       {`{"Result":{"NeedReturnData":{"Entrys":"x"}}}`, fault.Retry, "malformed_reply"},
		"a field without a key":       {`{"Result":{"NeedReturnData":{"Entrys":[{"Key":"FBillHead","Fields":[{}]}]}}}`, fault.Retry, "malformed_reply"},
		"fields that are none":        {`{"Result":{"NeedReturnData":{"Entrys":[{"Key":"FBillHead","Fields":[7]}]}}}`, fault.Retry, "malformed_reply"},
		"a service that is not there": {`response_error:{"Message":"找不到服务"}`, fault.Retry, "exception"},
		"cut short":                   {formReply[:400], fault.Retry, "malformed_reply"},
		"null":                        {`null`, fault.Retry, "malformed_reply"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, vectorConfig(always(t, test.reply).URL)).Form(t.Context(), "SAL_RETURNSTOCK")
			requireFault(t, err, test.class, test.reason)
		})
	}
}

func TestPartsAndFieldsOfAForm(t *testing.T) {
	assert.Equal(t, "FBillHead", wantForm.Head().Key)
	assert.Equal(t, "明细信息", wantForm.Part("fentity").Name)
	assert.Nil(t, wantForm.Part("FOther"))
	assert.Equal(t, "FRetcustId", wantForm.Head().Field("FRETCUSTID").Key)
	assert.Nil(t, wantForm.Head().Field("FOther"))
	otherwise := Form{Parts: []FormPart{{Key: "FEntity"}, {Key: "FHead", Fields: []FormField{{Key: "FBillNo"}}}}}
	assert.Equal(t, "FHead", otherwise.Head().Key, "a head of another key is the part that has the number")
	assert.Nil(t, Form{}.Head())
}

func FuzzDecodeForm(f *testing.F) {
	for _, reply := range []string{formReply, lostReply, `{"Entrys":[]}`, `{"Entrys":[{"Fields":[{"Key":7,"Name":[{}],"Extends":[{}]}]}]}`, `"{\"Entrys\":null}"`, `[]`, `null`} {
		f.Add([]byte(reply))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		form, err := decodeForm(raw)
		if err != nil {
			checkFault(t, err)
			return
		}
		for _, part := range form.Parts {
			for _, field := range part.Fields {
				if field.Key == "" || part.Field(field.Key) == nil {
					t.Fatalf("%+v", field)
				}
			}
		}
	})
}
