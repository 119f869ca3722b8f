package kingdee

import (
	"context"
	"strings"

	"refundsync/internal/fault"
)

// Check asks for one row of 销售退货单 (SAL_RETURNSTOCK). That it succeeds says
// that the server is reached, the signature or login accepted, and the form
// readable for the user. It writes nothing.
func (c *Client) Check(ctx context.Context) error {
	return c.queryFields(ctx, "SAL_RETURNSTOCK", []string{"FID"})
}

// UnknownFields gives those of the field keys that a query of the form refuses. A
// key ends in .FNumber for base data, and is refused where the field is none. It
// writes nothing.
func (c *Client) UnknownFields(ctx context.Context, formID string, keys []string) ([]string, error) {
	if len(keys) == 0 {
		return nil, nil
	}
	err := c.queryFields(ctx, formID, keys)
	if err == nil || !isBadQuery(err) {
		return nil, err
	}
	var unknown []string
	for _, key := range keys {
		alone := c.queryFields(ctx, formID, []string{key})
		switch {
		case isBadQuery(alone):
			unknown = append(unknown, key)
		case alone != nil:
			return nil, alone
		}
	}
	if len(unknown) == 0 {
		return nil, err // each by itself is known
	}
	return unknown, nil
}

func (c *Client) queryFields(ctx context.Context, formID string, keys []string) error {
	_, err := c.ExecuteBillQuery(ctx, BillQuery{FormID: formID, FieldKeys: strings.Join(keys, ","), OrderString: "FID", Limit: 1})
	return err
}

func isBadQuery(err error) bool {
	f := fault.As(err)
	return f != nil && f.Reason == badQuery.reason
}
