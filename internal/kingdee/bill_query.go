package kingdee

import (
	"bytes"
	"context"
	"encoding/json"

	"refundsync/internal/text"
)

// BillQuery is a call of ExecuteBillQuery (单据查询).
type BillQuery struct {
	// FormID is the form, such as SAL_RETURNSTOCK.
	FormID string `json:"FormId"`
	// FieldKeys are the columns, joined by commas: "FID,FBillNo",
	// references as FRetcustId.FNumber, entry fields as FEntity_FEntryID.
	FieldKeys string
	// FilterString is SQL-like: FBillNo in ('A','B'). Quotes within a value
	// are doubled.
	FilterString string
	// OrderString is SQL-like too: "FID". Paging needs one.
	OrderString string
	// TopRowCount bounds the rows of the whole query; 0: only Limit does.
	TopRowCount int
	// StartRow counts from 0.
	StartRow int
	// Limit is the size of a page: at most 10000, on older servers 2000.
	Limit int
}

func (q BillQuery) body() ([]byte, error) {
	return encode(struct {
		Data BillQuery `json:"data"`
	}{q})
}

// ExecuteBillQuery reads one page of rows, with a cell for each field key. With
// entry fields there is a row for each entry. A number is a json.Number. No rows
// are no error.
func (c *Client) ExecuteBillQuery(ctx context.Context, q BillQuery) ([][]any, error) {
	body, err := q.body()
	if err != nil {
		return nil, err
	}
	return call(ctx, c, MethodQuery, body, decodeRows)
}

// MethodQuery is the method of every look-up.
const MethodQuery = "ExecuteBillQuery"

func decodeRows(raw []byte) ([][]any, error) {
	status, err := findStatus(raw)
	if err != nil {
		return nil, malformed(MethodQuery, err)
	}
	if status != nil {
		return nil, status.failure(MethodQuery, status.Errors)
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var rows [][]any
	if err := decoder.Decode(&rows); err != nil {
		return nil, malformed(MethodQuery, err)
	}
	if rows == nil {
		// null is not []: read as "no such bill", it could save a bill twice.
		return nil, malformed(MethodQuery, text.Errorf("it is null instead of rows"))
	}
	return rows, nil
}
