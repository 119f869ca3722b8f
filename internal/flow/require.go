package flow

// requirement is a condition that must hold, or the order can't be saved.
type requirement struct {
	that *expression
	// ofLines: the condition is about each of the order's lines.
	ofLines bool
	// reason is the code to group by.
	reason string
	// message says what is wrong, and advice what to do.
	message, advice message
}

// meet fails with the first of the flow's requirements that the order does not meet.
func (o *Opened) meet() error {
	for _, r := range o.flow.require {
		about := []*line{nil}
		if r.ofLines {
			about = o.lines
		}
		for _, l := range about {
			holds, err := o.run(r.that, l)
			switch {
			case err != nil:
				return failure(o.Order.ID, l, say("（用于 require %[1]s）", " (needed for require %[1]s)", r.reason), err)
			case !holds.(bool):
				return failure(o.Order.ID, l, message{}, &valueError{reason: r.reason, what: r.message, advice: &r.advice})
			}
		}
	}
	return nil
}
