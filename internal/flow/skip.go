package flow

// leaveOut is one precondition: the orders for which it holds are left out.
type leaveOut struct {
	when   *expression
	reason string
}

// Skip says whether the order is left out, and under which reason: the text of the
// first of the flow's leave_out conditions that holds. An error is a *fault.Error,
// Final: a condition came upon a value that is absent or malformed, so that the
// order can neither be left out nor saved.
func (o *Opened) Skip() (reason string, skip bool, err error) {
	if o.err != nil {
		return "", false, o.err
	}
	for _, rule := range o.flow.leaveOut {
		holds, err := o.run(rule.when, nil)
		if err != nil {
			return "", false, failure(o.Order.ID, nil, say("（用于 leave_out“%[1]s”）", " (needed for leave_out \"%[1]s\")", rule.reason), err)
		}
		if holds.(bool) {
			return rule.reason, true, nil
		}
	}
	return "", false, nil
}
