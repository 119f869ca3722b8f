package flow

import "slices"

// LeaveOut is a condition: the orders for which it holds are left out.
type LeaveOut struct {
	When   *Expression
	Reason string
}

// statusOfOrder is the field of an order's status.
const statusOfOrder = "status"

// withdrawn are the statuses of an order that must not be booked, or no longer: 待确认
// (also one that was un-confirmed), 已作废 and 被合并.
var withdrawn = []string{"WaitConfirm", "Cancelled", "Merged"}

// Withdrawn reports whether the order must not be booked by its status; false if the flow
// does not name that field.
func (o *Opened) Withdrawn() bool {
	status, _ := o.env[statusOfOrder].(string)
	return slices.Contains(withdrawn, status)
}

// Skip says whether the order is left out, with the reason of the first of the flow's
// leave_out conditions that holds. An error is a *fault.Error, Final: a condition met an
// absent or malformed value, so that the order can neither be left out nor saved.
func (o *Opened) Skip() (reason string, skip bool, err error) {
	if o.err != nil {
		return "", false, o.err
	}
	for _, rule := range o.flow.Rules.LeaveOut {
		holds, err := o.run(rule.When, nil)
		if err != nil {
			return "", false, failure(o.Order.ID, nil, "leave_out “"+rule.Reason+"”", err)
		}
		if holds.(bool) {
			return rule.Reason, true, nil
		}
	}
	return "", false, nil
}
