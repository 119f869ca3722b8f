package flow

// Requirement is a condition that must hold, or the order can't be saved.
type Requirement struct {
	That *Expression
	// ofLines: the condition is about each of the order's lines.
	OfLines bool
	// reason is the code to group by.
	Reason string
	// message says what is wrong, and advice what to do.
	Message, Advice message
}

// meet fails with the first of the flow's requirements that the order does not meet.
func (o *Opened) meet() error {
	for _, r := range o.flow.Rules.Require {
		about := []*line{nil}
		if r.OfLines {
			about = o.lines
		}
		for _, l := range about {
			holds, err := o.run(r.That, l)
			switch {
			case err != nil:
				return failure(o.Order.ID, l, say("（用于 require %[1]s）", " (needed for require %[1]s)", r.Reason), err)
			case !holds.(bool):
				return failure(o.Order.ID, l, message{}, &valueError{reason: r.Reason, what: r.Message, advice: &r.Advice})
			}
		}
	}
	return nil
}
