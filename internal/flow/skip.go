package flow

import "slices"

// LeaveOut is one precondition: the orders for which it holds are left out.
type LeaveOut struct {
	When   *Expression
	Reason string
}

// statusOfOrder is the field that says what has become of an order.
const statusOfOrder = "status"

// withdrawn are the states of an order that is not, or not any more, to be booked:
// 待确认, which is also one that was un-confirmed, 作废 and 被合并.
var withdrawn = []string{"WaitConfirm", "Cancelled", "Merged"}

// Withdrawn reports whether the order's status says that it is not to be booked; false
// where the flow does not name it.
func (o *Opened) Withdrawn() bool {
	status, _ := o.env[statusOfOrder].(string)
	return slices.Contains(withdrawn, status)
}

// Skip says whether the order is left out, and under which reason: the text of the
// first of the flow's leave_out conditions that holds. An error is a *fault.Error,
// Final: a condition came upon a value that is absent or malformed, so that the
// order can neither be left out nor saved.
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
