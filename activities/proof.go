package activities

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/workflows"
)

// Proofs have one new bill of each run prove the way before the others are saved: that
// Kingdee keeps its number and its mark, and shows it. They are one worker's, and are
// kept in its memory: a worker that takes part in a run later proves once for itself.
type Proofs struct {
	mu    sync.Mutex
	gates map[gateKey]*gate
	// unproven is, by flow, the bill that was saved as a proof and was not found as it
	// was sent. Until it is, or is known to be gone, none is saved: it would only be one
	// more.
	unproven map[string]*savedBill
}

// gateKey is a flow in a run; the run of parked orders is "".
type gateKey struct{ flow, run string }

// gate lets bills go once one has proven the way.
type gate struct {
	open bool
	// failure is why the way is closed; it stays so for a run.
	failure error
	// trying is nil while no bill is the proof.
	trying *trial
}

type trial struct {
	done chan struct{}
	// err is what those who waited get; nil has them go on, or try themselves.
	err error
}

// mostGates bounds those that are kept. One that is dropped costs another proof.
const mostGates = 1000

// NewProofs are those of a worker that has proven nothing yet.
func NewProofs() *Proofs {
	return &Proofs{gates: map[gateKey]*gate{}, unproven: map[string]*savedBill{}}
}

func (p *Proofs) gate(key gateKey) *gate {
	if len(p.gates) > mostGates {
		clear(p.gates)
	}
	if p.gates[key] == nil {
		p.gates[key] = &gate{}
	}
	return p.gates[key]
}

// pass returns once the way is proven. If nobody tries, prove does, and tried says so;
// everybody else waits for its end. A way that is closed, and what may pass by itself,
// is told to all who wait; a bill that can't be saved for a cause of its own leaves the
// proof to the next.
func (p *Proofs) pass(ctx context.Context, key gateKey, prove func() error) (tried bool, err error) {
	for {
		p.mu.Lock()
		g := p.gate(key)
		if g.open || g.failure != nil {
			p.mu.Unlock()
			return false, g.failure
		}
		if g.trying == nil {
			g.trying = &trial{done: make(chan struct{})}
			p.mu.Unlock()
			return true, p.try(g, key, prove)
		}
		other := g.trying
		p.mu.Unlock()
		select {
		case <-other.done:
		case <-ctx.Done():
			return false, ctx.Err()
		}
		if other.err != nil {
			return false, other.err
		}
	}
}

func (p *Proofs) try(g *gate, key gateKey, prove func() error) (err error) {
	ended := false // a panic is the bill's own
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		t := g.trying
		g.trying = nil
		f := fault.As(err)
		switch {
		case ended && err == nil:
			g.open = true
		case f == nil:
		case f.Class != fault.Final:
			t.err = &fault.Error{Class: f.Class, Reason: f.Reason, Delay: f.Delay, Err: err,
				Message: "还没有保存：本次运行的第一张单据没有成功。 Not saved yet: the first bill of the run did not succeed: " + err.Error()}
		case workflows.ClosesTheWay(f.Reason):
			t.err = err
			if key.run != "" {
				g.failure = err
			}
		}
		close(t.done)
	}()
	err = prove()
	ended = true
	return err
}

func (p *Proofs) unprovenOf(flowName string) *savedBill {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.unproven[flowName]
}

func (p *Proofs) keep(flowName string, saved *savedBill) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if saved == nil {
		delete(p.unproven, flowName)
		return
	}
	p.unproven[flowName] = saved
}

// miss notes that a bill was not shown, and gives what was known of it.
func (p *Proofs) miss(saved *savedBill) (shown, missed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	missed, saved.missed = saved.missed, true
	return saved.shown, missed
}

func (p *Proofs) show(saved *savedBill) {
	p.mu.Lock()
	defer p.mu.Unlock()
	saved.shown = true
}

// savedBill is a bill whose save Kingdee has acknowledged.
type savedBill struct {
	id   string // its FID
	bill flow.Bill
	// shown tells that a look-up has shown it, and missed that one has not; of [Proofs].
	shown, missed bool
}

// saveProven saves a new bill, once the way is proven or as the proof.
func (b *billToSave) saveProven(ctx context.Context, retried bool) error {
	if b.proofs == nil {
		_, err := b.save(ctx)
		return err
	}
	saved := false
	tried, err := b.proofs.pass(ctx, gateKey{b.flow.Name, b.run}, func() (err error) {
		saved, err = b.prove(ctx, retried)
		return err
	})
	if err != nil || tried && saved {
		return err
	}
	_, err = b.save(ctx)
	return err
}

// prove proves the way by the bill that an earlier proof left, or by this one, which it
// then has tried to save.
func (b *billToSave) prove(ctx context.Context, retried bool) (saved bool, err error) {
	if earlier := b.proofs.unprovenOf(b.flow.Name); earlier != nil {
		gone, err := b.readBack(ctx, earlier)
		if err != nil {
			return false, err
		}
		b.proofs.keep(b.flow.Name, nil)
		if !gone {
			return false, nil
		}
	}
	if err := b.checkNumbers(ctx); err != nil {
		return false, err
	}
	first, err := b.save(ctx)
	if first != nil {
		b.proofs.keep(b.flow.Name, first)
	}
	if isNumberUsed(err) {
		if found, lookErr := b.look(ctx); found == nil && lookErr == nil {
			return true, notShown(b.bill.Number, "", retried)
		}
	}
	if err != nil {
		return true, err
	}
	if _, err := b.readBack(ctx, first); err != nil {
		return true, err
	}
	b.proofs.keep(b.flow.Name, nil)
	return true, nil
}

// proveBy goes on with the proof if the bill that was found is the one that was saved for
// it, by an attempt before.
func (b *billToSave) proveBy(ctx context.Context, found kingdee.Bill) error {
	if b.proofs == nil {
		return nil
	}
	saved := b.proofs.unprovenOf(b.flow.Name)
	if saved == nil || saved.id != found.ID {
		return nil
	}
	_, err := b.readBack(ctx, saved)
	if err == nil {
		b.proofs.keep(b.flow.Name, nil)
	}
	return err
}

// fewNewest is how many of the newest bills tell whether numbers are as they were.
const fewNewest = 20

// checkNumbers sees that the bills which exist have the numbers that the flow gives
// their orders today: a number depends on the order's key alone, and the mark names it.
// Where they differ, the mapping of FBillNo was edited, or Kingdee has numbered them.
func (b *billToSave) checkNumbers(ctx context.Context) error {
	newest, err := b.ledger.NewestBills(ctx, b.flow.Call.FormId, flow.MarkField, flow.MarkLike, fewNewest)
	if err != nil {
		return fmt.Errorf("查询最近的单据失败 looking up the newest bills failed: %w", err)
	}
	others := map[string]kingdee.Bill{} // by the number that they should have
	for _, bill := range newest {
		if bill.Unreadable != "" {
			return kingdee.Unreadable(bill.Unreadable, bill.ID)
		}
		mark, marked := flow.FindMark(bill.Text)
		if !marked || bill.Void {
			continue
		}
		number, err := b.flow.NumberOf(mark.OrderID)
		if err == nil && !b.isNumberOf(mark.OrderID, bill.Number) {
			others[number] = bill
		}
	}
	if len(others) == 0 {
		return nil
	}
	// A copy that a person made of a bill has its mark too, beside the bill itself.
	var numbers []string
	for number := range others {
		numbers = append(numbers, number)
	}
	slices.Sort(numbers)
	found, err := b.ledger.FindBills(ctx, b.flow.Call.FormId, flow.MarkField, numbers)
	if err != nil {
		return err
	}
	for _, number := range numbers {
		if len(found[number]) == 0 {
			return numberChanged(number, others[number])
		}
	}
	return nil
}

// isNumberOf reports whether a flow of this worker gives the order's bill the number.
func (b *billToSave) isNumberOf(orderID, number string) bool {
	for _, f := range b.flows {
		if given, err := f.NumberOf(orderID); err == nil && given == number && f.Call.FormId == b.flow.Call.FormId {
			return true
		}
	}
	return false
}

// readBack compares a bill that was saved with what Kingdee shows under its FID. One
// that was shown and is shown no more, or is void, is gone: a person has seen to it.
func (b *billToSave) readBack(ctx context.Context, saved *savedBill) (gone bool, err error) {
	keys := saved.bill.ReadBackKeys()
	rows, err := b.ledger.ReadBill(ctx, b.flow.Call.FormId, saved.id, append(keys, "FCancelStatus"))
	if err != nil {
		return false, fmt.Errorf("读回单据失败 reading bill FID %s back failed: %w", saved.id, err)
	}
	if len(rows) == 0 {
		shown, missed := b.proofs.miss(saved)
		if shown {
			return true, nil
		}
		return false, notShown(saved.bill.Number, saved.id, missed)
	}
	b.proofs.show(saved)
	switch rows[0][len(keys)] {
	case "A":
	case "B":
		return true, nil
	default:
		return false, kingdee.Unreadable("FCancelStatus", saved.id)
	}
	var told []string
	for _, difference := range saved.bill.Differences(savedStatus(b.flow), rows) {
		switch {
		case difference.Unreadable && difference.OfIdentity():
			return false, kingdee.Unreadable(difference.Field, saved.id)
		case difference.Field == flow.MarkField:
			if mark, ok := flow.FindMark(difference.Read); ok && mark.OrderID == saved.bill.Mark.OrderID {
				return false, nil // a later version of the order has been saved over it
			}
			return false, markLost(saved, difference)
		case difference.OfIdentity():
			return false, renumbered(saved.id, saved.bill.Number, difference.Read)
		case !slices.Contains(b.flow.Options.ExpectedDifferences, difference.Field):
			told = append(told, difference.String())
		}
	}
	if len(told) > 0 {
		b.told = workflows.ShortMessage(fmt.Sprintf("单据 bill %s: %s", saved.bill.Number, strings.Join(told, "; ")))
	}
	return false, nil
}

// savedStatus is the FDocumentStatus of a bill that was just saved.
func savedStatus(f *flow.Flow) string {
	if f.Options.SubmitAndAudit == flow.SubmitAndAuditKingdee {
		return "C"
	}
	return "A"
}

const stopped = "运行因此停止，以免每一单都重复保存。 The run stops, or every order would be saved again and again"

// renumbered is a bill that Kingdee has under another number than was sent.
func renumbered(id, sent, has string) error {
	return &fault.Error{
		Class:  fault.Final,
		Reason: workflows.BillRenumbered,
		System: "金蝶云星空 Kingdee",
		Field:  "FBillNo",
		Message: fmt.Sprintf("单据（FID %[1]s）按编号 %[2]s 发送，金蝶里的编号却是 %[3]s，按 %[2]s 再也找不到它。%[4]s: the bill (FID %[1]s) was sent as %[2]s and has the number %[3]s in Kingdee, so it can't be found again",
			id, sent, has, stopped),
		Advice: fmt.Sprintf("请在金蝶“编码规则”里让销售退货单允许手工输入编号、不按规则重编，并检查编号的长度和大小写处理；再把单据 %[1]s 的编号改为 %[2]s 或删除它，然后重跑。"+
			" In Kingdee, have 编码规则 of this form take numbers that are given, and see to what cuts numbers or changes their case; correct the number of bill %[1]s to %[2]s or delete it, then run again", has, sent),
	}
}

// markLost is a bill whose mark is not as it was sent.
func markLost(saved *savedBill, difference flow.Difference) error {
	return &fault.Error{
		Class:  fault.Final,
		Reason: workflows.MarkLost,
		System: "金蝶云星空 Kingdee",
		Field:  flow.MarkField,
		Message: fmt.Sprintf("单据 %[1]s（FID %[2]s）备注末尾的标记没有原样保存：发送 %[3]s，读回的末尾是 %[4]q；没有标记就认不出单据属于哪一单、是否变过。运行因此停止。"+
			" The mark at the end of %[5]s of bill %[1]s (FID %[2]s) is not as it was sent, and without it nobody can tell whose the bill is and whether the order has changed; the run stops",
			saved.bill.Number, saved.id, saved.bill.Mark, noteEnd(difference.Read), flow.MarkField),
		Advice: "请在金蝶加长备注字段，并停用改写或清理备注的插件、值更新；再删除这张单据，然后重跑。 In Kingdee, make the note longer, and switch off what rewrites or cleans it; delete this bill, then run again",
	}
}

// noteEnd is the end of a note, where its mark stands: the rest may be about a person.
func noteEnd(note string) string {
	const longest = 60
	if runes := []rune(note); len(runes) > longest {
		return "…" + string(runes[len(runes)-longest:])
	}
	return note
}

// numberChanged is a bill that has not the number which the flow gives its order today.
func numberChanged(number string, bill kingdee.Bill) error {
	mark, _ := flow.FindMark(bill.Text)
	return &fault.Error{
		Class:  fault.Final,
		Reason: workflows.NumberChanged,
		System: "金蝶云星空 Kingdee",
		Field:  "FBillNo",
		Message: fmt.Sprintf("售后单 %[1]s 的单据在金蝶是 %[2]s（FID %[3]s），按现在的流程却是 %[4]s：流程的 FBillNo 改过，或金蝶给单据重新编了号。已停止，没有保存任何单据，以免同一单再存一张。"+
			" The bill of order %[1]s is %[2]s in Kingdee (FID %[3]s), and %[4]s by the flow as it is now: its FBillNo was edited, or Kingdee has numbered the bill itself. The run stopped with nothing saved, or the same orders would be saved again",
			mark.OrderID, bill.Number, bill.ID, number),
		Advice: `把流程的 FBillNo 改回原样；若要从某单起用新编号，旧单仍须得出旧编号，如 as_id startsWith "7" ? as_id : "TH" + as_id。金蝶重编号的，请在“编码规则”里允许手工编号，并改正单据编号。` +
			` Put FBillNo in the flow back; new numbers from some order on must leave the old orders theirs, such as as_id startsWith "7" ? as_id : "TH" + as_id. If Kingdee has numbered it, have 编码规则 take numbers that are given, and correct the bill's`,
	}
}

// notShown is a bill that Kingdee calls saved, or its number used, and does not show. A
// look-up can be a moment behind a save: the next one tells.
func notShown(number, id string, again bool) error {
	if !again {
		return notFound(number)
	}
	if id == "" {
		id = "?"
	}
	return &fault.Error{
		Class:  fault.Final,
		Reason: workflows.BillHidden,
		System: "金蝶云星空 Kingdee",
		Message: fmt.Sprintf("单据 %[1]s（FID %[2]s）已保存，查询却一直看不到它。%[3]s: bill %[1]s (FID %[2]s) is saved, and look-ups do not show it",
			number, id, stopped),
		Advice: "请在金蝶给集成用户（KINGDEE_USERNAME）该组织单据的查看权限，并检查“数据规则”是否把单据隐藏了；然后重跑。如果单据已删除，重启 worker 后重跑。" +
			" In Kingdee, give the integration user (KINGDEE_USERNAME) the right to view bills of this organisation, and look whether 数据规则 hides them; then run again. If the bill was deleted, restart the workers first",
	}
}
