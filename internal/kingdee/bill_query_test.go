package kingdee

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

func TestExecuteBillQuery(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request, body string) {
		assert.Equal(t, "ExecuteBillQuery", methodOf(r))
		assert.Equal(t, golden(t, "execute_bill_query.json"), body)
		write(w, `[[9007199254740993,"RT100",null,true,0.10],["2","b"]]`)
	})
	rows, err := newClient(t, vectorConfig(server.URL)).ExecuteBillQuery(t.Context(), BillQuery{
		FormID:       "SAL_RETURNSTOCK",
		FieldKeys:    "FID,FRetcustId.FNumber",
		FilterString: "FBillNo in ('A','B') and FDate<'2024-03-01'",
		OrderString:  "FID",
		StartRow:     2000,
		Limit:        100,
	})
	require.NoError(t, err)
	assert.Equal(t, [][]any{
		{json.Number("9007199254740993"), "RT100", nil, true, json.Number("0.10")},
		{"2", "b"},
	}, rows)
}

func TestDecodeRows(t *testing.T) {
	failed := func(code string) string {
		return `[[` + status(`"IsSuccess":"false","Errors":[{"FieldName":"FX","Message":"字段FX不存在","DIndex":0}],"SuccessEntitys":null,"MsgCode":`+code) + `]]`
	}
	for name, test := range map[string]struct {
		reply  string
		rows   int
		class  fault.Class
		reason string
	}{
		"no rows":                     {`[]`, 0, "", ""},
		"rows":                        {"\n [ [1], [2] ] ", 2, "", ""},
		"an object that is no status": {`[[{"a":1}]]`, 1, "", ""},
		"session lost":                {lostQueryReply, 0, fault.SessionLost, "session_lost"},
		"session lost, not wrapped":   {lostReply, 0, fault.SessionLost, "session_lost"},
		"session lost, wrapped once":  {`[` + lostReply + `]`, 0, fault.SessionLost, "session_lost"},
		"unknown form or bad filter":  {failed("4"), 0, fault.Final, "bad_query"},
		"no FieldKeys":                {failed("8"), 0, fault.Final, "bad_query"},
		"unknown field":               {failed("9"), 0, fault.Final, "bad_query"},
		"unknown field, code as text": {failed(`"9"`), 0, fault.Final, "bad_query"},
		"no permission":               {failed("2"), 0, fault.Final, "no_permission"},
		"database":                    {failed("6"), 0, fault.Retry, "database_failure"},
		"call limit":                  {failed("14"), 0, fault.RateLimited, "call_limit"},
		"unknown error":               {failed("0"), 0, fault.Retry, "unknown_error"},
		"an error without errors":     {`[[` + status(`"MsgCode":4`) + `]]`, 0, fault.Final, "bad_query"},
		"null is not no rows":         {`null`, 0, fault.Retry, "malformed_reply"},
		"an object":                   {`{}`, 0, fault.Retry, "malformed_reply"},
		"rows that are none":          {`[1,2]`, 0, fault.Retry, "malformed_reply"},
		"cut short":                   {`[[1,2],[3`, 0, fault.Retry, "malformed_reply"},
		"more after the rows":         {`[][]`, 0, fault.Retry, "malformed_reply"},
		"not JSON":                    {`服务器忙`, 0, fault.Retry, "malformed_reply"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := decodeRows([]byte(test.reply))
			if test.class != "" {
				requireFault(t, err, test.class, test.reason)
				return
			}
			require.NoError(t, err)
			assert.Len(t, rows, test.rows)
		})
	}
}

func TestCheck(t *testing.T) {
	reply := `[[1]]`
	server := serve(t, func(w http.ResponseWriter, r *http.Request, body string) {
		assert.Equal(t, "ExecuteBillQuery", methodOf(r))
		assert.Equal(t, golden(t, "check.json"), body)
		write(w, reply)
	})
	c := newClient(t, vectorConfig(server.URL))
	require.NoError(t, c.Check(t.Context(), "SAL_RETURNSTOCK"))
	reply = `[]`
	require.NoError(t, c.Check(t.Context(), "SAL_RETURNSTOCK"), "an account without return bills is fine")
	reply = `[[` + status(`"Errors":[{"Message":"没有权限"}],"MsgCode":2`) + `]]`
	requireFault(t, c.Check(t.Context(), "SAL_RETURNSTOCK"), fault.Final, "no_permission")
}
