package kingdee

import (
	"encoding/json"
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/httpfault"
)

// Replies that integrators report.
func TestReportedReplies(t *testing.T) {
	var reported struct {
		Saves []struct {
			Name  string
			Reply json.RawMessage
		} `json:"batch_save"`
		HTTP []struct {
			Name, Body string
			Status     int
		}
	}
	require.NoError(t, json.Unmarshal([]byte(golden(t, "reported_replies.json")), &reported))
	for _, reply := range reported.Saves {
		reported.HTTP = append(reported.HTTP, struct {
			Name, Body string
			Status     int
		}{reply.Name, string(reply.Reply), http.StatusOK})
	}
	want := map[string]struct {
		class        fault.Class
		reason       string
		says, advice string
	}{
		"status_at_the_top":          {fault.SessionLost, "session_lost", "会话信息已丢失", "KINGDEE_APP_SECRET"},
		"plain_refusal_without_code": {fault.Final, "field_required", "退货客户", "flow file"},
		"quoted_remark":              {fault.Final, "validation_failed", "超过长度", "flow file"},
		"public_gateway":             {fault.Final, "gateway_refused", "signature invalid", "this machine's clock"},
		"wrong_data_centre":          {fault.Final, "wrong_data_centre", "Fail to verify thirty passport", "KINGDEE_ACCT_ID"},
		"json_in_a_string":           {},
	}
	require.Len(t, reported.HTTP, len(want))
	for _, reply := range reported.HTTP {
		t.Run(reply.Name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
				w.WriteHeader(reply.Status)
				write(w, reply.Body)
			})
			results, err := newClient(t, vectorConfig(server.URL)).BatchSave(t.Context(), oneBill)
			if err == nil {
				err = results[0].Err
			}
			want := want[reply.Name]
			if want.class == "" {
				require.NoError(t, err)
				require.Equal(t, BillResult{ID: "1", Number: "70004"}, results[0])
				return
			}
			f := requireFault(t, err, want.class, want.reason)
			assert.Contains(t, f.What().String(), want.says)
			assert.Contains(t, f.Advice.String(), want.advice)
		})
	}
}

// Whatever the status, the body is more specific.
func TestTextsInsteadOfReplies(t *testing.T) {
	gateway := func(code, text string) string { return fmt.Sprintf(`{"errcode":%s,"description":%q}`, code, text) }
	for name, test := range map[string]struct {
		status int
		body   string
		class  fault.Class
		reason string
		says   string
	}{
		"the gateway refuses":                     {519, gateway("4002", "signature invalid"), fault.Final, "gateway_refused", "4002"},
		"the gateway refuses, in other words":     {519, gateway(`"E77"`, "application disabled"), fault.Final, "gateway_refused", "application disabled"},
		"the gateway refuses with HTTP 200":       {200, `{"code":"403","msg":"app not found"}`, fault.Final, "gateway_refused", "app not found"},
		"the gateway limits calls":                {519, gateway("4029", "too many requests"), fault.RateLimited, "call_limit", "too many requests"},
		"the gateway's 519 without a code":        {519, `upstream`, fault.Retry, "http_status", "upstream"},
		"a signature refused with 401":            {401, `{"message":"Signature does not match"}`, fault.Final, "gateway_refused", "does not match"},
		"no such data centre":                     {500, "Fail to verify thirty passport", fault.Final, "wrong_data_centre", "passport"},
		"no such data centre, in JSON":            {500, `{"Message":"Fail to verify thirty passport"}`, fault.Final, "wrong_data_centre", "passport"},
		"no such data centre, with HTTP 200":      {200, `Fail to verify thirty passport`, fault.Final, "wrong_data_centre", "passport"},
		"no such data centre, as a refusal":       {200, status(`"MsgCode":11,"Errors":[{"Message":"当前尝试登录的数据中心无法获取到","DIndex":0}]`), fault.Final, "wrong_data_centre", "数据中心"},
		"a user that may not call":                {200, status(`"MsgCode":11,"Errors":[{"Message":"当前用户未指定允许调用WebAPI接口","DIndex":0}]`), fault.Final, "webapi_forbidden", "WebAPI"},
		"a page":                                  {200, "\ufeff \n<!DOCTYPE html><html><head><style>p{}</style><title>Welcome &amp; go</title></head></html>", fault.Final, "wrong_address", "“Welcome & go”"},
		"a page with an error":                    {500, "<html><title>Runtime Error</title></html>", fault.Retry, "http_status", "“Runtime Error”"},
		"a page that is not there":                {404, "<html>Not Found</html>", fault.Final, "http_status", "“Not Found”"},
		"a refusal with HTTP 500":                 {500, status(`"MsgCode":2,"Errors":[{"Message":"没有权限","DIndex":0}]`), fault.Final, "no_permission", "没有权限"},
		"a limit with HTTP 500":                   {500, status(`"MsgCode":14,"Errors":[{"Message":"x","DIndex":0}]`), fault.RateLimited, "call_limit", "x"},
		"a deadlock with HTTP 500":                {500, `{"Message":"事务与另一个进程发生死锁"}`, fault.Retry, "database_failure", "死锁"},
		"a time-out with HTTP 500":                {500, `Timeout expired`, fault.Retry, "http_status", "Timeout expired"},
		"a success with HTTP 500":                 {500, savedReply, fault.Retry, "http_status", ""},
		"a success of the gateway is no refusal":  {200, `{"code":200,"data":null}`, fault.Retry, "malformed_reply", ""},
		"a text":                                  {200, "Service Unknown", fault.Retry, "malformed_reply", "Service Unknown"},
		"a text in quotes":                        {200, `"Service Unknown"`, fault.Retry, "malformed_reply", "Service Unknown"},
		"a limit as text":                         {200, "接口调用频率超限", fault.RateLimited, "call_limit", "频率"},
		"the framework's text, written twice":     {200, `"response_error:{\"Message\":\"超时\"}"`, fault.Retry, "exception", "超时"},
		"the framework's text around a status":    {200, `response_error:` + status(`"MsgCode":2,"Errors":["x"]`), fault.Final, "no_permission", "x"},
		"a conflict, written as texts":            {200, status(`"MsgCode":0,"Errors":["` + "“demo”使用业务单据冲突，请稍候再使用。" + `"]`), fault.Retry, "network_control", "冲突"},
		"a redirect":                              {302, ``, fault.Final, "redirect", "another address"},
		"a body that is longer than what is read": {500, "<p>" + string(make([]byte, 2*readable)), fault.Retry, "http_status", "…"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
				w.WriteHeader(test.status)
				write(w, test.body)
			})
			results, err := newClient(t, vectorConfig(server.URL)).BatchSave(t.Context(), oneBill)
			if err == nil {
				err = results[0].Err
			}
			f := requireFault(t, err, test.class, test.reason)
			assert.Contains(t, f.What().String(), test.says)
			assert.Less(t, len(f.Error()), 4000)
			assert.NotEmpty(t, f.Advice.String())
			if test.status != http.StatusOK {
				assert.Equal(t, httpfault.Code(test.status), f.Code)
			}
			switch test.reason {
			case "gateway_refused":
				assert.Contains(t, f.Advice.String(), "KINGDEE_APP_SECRET")
				assert.Contains(t, f.Advice.String(), "clock")
			case "wrong_data_centre":
				assert.Contains(t, f.Advice.String(), "KINGDEE_ACCT_ID")
			case "wrong_address":
				assert.Contains(t, f.Advice.String(), "KINGDEE_URL")
			}
		})
	}
}

// shapes are the known shapes of a reply with a ResponseStatus.
func shapes(status string) map[string]string {
	twice := func(text string) string {
		raw, err := json.Marshal(text)
		if err != nil {
			panic(err) // a string always marshals
		}
		return string(raw)
	}
	result := `{"Result":{"ResponseStatus":` + status + `}}`
	return map[string]string{
		"in Result":            result,
		"at the top":           `{"ResponseStatus":` + status + `}`,
		"bare":                 status,
		"bare in Result":       `{"Result":` + status + `}`,
		"in a list":            `[` + result + `]`,
		"in two lists":         ` [ [` + result + `] ] `,
		"within an envelope":   `{"code":"500","message":"x","data":` + result + `}`,
		"written twice":        twice(result),
		"written three times":  twice(twice(result)),
		"Result written twice": `{"Result":` + twice(`{"ResponseStatus":`+status+`}`) + `}`,
		"after a mark":         "\ufeff" + result,
		"in lower case":        `{"result":{"responseStatus":` + status + `}}`,
		"beside other things":  `{"A":"{no JSON","B":{"C":[1]},"Result":{"Id":1,"ResponseStatus":` + status + `}}`,
	}
}

func TestStatusAtAnyDepth(t *testing.T) {
	for name, reply := range shapes(`{"MsgCode":11,"Errors":[{"FieldName":"FDate","Message":"x","DIndex":0}],"SuccessEntitys":[{"Id":7,"Number":"B","DIndex":1}]}`) {
		t.Run(name, func(t *testing.T) {
			results, err := newClient(t, vectorConfig(always(t, reply).URL)).BatchSave(t.Context(), BatchSave{Model: bills(`{}`, `{}`)})
			require.NoError(t, err)
			requireFault(t, results[0].Err, fault.Final, "validation_failed")
			assert.Equal(t, BillResult{ID: "7", Number: "B"}, results[1])
		})
	}
	for name, reply := range shapes(`{"MsgCode":9,"Errors":["元数据中标识为X的字段不存在"]}`) {
		t.Run("of a query "+name, func(t *testing.T) {
			_, err := newClient(t, vectorConfig(always(t, reply).URL)).ExecuteBillQuery(t.Context(), BillQuery{})
			f := requireFault(t, err, fault.Final, "bad_query")
			assert.Contains(t, f.Message, "元数据")
		})
	}
}

// The text of a cell is a value, whatever it looks like.
func TestNoStatusInACell(t *testing.T) {
	cell, err := json.Marshal(lostReply)
	require.NoError(t, err)
	for _, reply := range []string{`[[` + string(cell) + `]]`, `[[1,` + string(cell) + `]]`} {
		rows, err := newClient(t, vectorConfig(always(t, reply).URL)).ExecuteBillQuery(t.Context(), BillQuery{})
		require.NoError(t, err)
		require.Len(t, rows, 1)
	}
}

func TestRowsWrittenTwice(t *testing.T) {
	rows, err := newClient(t, vectorConfig(always(t, `"[[1,\"A\"]]"`).URL)).ExecuteBillQuery(t.Context(), BillQuery{})
	require.NoError(t, err)
	require.Equal(t, [][]any{{json.Number("1"), "A"}}, rows)
}
