package kingdee

import "context"

// Check asks for one row of 销售退货单 (SAL_RETURNSTOCK). That it succeeds says
// that the server is reached, the signature or login accepted, and the form
// readable for the user. It writes nothing.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.ExecuteBillQuery(ctx, BillQuery{FormID: "SAL_RETURNSTOCK", FieldKeys: "FID", OrderString: "FID", Limit: 1})
	return err
}
