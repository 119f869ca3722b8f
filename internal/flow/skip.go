package flow

import "slices"

// LeaveOut is a condition: the orders for which it holds are left out.
type LeaveOut struct {
	When   *Expression
	Reason string
}

// Withdrawn reports whether the order must not be booked by its status; false if the flow
// does not name that field.
func (o *Opened) Withdrawn() bool {
	withdrawn := o.flow.Source.Interface.Source.Withdrawn
	status, _ := o.env[withdrawn.Field].(string)
	return slices.Contains(withdrawn.Values, status)
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
