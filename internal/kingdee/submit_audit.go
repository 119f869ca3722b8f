package kingdee

import (
	"context"
	"strings"
)

// The methods of [Client.Submit] and [Client.Audit].
const (
	MethodSubmit = "Submit"
	MethodAudit  = "Audit"
)

type operateRequest struct {
	FormID string `json:"formid"`
	Data   struct {
		Numbers []string
	} `json:"data"`
}

func operateBody(formID string, numbers []string) ([]byte, error) {
	request := operateRequest{FormID: formID}
	request.Data.Numbers = numbers
	return encode(request)
}

// Submit submits (提交) saved bills by their numbers, which must be distinct. There is
// one result per number, in order. Errors are as with [Client.BatchSave].
func (c *Client) Submit(ctx context.Context, form BillForm, numbers []string) ([]BillResult, error) {
	return c.operate(ctx, MethodSubmit, form.ID, numbers)
}

// Audit audits (审核) submitted bills, as [Client.Submit] submits.
func (c *Client) Audit(ctx context.Context, form BillForm, numbers []string) ([]BillResult, error) {
	return c.operate(ctx, MethodAudit, form.ID, numbers)
}

func (c *Client) operate(ctx context.Context, method, formID string, numbers []string) ([]BillResult, error) {
	if len(numbers) == 0 {
		return nil, nil
	}
	body, err := operateBody(formID, numbers)
	if err != nil {
		return nil, err
	}
	return call(ctx, c, method, body, func(raw []byte) ([]BillResult, error) {
		return decodeResults(method, raw, len(numbers), byNumber(numbers))
	})
}

// byNumber finds the bill of an entry by its number, or by the number that an error's
// text quotes (单据编号为“…”的销售退货单). DIndex comes last: whether it follows the
// order of the numbers sent or of the bills loaded is not documented.
func byNumber(numbers []string) place {
	index := make(map[string]int, len(numbers))
	for i, number := range numbers {
		index[number] = i
	}
	return func(dIndex looseInt, number, message string) int {
		if i, ok := index[number]; ok && number != "" {
			return i
		}
		quoted := -1
		for number, i := range index {
			if strings.Contains(message, "“"+number+"”") {
				if quoted >= 0 {
					return byIndex(dIndex, "", "")
				}
				quoted = i
			}
		}
		if quoted >= 0 {
			return quoted
		}
		return byIndex(dIndex, "", "")
	}
}
