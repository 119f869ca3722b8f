package kingdee

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

// The field takes precedence over the code, and the code over the words.
func TestWordsComeLast(t *testing.T) {
	const lost = "会话信息已丢失，请重新登录"
	for name, test := range map[string]struct {
		method string
		status string // without braces
		class  fault.Class
		reason string
	}{
		"a remark with a field":               {MethodBatchSave, `"MsgCode":11,"Errors":[{"FieldName":"FHeadNote","Message":"备注` + lost + `超过长度","DIndex":0}]`, fault.Final, "validation_failed"},
		"a remark with a field and no code":   {MethodBatchSave, `"Errors":[{"FieldName":"FHeadNote","Message":"备注“` + lost + `”超过长度","DIndex":0}]`, fault.Final, "validation_failed"},
		"a remark with code 11":               {MethodBatchSave, `"MsgCode":11,"Errors":[{"Message":"备注` + lost + `超过长度","DIndex":0}]`, fault.Final, "validation_failed"},
		"a quoted remark without a code":      {MethodBatchSave, `"Errors":[{"Message":"备注“` + lost + `”超过长度","DIndex":0}]`, fault.Final, "validation_failed"},
		"a remark with quotes in it":          {MethodBatchSave, `"Errors":[{"Message":"备注“”` + lost + `“”超过长度","DIndex":0}]`, fault.Final, "validation_failed"},
		"a remark about a conflict":           {MethodBatchSave, `"MsgCode":11,"Errors":[{"Message":"备注【死锁，请稍候再使用】超过长度","DIndex":0}]`, fault.Final, "validation_failed"},
		"a query that quotes its filter":      {MethodQuery, `"MsgCode":11,"Errors":[{"Message":"当前查询串无法解析--` + lost + `","DIndex":0}]`, fault.Final, "bad_query"},
		"a lost session, by its code alone":   {MethodBatchSave, `"MsgCode":1,"Errors":[{"Message":"字段是必填项","DIndex":0}]`, fault.SessionLost, "session_lost"},
		"a lost session, by words alone":      {MethodSubmit, `"MsgCode":0,"Errors":[{"Message":"` + lost + `","DIndex":0}]`, fault.SessionLost, "session_lost"},
		"a lost session, as an exception":     {MethodQuery, `"MsgCode":4,"Errors":[{"Message":"` + lost + `","DIndex":0}]`, fault.SessionLost, "session_lost"},
		"a limit, whatever the words":         {MethodBatchSave, `"MsgCode":14,"Errors":[{"Message":"字段是必填项","DIndex":0}]`, fault.RateLimited, "call_limit"},
		"a deadlock with code 11":             {MethodBatchSave, `"MsgCode":11,"Errors":[{"FieldName":"","Message":"事务（进程 ID 66）与另一个进程被死锁在锁资源上","DIndex":0}]`, fault.Retry, "database_failure"},
		"a deadlock in English":               {MethodBatchSave, `"MsgCode":11,"Errors":[{"Message":"Transaction was Deadlocked on lock resources","DIndex":0}]`, fault.Retry, "database_failure"},
		"occupied, with code 11":              {MethodSubmit, `"MsgCode":11,"Errors":[{"Message":"单据“70001”已被用户“demo”占用","DIndex":0}]`, fault.Retry, "network_control"},
		"a deadlock of a query":               {MethodQuery, `"MsgCode":4,"Errors":[{"Message":"发生死锁","DIndex":0}]`, fault.Retry, "database_failure"},
		"stock that is occupied":              {MethodBatchSave, `"MsgCode":11,"Errors":[{"Message":"库存已被占用","DIndex":0}]`, fault.Final, "validation_failed"},
		"more than the source has left":       {MethodBatchSave, `"MsgCode":11,"Errors":[{"Message":"第1行分录的退货数量超过源单可退数量","DIndex":0}]`, fault.Retry, "source_taken"},
		"a remark about a source":             {MethodBatchSave, `"MsgCode":11,"Errors":[{"Message":"备注“源单”超过长度","DIndex":0}]`, fault.Final, "validation_failed"},
		"a refusal without a code":            {MethodBatchSave, `"Errors":[{"Message":"单据日期在已关账的期间","DIndex":0}]`, fault.Final, "validation_failed"},
		"a refusal with code 0":               {MethodAudit, `"MsgCode":0,"Errors":[{"Message":"单据日期在已关账的期间","DIndex":0}]`, fault.Final, "validation_failed"},
		"a refusal that names a field":        {MethodBatchSave, `"Errors":[{"FieldName":"FDate","Message":"在已关账的期间"}]`, fault.Final, "validation_failed"},
		"no bill named":                       {MethodBatchSave, `"Errors":[{"Message":"x"}]`, fault.Retry, "unknown_error"},
		"nothing said":                        {MethodBatchSave, `"Errors":[{"DIndex":0}]`, fault.Retry, "unknown_error"},
		"an unknown code":                     {MethodBatchSave, `"MsgCode":99,"Errors":[{"Message":"x","DIndex":0}]`, fault.Retry, "unknown_error"},
		"an exception without a code":         {MethodBatchSave, `"Errors":[{"Message":"未将对象引用设置到对象的实例。","DIndex":0}]`, fault.Retry, "exception"},
		"a query that fails without a code":   {MethodQuery, `"Errors":[{"Message":"x","DIndex":0}]`, fault.Retry, "unknown_error"},
		"a number in use, without a field":    {"batchSave", `"MsgCode":11,"Errors":[{"Message":"违反字段唯一性要求：编码唯一。[占用]在当前系统中已经被使用。","DIndex":0}]`, fault.Final, "number_used"},
		"a number in use, beside a lost code": {MethodBatchSave, `"MsgCode":2,"Errors":[{"FieldName":"FBillNo","Message":"` + duplicateText + `","DIndex":0}]`, fault.Final, "number_used"},
	} {
		t.Run(name, func(t *testing.T) {
			var status responseStatus
			require.NoError(t, json.Unmarshal([]byte("{"+test.status+"}"), &status))
			f := status.failure(test.method, status.Errors)
			requireFault(t, f, test.class, test.reason)
		})
	}
}
