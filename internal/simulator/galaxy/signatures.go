package galaxy

// signature is the two fields of the head that say who did something to a bill, and when.
type signature struct{ who, when string }

var (
	begun     = signature{"FCreatorId", "FCreateDate"}
	modified  = signature{"FModifierId", "FModifyDate"}
	approved  = signature{"FApproverId", "FApproveDate"}
	cancelled = signature{"FCancellerId", "FCancelDate"}
)

// sign says who does something to a bill now; "" removes the signature. The head must be
// the bill's own.
func (t *Tenant) sign(b *bill, as signature, by string) {
	when := ""
	if by != "" {
		t.base.add(users, by)
		when = t.options.Now().In(beijing).Format(wireDate)
	}
	b.set(as.who, by)
	b.set(as.when, when)
}
