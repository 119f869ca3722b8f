package galaxy

import "strconv"

// submit puts created bills under review.
func (t *Tenant) submit(c call) reply {
	return t.each(c, func(b *bill) (*bill, *problem) {
		return b.with(inReview), inState(b, "提交", draft, created, reAuditing)
	})
}

// audit approves bills under review.
func (t *Tenant) audit(c call) reply {
	return t.each(c, func(b *bill) (*bill, *problem) {
		return t.audited(b, t.options.Credentials.Username), inState(b, "审核", inReview)
	})
}

func (t *Tenant) audited(b *bill, by string) *bill {
	after := b.with(audited)
	t.sign(after, approved, by)
	return after
}

// unAudit reopens audited bills.
func (t *Tenant) unAudit(c call) reply {
	return t.each(c, func(b *bill) (*bill, *problem) {
		after := b.with(reAuditing)
		t.sign(after, approved, "")
		return after, inState(b, "反审核", audited)
	})
}

// delete removes bills that are not under review or audited.
func (t *Tenant) delete(c call) reply {
	return t.each(c, func(b *bill) (*bill, *problem) {
		return nil, inState(b, "删除", draft, created, reAuditing)
	})
}

// target is a bill named in a call, by id or by number.
type target struct {
	id   int64
	what string // how messages name it if it does not exist
}

// targets returns the bills of Ids, then those of Numbers. A number that is used twice
// names the older bill.
func (t *Tenant) targets(c call) []target {
	var targets []target
	for _, text := range c.data.list("Ids") {
		id, _ := strconv.ParseInt(text, 10, 64)
		targets = append(targets, target{id: id, what: `内码值["` + text + `"]不存在`})
	}
	for _, number := range c.data.list("Numbers") {
		named := target{what: `编码值["` + number + `"]不存在`}
		if bills := t.ledger.numbered(c.form, number); len(bills) > 0 {
			named.id = bills[0].id
		}
		targets = append(targets, named)
	}
	return targets
}

// each changes every bill named in the call, each in its own transaction.
func (t *Tenant) each(c call, edit func(*bill) (*bill, *problem)) reply {
	targets := t.targets(c)
	if len(targets) == 0 {
		return failed(msgIDEmpty, "单据内码和单据编码不能都为空")
	}
	r := newResult()
	work := t.newWork()
	disturbed := t.newDisturbance(c, len(targets))
	for i, target := range targets {
		work.bill()
		if disturbed.strikes(r, i) {
			continue
		}
		b, p := t.ledger.change(c.form, target.id, func(old *bill) (*bill, *problem) {
			if old == nil {
				return nil, &problem{code: msgFieldMissing, message: target.what}
			}
			return edit(old)
		})
		if p != nil {
			r.failBill(i, p)
			continue
		}
		r.succeed(i, b)
	}
	disturbed.finish(r)
	return r
}
