package kingdee

import (
	"encoding/json"
	"fmt"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/fault"
)

func status(fields string) string { return `{"Result":{"ResponseStatus":{` + fields + `}}}` }

// outcome is a BillResult in short: the id, or the error's class and reason.
type outcome struct {
	id     string
	class  fault.Class
	reason string
}

func outcomeOf(r BillResult) outcome {
	o := outcome{id: r.ID}
	if f := fault.As(r.Err); f != nil {
		o.class, o.reason = f.Class, f.Reason
	}
	return o
}

func TestResultsBillByBill(t *testing.T) {
	saved := func(id string) outcome { return outcome{id: id} }
	final := func(reason string) outcome { return outcome{class: fault.Final, reason: reason} }
	retry := func(reason string) outcome { return outcome{class: fault.Retry, reason: reason} }
	for name, test := range map[string]struct {
		reply string
		want  []outcome
	}{
		"all saved, in any order": {
			status(`"IsSuccess":true,"Errors":[],"SuccessEntitys":[{"Id":8,"Number":"B","DIndex":1},{"Id":7,"Number":"A","DIndex":0}],"MsgCode":0`),
			[]outcome{saved("7"), saved("8")}},
		"partly saved": {
			status(`"IsSuccess":false,"Errors":[{"FieldName":"FBillNo","Message":"` + duplicateText + `","DIndex":0}],"SuccessEntitys":[{"Id":8,"DIndex":1}],"MsgCode":11`),
			[]outcome{final("number_used"), saved("8")}},
		"partly saved, with IsSuccess true": {
			status(`"IsSuccess":"true","Errors":[{"Message":"` + requiredText + `","DIndex":1}],"SuccessEntitys":[{"Id":7,"DIndex":0}],"MsgCode":0`),
			[]outcome{saved("7"), final("field_required")}},
		"texts for numbers": {
			status(`"IsSuccess":"False","Errors":[{"Message":"` + requiredLineText + `","DIndex":"1"}],"SuccessEntitys":[{"Id":"7","DIndex":"0"}],"MsgCode":"11"`),
			[]outcome{saved("7"), final("field_required")}},
		"a large Id stays exact": {
			status(`"SuccessEntitys":[{"Id":9007199254740993,"DIndex":0},{"Id":"9007199254740995","DIndex":1}]`),
			[]outcome{saved("9007199254740993"), saved("9007199254740995")}},
		"in neither list": {
			status(`"IsSuccess":true,"Errors":[],"SuccessEntitys":[{"Id":7,"DIndex":0}],"MsgCode":0`),
			[]outcome{saved("7"), retry("unclear")}},
		"no lists": {
			status(`"IsSuccess":true,"Errors":null,"SuccessEntitys":null,"MsgCode":0`),
			[]outcome{retry("unclear"), retry("unclear")}},
		"an empty status": {status(``), []outcome{retry("unclear"), retry("unclear")}},
		"one failed, the other in neither list": {
			status(`"Errors":[{"Message":"` + requiredText + `","DIndex":0}],"SuccessEntitys":[],"MsgCode":11`),
			[]outcome{final("field_required"), retry("unclear")}},
		"in both lists": {
			status(`"Errors":[{"Message":"审核失败","DIndex":0}],"SuccessEntitys":[{"Id":7,"DIndex":0},{"Id":8,"DIndex":1}],"MsgCode":11`),
			[]outcome{{"7", fault.Retry, "unclear"}, saved("8")}},
		"twice in the list, one bill": {
			status(`"SuccessEntitys":[{"Id":7,"DIndex":0},{"Id":"7","DIndex":0},{"Id":8,"DIndex":1}]`),
			[]outcome{saved("7"), saved("8")}},
		"twice in the list, two bills": {
			status(`"SuccessEntitys":[{"Id":7,"DIndex":0},{"Id":8,"DIndex":0}]`),
			[]outcome{{"7", fault.Retry, "unclear"}, retry("unclear")}},
		"success without an id": {
			status(`"SuccessEntitys":[{"Id":"","DIndex":0},{"Id":0,"DIndex":1},null]`),
			[]outcome{retry("unclear"), retry("unclear")}},
		"entries of no bill": {
			status(`"Errors":[{"Message":"a","DIndex":2},{"Message":"b","DIndex":-1},{"Message":"c"},null],"SuccessEntitys":[{"Id":7,"DIndex":9},{"Id":8},{"Id":9,"DIndex":null}],"MsgCode":11`),
			[]outcome{retry("unclear"), retry("unclear")}},
		"a conflict on one bill": {
			status(`"Errors":[{"Message":"` + conflictText + `","DIndex":1}],"SuccessEntitys":[{"Id":7,"DIndex":0}],"MsgCode":0`),
			[]outcome{saved("7"), retry("network_control")}},
		"the text outweighs the code of the reply": {
			status(`"Errors":[{"Message":"` + requiredText + `","DIndex":0},{"Message":"` + conflictText + `","DIndex":1}],"MsgCode":13`),
			[]outcome{final("field_required"), retry("network_control")}},
		"a limit that struck after the first bill": {
			status(`"Errors":[{"Message":"x","DIndex":1}],"SuccessEntitys":[{"Id":7,"DIndex":0}],"MsgCode":14`),
			[]outcome{saved("7"), retry("call_limit")}},
		"no permission for one bill's organisation": {
			status(`"Errors":[{"Message":"x","DIndex":1}],"SuccessEntitys":[{"Id":7,"DIndex":0}],"MsgCode":2`),
			[]outcome{saved("7"), final("no_permission")}},
		"one error without an index, about the only bill": {
			status(`"Errors":[{"Message":"` + requiredText + `"}],"MsgCode":11`),
			[]outcome{final("field_required")}},
	} {
		t.Run(name, func(t *testing.T) {
			results, err := decodeResults("BatchSave", []byte(test.reply), len(test.want), byIndex)
			require.NoError(t, err)
			var got []outcome
			for _, r := range results {
				got = append(got, outcomeOf(r))
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestErrorsOfTheCall(t *testing.T) {
	one := func(code int, text string) string {
		return status(fmt.Sprintf(`"IsSuccess":false,"Errors":[{"FieldName":null,"Message":"%s","DIndex":0}],"SuccessEntitys":[],"MsgCode":%d`, text, code))
	}
	for name, test := range map[string]struct {
		reply  string
		class  fault.Class
		reason string
	}{
		"1 session lost":             {lostReply, fault.SessionLost, "session_lost"},
		"session lost by its text":   {one(0, "会话信息已丢失，请重新登录"), fault.SessionLost, "session_lost"},
		"2 no permission":            {one(2, "x"), fault.Final, "no_permission"},
		"3 operation id empty":       {one(3, "x"), fault.Final, "bad_request"},
		"4 exception":                {one(4, "未将对象引用设置到对象的实例"), fault.Retry, "exception"},
		"6 database failure":         {one(6, "x"), fault.Retry, "database_failure"},
		"7 licence":                  {one(7, "x"), fault.Final, "licence"},
		"8 bad parameter":            {one(8, "x"), fault.Final, "bad_request"},
		"13 network control":         {one(13, "x"), fault.Retry, "network_control"},
		"network control by text":    {one(0, conflictText), fault.Retry, "network_control"},
		"14 call limit":              {one(14, "x"), fault.RateLimited, "call_limit"},
		"15 administrator":           {one(15, "x"), fault.Final, "administrator_forbidden"},
		"an unknown code":            {one(99, "x"), fault.Retry, "unknown_error"},
		"the session lost, and more": {status(`"Errors":[{"Message":"` + conflictText + `","DIndex":0},{"Message":"会话信息已丢失，请重新登录","DIndex":0}],"MsgCode":0`), fault.SessionLost, "session_lost"},
		"no index":                   {status(`"Errors":[{"Message":"x"}],"MsgCode":2`), fault.Final, "no_permission"},
		"no errors, but a code":      {status(`"Errors":null,"SuccessEntitys":null,"MsgCode":"14"`), fault.RateLimited, "call_limit"},
		"framework error":            {`response_error:{"Message":"超时"}`, fault.Retry, "exception"},
		"framework error, no JSON":   {` response_error:boom`, fault.Retry, "exception"},
		"framework error, conflict":  {`response_error:{"Message":"` + conflictText + `"}`, fault.Retry, "network_control"},
		"framework error, empty":     {`response_error:`, fault.Retry, "exception"},
		"malformed":                  {`{"Result":"甲`, fault.Retry, "malformed_reply"},
		"malformed, written twice":   {`"{\"Result\":\"甲`, fault.Retry, "malformed_reply"},
		"nothing":                    {``, fault.Retry, "malformed_reply"},
		"null":                       {`null`, fault.Retry, "malformed_reply"},
		"no Result":                  {`{"Result":null}`, fault.Retry, "malformed_reply"},
		"no ResponseStatus":          {`{"Result":{"Id":1}}`, fault.Retry, "malformed_reply"},
		"two values":                 {savedReply + savedReply, fault.Retry, "malformed_reply"},
		"a list that is none":        {status(`"SuccessEntitys":7`), fault.Retry, "malformed_reply"},
	} {
		for _, bills := range []int{1, 3} {
			t.Run(fmt.Sprintf("%s, of %d", name, bills), func(t *testing.T) {
				c := newClient(t, vectorConfig(always(t, test.reply).URL))
				batch := BatchSave{Model: make([]json.RawMessage, bills)}
				for i := range batch.Model {
					batch.Model[i] = json.RawMessage(`{}`)
				}
				results, err := c.BatchSave(t.Context(), batch)
				f := requireFault(t, err, test.class, test.reason)
				assert.Nil(t, results)
				assert.False(t, f.What().IsZero())
				assert.NotEmpty(t, f.Advice.String())
				assert.NotContains(t, f.Error(), "甲", "a reply that is not understood is not quoted")
				switch test.reason {
				case "network_control":
					assert.Equal(t, conflictDelay, f.Delay)
				case "call_limit":
					assert.Equal(t, callLimitDelay, f.Delay)
				}
			})
		}
	}
}

func TestErrorsOfOneBill(t *testing.T) {
	for name, test := range map[string]struct {
		field, text string
		code        int
		reason      string
	}{
		"duplicate number":            {"FBillNo", duplicateText, 11, "number_used"},
		"duplicate number, no field":  {"", duplicateText, 11, "number_used"},
		"duplicate, code 0":           {"FBILLNO", duplicateText, 0, "number_used"},
		"duplicate of another field":  {"FThirdBillNo", duplicateText, 11, "not_unique"},
		"required head field":         {"FRetcustId", requiredText, 11, "field_required"},
		"required line field":         {"", requiredLineText, 11, "field_required"},
		"required, no text":           {"FRetcustId", "", 9, "field_required"},
		"unknown customer":            {"FRetcustId", "客户【CUST_9】不存在", 11, "unknown_base_data"},
		"unknown by text":             {"", "基础资料“仓库”编码“CK9”找不到", 11, "unknown_base_data"},
		"base data out of use":        {"FStockId", "仓库已禁用", 11, "unknown_base_data"},
		"unknown material":            {"FMaterialId", "编码“SKU-9”不存在", 11, "unknown_material"},
		"unknown material, as a path": {"FEntity.FMATERIALID", "“SKU-9”未找到", 9, "unknown_material"},
		"unknown material by text":    {"", "物料编码【SKU-9】不存在", 11, "unknown_material"},
		"validation failed":           {"", "日期在已关账期间", 11, "validation_failed"},
		"not found":                   {"", "x", 10, "not_found"},
		"bill id empty":               {"", "x", 5, "missing_id"},
	} {
		t.Run(name, func(t *testing.T) {
			message, err := json.Marshal(test.text)
			require.NoError(t, err)
			results, err := decodeResults("BatchSave", []byte(status(fmt.Sprintf(
				`"Errors":[{"FieldName":%q,"Message":%s,"DIndex":0}],"SuccessEntitys":[],"MsgCode":%d`, test.field, message, test.code))), 1, byIndex)
			require.NoError(t, err)
			f := requireFault(t, results[0].Err, fault.Final, test.reason)
			assert.Equal(t, test.field, f.Field)
			assert.Equal(t, strconv.Itoa(test.code), f.Code)
			assert.NotEmpty(t, f.Advice.String())
			if test.text != "" {
				assert.Equal(t, test.text, f.Message, "Kingdee's own text")
			}
		})
	}
}

// The state that a look-up showed may have changed by the next call: a retry looks it up.
func TestBillInAnotherStateIsRetried(t *testing.T) {
	results, err := decodeResults("Submit", []byte(status(`"Errors":[{"FieldName":"","Message":"单据已经审核！","DIndex":0}],"SuccessEntitys":[],"MsgCode":12`)), 1, byIndex)
	require.NoError(t, err)
	f := requireFault(t, results[0].Err, fault.Retry, "not_operable")
	assert.Equal(t, "单据已经审核！", f.Message)
}

func TestSeveralErrorsOfOneBill(t *testing.T) {
	results, err := decodeResults("BatchSave", []byte(status(`"MsgCode":11,"Errors":[
		{"FieldName":null,"Message":"`+conflictText+`","DIndex":0},
		{"FieldName":"FStockId","Message":"`+requiredLineText+`","DIndex":0},
		{"FieldName":"FStockId","Message":"`+requiredLineText+`","DIndex":0},
		{"FieldName":"FBillNo","Message":"`+duplicateText+`","DIndex":0}]`)), 1, byIndex)
	require.NoError(t, err)
	f := requireFault(t, results[0].Err, fault.Final, "number_used")
	assert.Equal(t, "FBillNo", f.Field)
	assert.Equal(t, duplicateText+"；"+conflictText+"；FStockId："+requiredLineText, f.Message)
	assert.Equal(t, "Kingdee BatchSave [11]: FBillNo: "+f.Message+" — "+numberUsed.advice.String(), f.Error())
}

func TestLongTextsAreBounded(t *testing.T) {
	long := make([]byte, 0, 1<<20)
	for range 1 << 17 {
		long = append(long, "是必填项"...)
	}
	results, err := decodeResults("BatchSave", []byte(status(`"Errors":[{"FieldName":"`+string(long)+`","Message":"`+string(long)+`","DIndex":0}]`)), 1, byIndex)
	require.NoError(t, err)
	f := requireFault(t, results[0].Err, fault.Final, "field_required")
	assert.Less(t, len(f.Error()), 10_000)
}

// For any mixture of successes, errors and silence, in any order and any of the
// types that Kingdee uses, each bill gets exactly its own outcome.
func TestEachBillGetsItsOwnOutcome(t *testing.T) {
	final := []string{"字段“%s”是必填项", "违反字段唯一性要求：编码唯一。[%s]在当前系统中已经被使用。", "单据体实体【%s】第【1】行分录，【仓库】字段必录"}
	rapid.Check(t, func(t *rapid.T) {
		loose := func(value int, label string) string {
			if rapid.Bool().Draw(t, label+" as text") {
				return strconv.Quote(strconv.Itoa(value))
			}
			return strconv.Itoa(value)
		}
		kinds := rapid.SliceOfN(rapid.SampledFrom([]string{"saved", "refused", "conflict", "silence", "both"}), 1, 12).Draw(t, "bills")
		var successes, failures []string
		texts := make([][]string, len(kinds)) // of each bill's errors
		fail := func(i int, pattern string) {
			text := fmt.Sprintf(pattern, fmt.Sprintf("bill-%d-%d", i, len(texts[i])))
			texts[i] = append(texts[i], text)
			failures = append(failures, fmt.Sprintf(`{"FieldName":null,"Message":%q,"DIndex":%s}`, text, loose(i, "DIndex")))
		}
		for i, kind := range kinds {
			if kind == "saved" || kind == "both" {
				successes = append(successes, fmt.Sprintf(`{"Id":%s,"Number":"N%d","DIndex":%s}`, loose(1000+i, "Id"), i, loose(i, "DIndex")))
			}
			if kind == "refused" || kind == "both" {
				for _, pattern := range rapid.SliceOfN(rapid.SampledFrom(final), 1, 3).Draw(t, "errors") {
					fail(i, pattern)
				}
			}
			if kind == "conflict" {
				fail(i, "“%s”使用业务单据：“销售退货单”业务操作-“修改”冲突，请稍候再使用。")
			}
		}
		raw := fmt.Sprintf(`{"Result":{"ResponseStatus":{"IsSuccess":%s,"MsgCode":%s,"Errors":%s,"SuccessEntitys":%s}}}`,
			rapid.SampledFrom([]string{`true`, `false`, `"true"`, `"False"`, `null`}).Draw(t, "IsSuccess"),
			rapid.SampledFrom([]string{`0`, `11`, `"11"`, `""`, `null`}).Draw(t, "MsgCode"),
			list(rapid.Permutation(failures).Draw(t, "Errors"), rapid.Bool().Draw(t, "null")),
			list(rapid.Permutation(successes).Draw(t, "SuccessEntitys"), rapid.Bool().Draw(t, "null")))

		results, err := decodeResults("BatchSave", []byte(raw), len(kinds), byIndex)
		if len(successes) == 0 && kinds[0] == "conflict" && len(failures) == 1 {
			// A conflict on bill 0 alone is one on the call.
			requireRapidFault(t, err, fault.Retry, "network_control")
			return
		}
		require.NoError(t, err)
		require.Len(t, results, len(kinds))
		for i, kind := range kinds {
			result := results[i]
			if kind == "saved" || kind == "both" {
				require.Equal(t, strconv.Itoa(1000+i), result.ID)
				require.Equal(t, fmt.Sprintf("N%d", i), result.Number)
			} else {
				require.Empty(t, result.ID)
			}
			switch kind {
			case "saved":
				require.NoError(t, result.Err)
			case "refused":
				require.Equal(t, fault.Final, fault.As(result.Err).Class)
			case "conflict":
				requireRapidFault(t, result.Err, fault.Retry, "network_control")
			default:
				requireRapidFault(t, result.Err, fault.Retry, "unclear")
			}
			for other, lines := range texts {
				for _, text := range lines {
					if other == i {
						require.ErrorContains(t, result.Err, text)
					} else if result.Err != nil {
						require.NotContains(t, result.Err.Error(), text)
					}
				}
			}
		}
	})
}

func list(entries []string, null bool) string {
	if len(entries) == 0 && null {
		return "null"
	}
	joined := "["
	for i, entry := range entries {
		if i > 0 {
			joined += ","
		}
		joined += entry
	}
	return joined + "]"
}

func requireRapidFault(t *rapid.T, err error, class fault.Class, reason string) {
	f := fault.As(err)
	require.NotNil(t, f)
	require.Equal(t, class, f.Class)
	require.Equal(t, reason, f.Reason)
}
