package kingdee

import (
	"context"
	"strings"

	"refundsync/internal/fault"
	"refundsync/internal/text"
)

// Check queries one bill of a form. If it succeeds, the server is reachable, the signature
// or login is accepted, and the user may read the form. It writes nothing.
func (c *Client) Check(ctx context.Context, formID string) error {
	return c.queryFields(ctx, formID, "FID", []string{"FID"})
}

// UnknownFields gives those of the field keys that a query of the form refuses. order is
// a field that the form has, such as FID of a bill. A key of base data ends in .FNumber,
// which is refused for any other field. It writes nothing.
func (c *Client) UnknownFields(ctx context.Context, formID, order string, keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	err := c.queryFields(ctx, formID, order, keys)
	if err == nil || !isBadQuery(err) {
		return nil, err
	}
	var unknown []string
	for _, key := range keys {
		alone := c.queryFields(ctx, formID, order, []string{key})
		switch {
		case isBadQuery(alone):
			unknown = append(unknown, key)
		case alone != nil:
			return nil, alone
		}
	}
	if len(unknown) == 0 {
		return nil, err // each is accepted by itself
	}
	return unknown, nil
}

// UnreadableFields reads fields of the newest bill whose note matches an SQL
// pattern, and names those whose cells have no value: the user has no right to them.
// Without such a bill it reads the newest of any, and leaves out the note, which
// may be empty there. id is the bill's; "" if the form has or shows none. It writes
// nothing.
func (c *Client) UnreadableFields(ctx context.Context, form BillForm, like string, keys []string) (id string, unreadable []string, err error) {
	query := BillQuery{
		FormID:       form.ID,
		FieldKeys:    strings.Join(append([]string{"FID"}, keys...), ","),
		FilterString: form.Note + " like " + quoteAll([]string{like}),
		OrderString:  "FID desc",
		Limit:        1,
	}
	rows, err := c.ExecuteBillQuery(ctx, query)
	ours := len(rows) > 0
	if err == nil && !ours {
		query.FilterString = ""
		rows, err = c.ExecuteBillQuery(ctx, query)
	}
	if err != nil || len(rows) == 0 {
		return "", nil, err
	}
	if len(rows[0]) != 1+len(keys) {
		return "", nil, malformed(MethodQuery, text.Errorf("a row has %d cells instead of %d", len(rows[0]), 1+len(keys)))
	}
	for i, key := range keys {
		if noValue(rows[0][i+1]) && (ours || key != form.Note) {
			unreadable = append(unreadable, key)
		}
	}
	return cellText(rows[0][0]), unreadable, nil
}

func (c *Client) queryFields(ctx context.Context, formID, order string, keys []string) error {
	_, err := c.ExecuteBillQuery(ctx, BillQuery{FormID: formID, FieldKeys: strings.Join(keys, ","), OrderString: order, Limit: 1})
	return err
}

func isBadQuery(err error) bool {
	f := fault.As(err)
	return f != nil && f.Reason == badQuery.reason
}
