package kingdee

import (
	"context"
)

// MethodDelete is the method of [Client.Delete].
const MethodDelete = "Delete"

type deleteRequest struct {
	FormID string `json:"formid"`
	Data   struct {
		Ids string
	} `json:"data"`
}

// Delete deletes (删除) a bill by its inner id, because its number may have another bill
// by now. Kingdee refuses to delete a submitted or audited bill. Errors are as with
// [Client.BatchSave].
func (c *Client) Delete(ctx context.Context, form BillForm, bill Bill) error {
	request := deleteRequest{FormID: form.ID}
	request.Data.Ids = bill.ID
	body, err := encode(request)
	if err != nil {
		return err
	}
	results, err := call(ctx, c, MethodDelete, body, func(raw []byte) ([]BillResult, error) {
		return decodeResults(MethodDelete, raw, 1, func(looseInt, string, string) int { return 0 })
	})
	if err != nil {
		return err
	}
	return results[0].Err
}
