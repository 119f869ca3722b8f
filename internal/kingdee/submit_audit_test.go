package kingdee

import (
	"context"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

func TestSubmitAndAuditBodies(t *testing.T) {
	for method, call := range map[string]func(*Client, context.Context, BillForm, []string) ([]BillResult, error){
		"Submit": (*Client).Submit,
		"Audit":  (*Client).Audit,
	} {
		t.Run(method, func(t *testing.T) {
			file := map[string]string{"Submit": "submit.json", "Audit": "audit.json"}[method]
			requests := 0
			server := serve(t, func(w http.ResponseWriter, r *http.Request, body string) {
				requests++
				assert.Equal(t, method, methodOf(r))
				assert.Equal(t, golden(t, file), body)
				write(w, savedReply)
			})
			c := newClient(t, vectorConfig(server.URL))
			results, err := call(c, t.Context(), returns, []string{"RT100", "RT<1>"})
			require.NoError(t, err)
			assert.Equal(t, BillResult{ID: "100040", Number: "RT100"}, results[0])
			f := requireFault(t, results[1].Err, fault.Retry, "unclear")
			assert.Equal(t, method, f.Call)

			results, err = call(c, t.Context(), returns, nil)
			require.NoError(t, err)
			assert.Empty(t, results)
			assert.Equal(t, 1, requests, "no numbers, no call")
		})
	}
}

func TestSubmitResultsByNumber(t *testing.T) {
	numbers := []string{"RT1", "RT10", "RT2"}
	for name, test := range map[string]struct {
		reply string
		want  []outcome
	}{
		"in the order that the bills were loaded": {
			status(`"SuccessEntitys":[{"Id":2,"Number":"RT2","DIndex":0},{"Id":1,"Number":"RT1","DIndex":1},{"Id":10,"Number":"RT10","DIndex":2}]`),
			[]outcome{{id: "1"}, {id: "10"}, {id: "2"}}},
		"without numbers": {
			status(`"SuccessEntitys":[{"Id":2,"DIndex":2},{"Id":1,"DIndex":0},{"Id":10,"DIndex":1}]`),
			[]outcome{{id: "1"}, {id: "10"}, {id: "2"}}},
		"an error that quotes its bill": {
			status(`"MsgCode":11,"Errors":[{"Message":"单据编号为“RT10”的销售退货单，单据已经审核！","DIndex":0}],"SuccessEntitys":[{"Id":2,"Number":"RT2","DIndex":1},{"Id":1,"Number":"RT1","DIndex":2}]`),
			[]outcome{{id: "1"}, {class: fault.Final, reason: "validation_failed"}, {id: "2"}}},
		"an error that quotes two bills": {
			status(`"MsgCode":12,"Errors":[{"Message":"“RT1”和“RT10”","DIndex":2}],"SuccessEntitys":[{"Id":1,"Number":"RT1"},{"Id":10,"Number":"RT10"}]`),
			[]outcome{{id: "1"}, {id: "10"}, {class: fault.Retry, reason: "not_operable"}}},
		"an error that quotes none": {
			status(`"MsgCode":10,"Errors":[{"Message":"不存在","DIndex":1}],"SuccessEntitys":[{"Id":1,"Number":"RT1"},{"Id":2,"Number":"RT2"}]`),
			[]outcome{{id: "1"}, {class: fault.Final, reason: "not_found"}, {id: "2"}}},
	} {
		t.Run(name, func(t *testing.T) {
			results, err := decodeResults("Submit", []byte(test.reply), len(numbers), byNumber(numbers))
			require.NoError(t, err)
			var got []outcome
			for _, r := range results {
				got = append(got, outcomeOf(r))
			}
			assert.Equal(t, test.want, got)
		})
	}
}
