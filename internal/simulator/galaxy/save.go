package galaxy

import (
	"slices"
	"strconv"
	"time"

	"refundsync/internal/simulator/faults"
)

// batchSave saves the bills of Model. Each bill is its own transaction: valid ones stay
// saved when others fail.
func (t *Tenant) batchSave(c call) reply {
	models, _ := c.data["model"].([]any)
	if len(models) == 0 {
		return failed(msgFieldMissing, "缺少参数Model，或Model不是单据的数组")
	}
	r := newResult()
	work := t.newWork()
	disturbed := t.newDisturbance(c, len(models))
	c.auditRefused = c.audits() && !c.late && t.faults.Strikes(faults.KingdeeAuditRefused)
	for i, model := range models {
		work.bill()
		if !disturbed.strikes(r, i) {
			t.saveOne(r, c, i, model)
		}
	}
	if c.auditRefused {
		return failed(msgNoPermission, "您没有“"+c.form.name+"”的“审核”权限")
	}
	disturbed.finish(r)
	return r
}

// save saves the one bill of Model.
func (t *Tenant) save(c call) reply {
	if !c.data.has("Model") {
		return failed(msgFieldMissing, "缺少参数Model")
	}
	r := newResult()
	t.newWork().bill()
	disturbed := t.newDisturbance(c, 1)
	if disturbed.strikes(r, 0) {
		return r
	}
	if b := t.saveOne(r, c, 0, c.data["model"]); b != nil {
		r.Result.ID, r.Result.Number = b.wireID(), b.number()
	}
	return r
}

// saveOne saves the bill at an index and adds its result to the reply.
func (t *Tenant) saveOne(r *resultReply, c call, index int, content any) *bill {
	model, ok := newObject(content)
	if !ok {
		r.failBill(index, &problem{code: msgBadParameter, message: "Model不是有效的JSON对象"})
		return nil
	}
	b, problems := t.saveModel(c, model)
	for _, p := range problems {
		r.failBill(index, p)
	}
	if b == nil {
		return nil
	}
	t.options.BillStored(b.form.id, b.number())
	r.succeed(index, b)
	r.Result.NeedReturnData = append(r.Result.NeedReturnData, struct{}{})
	return b
}

// saveModel stores a new bill, or changes the one of its FID.
func (t *Tenant) saveModel(c call, model object) (*bill, []*problem) {
	reader := &billReader{
		tenant:       t,
		form:         c.form,
		verify:       c.data.flag("IsVerifyBaseDataField", false),
		deleteOthers: c.data.flag("IsDeleteEntry", true),
	}
	after := created
	if c.audits() && !c.auditRefused {
		after = audited
	}
	if id := model.text("FID"); id != "" && id != "0" {
		n, _ := strconv.ParseInt(id, 10, 64)
		b, p := t.ledger.change(c.form, n, func(old *bill) (*bill, *problem) {
			if p := editable(old, id, "保存"); p != nil {
				return nil, p
			}
			b := reader.read(old, model)
			if len(reader.problems) > 0 {
				return nil, reader.problems[0]
			}
			b.status = old.status
			t.sign(b, modified, t.options.Credentials.Username)
			if after == audited {
				b.status = audited
				t.sign(b, approved, t.options.Credentials.Username)
			}
			return b, nil
		})
		switch {
		case len(reader.problems) > 0:
			return nil, reader.problems
		case p != nil:
			return nil, []*problem{p}
		}
		return b, nil
	}
	b := reader.read(nil, model)
	if len(reader.problems) > 0 {
		return nil, reader.problems
	}
	b.status = after
	t.sign(b, begun, t.options.Credentials.Username)
	t.sign(b, modified, t.options.Credentials.Username)
	if after == audited {
		t.sign(b, approved, t.options.Credentials.Username)
	}
	t.Habits().apply(b)
	if p := t.ledger.insert(b); p != nil {
		return nil, []*problem{p}
	}
	return b, nil
}

// editable reports why a bill can't be overwritten or deleted.
func editable(b *bill, id, verb string) *problem {
	if b == nil {
		return &problem{code: msgFieldMissing, message: `内码值["` + id + `"]不存在`}
	}
	return inState(b, verb, draft, created, reAuditing)
}

// work paces the bills of one call.
type work struct {
	each time.Duration
	due  time.Time
}

func (t *Tenant) newWork() *work { return &work{each: t.options.BillLatency, due: time.Now()} }

// bill waits for the time that one bill takes; being late with one shortens the next
// wait, so that the total is right.
func (w *work) bill() {
	w.due = w.due.Add(w.each)
	if w.each > 0 {
		pause(time.Until(w.due))
	}
}

// inState returns a problem if the bill is in none of the states that the verb needs.
func inState(b *bill, verb string, states ...status) *problem {
	if slices.Contains(states, b.status) {
		return nil
	}
	return &problem{code: msgNotOperable, message: "单据编号为“" + b.number() + "”的" + b.form.name + "，只有" +
		statesText[states[0]] + "的数据才允许" + verb + "！"}
}

// statesText is how messages name the states that an operation needs, by the first of
// them.
var statesText = map[status]string{
	draft:    "暂存、创建和重新审核",
	inReview: "审核中",
	audited:  "已审核",
}
