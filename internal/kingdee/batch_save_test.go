package kingdee

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

func bills(texts ...string) []json.RawMessage {
	model := make([]json.RawMessage, len(texts))
	for i, text := range texts {
		model[i] = json.RawMessage(text)
	}
	return model
}

func TestBatchSaveBody(t *testing.T) {
	for name, test := range map[string]struct {
		batch  BatchSave
		golden string
	}{
		"bills pass through byte for byte": {
			BatchSave{
				Form: returns,
				Model: bills(
					`{"FRetcustId": {"FNumber":"CUST_TMALL"},"FBillNo":"RT100" , "FHeadNote":"a<b & c>d 甲","FEntity":[{"FRealQty":1.50,"FTaxPrice":1e2}]}`,
					`{"FBillNo":"RT101"}`),
				BatchCount:            5,
				IsVerifyBaseDataField: true,
			}, "batch_save.json"},
		"submit and audit, no threads": {
			BatchSave{Form: BillForm{ID: "SAL_<RETURNSTOCK>"}, Operation: "batchSave", Model: bills(`{"FBillNo":"RT100"}`), IsAutoSubmitAndAudit: true},
			"batch_save_auto.json"},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := test.batch.Body()
			require.NoError(t, err)
			assert.Equal(t, golden(t, test.golden), string(body))
			assert.True(t, json.Valid(body))

			var sent string
			server := serve(t, func(w http.ResponseWriter, r *http.Request, body string) {
				assert.Equal(t, test.batch.Method(), methodOf(r))
				sent = body
				write(w, savedReply)
			})
			_, err = newClient(t, vectorConfig(server.URL)).BatchSave(t.Context(), test.batch)
			require.NoError(t, err)
			assert.Equal(t, string(body), sent, "Body is what is sent")
		})
	}
}

func TestBatchSaveRefusesWhatItCannotSend(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request, string) {
		assert.Fail(t, "nothing should be sent")
	})
	c := newClient(t, vectorConfig(server.URL))
	for name, test := range map[string]struct {
		batch   BatchSave
		message string
	}{
		"another method": {BatchSave{Operation: "Delete", Model: bills(`{}`)}, "Operation"},
		"no JSON":        {BatchSave{Model: bills(`{}`, `{"FBillNo":`)}, "bill 2"},
		"two values":     {BatchSave{Model: bills(`{},{}`)}, "bill 1"},
		"no object":      {BatchSave{Model: bills(`["FBillNo"]`)}, "bill 1"},
		"nothing":        {BatchSave{Model: bills(``)}, "bill 1"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.BatchSave(t.Context(), test.batch)
			f := requireFault(t, err, fault.Final, "bad_request")
			assert.Contains(t, f.Error(), test.message)
		})
	}
	t.Run("no bills", func(t *testing.T) {
		results, err := c.BatchSave(t.Context(), BatchSave{Form: returns})
		require.NoError(t, err)
		assert.Empty(t, results)
	})
}

func TestBillNumberIsReadFromTheBill(t *testing.T) {
	for _, test := range []struct{ name, bill, want string }{
		{"first", `{"FBillNo":"70001","FDate":"2024-03-01"}`, "70001"},
		{"behind others", `{"FBillTypeID":{"FNumber":"X","FBillNo":"no"},"FList":[{"FBillNo":"no"}],"FBillNo":"70001"}`, "70001"},
		{"a number", `{"FBillNo":70001}`, "70001"},
		{"spaces", ` {"FBillNo" : " 70001 "}`, "70001"},
		{"null", `{"FBillNo":null}`, ""},
		{"none", `{"FDate":"2024-03-01"}`, ""},
		{"empty", `{}`, ""},
		{"a list", `[{"FBillNo":"70001"}]`, ""},
		{"no JSON", `{"FDate":,"FBillNo":"70001"}`, ""},
		{"nothing", ``, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			assert.Equal(t, test.want, returns.NumberOf(json.RawMessage(test.bill)))
		})
	}
}
