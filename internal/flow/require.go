package flow

import "refundsync/internal/text"

// Requirement is a condition without which an order can't be saved.
type Requirement struct {
	That *Expression
	// OfLines: the condition must hold for each of the order's lines.
	OfLines bool
	// Reason is the code to group by.
	Reason string
	// Message says what is wrong and Advice what to do, in the flow file's own words.
	Message, Advice string
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
				return failure(o.Order.ID, l, "require "+r.Reason, err)
			case !holds.(bool):
				return failure(o.Order.ID, l, nil, &valueError{reason: r.Reason, what: text.Literal(r.Message), advice: text.Literal(r.Advice)})
			}
		}
	}
	return nil
}
