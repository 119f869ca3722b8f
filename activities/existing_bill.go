package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/workflows"
)

// compare tells whether the order has changed since the bill under its number was
// made. It fails if the bill is not this order's, or nobody can tell.
func (b *billToSave) compare(ctx context.Context, found kingdee.Bill) (changed bool, err error) {
	switch b.bill.Mark.Kinship(found.Text) {
	case flow.Same, flow.Newer:
		return false, nil
	case flow.Older:
		return true, nil
	case flow.OtherOrder:
		other, _ := flow.FindMark(found.Text)
		return false, b.numberConflict(found,
			fmt.Sprintf("是售后单 %s 的", other.OrderID), fmt.Sprintf("is the bill of order %s", other.OrderID))
	}
	if b.bill.Mark.RemainsIn(found.Text) {
		return false, markDamaged(found, b.bill.Mark)
	}
	// The mark can't tell: it is missing, or the flow was changed since and would
	// make another bill of the same order. What came back does.
	different, err := b.differentGoods(ctx, found)
	if err != nil || different == "" {
		return false, err
	}
	if _, marked := flow.FindMark(found.Text); marked {
		return true, nil
	}
	return false, b.numberConflict(found,
		"没有本程序的标记，退回的物料和数量也不同："+different, "carries no mark of ours and holds other goods: "+different)
}

// differentGoods lists the materials whose quantities differ, as
// “material: bill's/order's”; "" if none does.
func (b *billToSave) differentGoods(ctx context.Context, found kingdee.Bill) (string, error) {
	ordered, err := b.bill.Quantities()
	if err != nil {
		return "", fmt.Errorf("单据 bill %s: %w", b.bill.Number, err)
	}
	booked, err := b.ledger.Quantities(ctx, b.flow.Call.FormId, found.ID)
	if err != nil {
		return "", err
	}
	all := maps.Clone(ordered)
	maps.Copy(all, booked)
	var different []string
	for _, material := range slices.Sorted(maps.Keys(all)) {
		if !booked[material].Equal(ordered[material]) {
			different = append(different, fmt.Sprintf("%s: %s/%s", material, shown(booked, material), shown(ordered, material)))
		}
	}
	return strings.Join(different, ", "), nil
}

func shown(quantities map[string]decimal.Decimal, material string) string {
	quantity, ok := quantities[material]
	if !ok {
		return "–"
	}
	return quantity.String()
}

// update changes the bill into what the order asks for now, if the flow wants that,
// nobody has gone on with the bill, and it stays in its month. It gives the bill as it
// is then: another worker may have changed it at the same time.
func (b *billToSave) update(ctx context.Context, found kingdee.Bill) (kingdee.Bill, error) {
	model, err := b.modelForUpdate(found)
	if err != nil {
		return found, err
	}
	_, err = b.send(ctx, model, &found)
	if isNumberUsed(err) {
		return found, savedMeanwhile(b.bill.Number)
	}
	if err != nil {
		return found, fmt.Errorf("更新失败 update failed: %w", err)
	}
	updated, err := b.look(ctx)
	if err != nil {
		return found, err
	}
	if updated == nil || b.bill.Mark.Kinship(updated.Text) != flow.Same {
		return found, savedMeanwhile(b.bill.Number)
	}
	return *updated, nil
}

// modelForUpdate is the bill that is to be saved over one; an error says why none is.
func (b *billToSave) modelForUpdate(found kingdee.Bill) (json.RawMessage, error) {
	if b.flow.Options.Existing != flow.ExistingUpdate || !isUntouched(found) {
		return nil, b.orderChanged(found, "", "")
	}
	now := time.Now()
	booked, err := time.ParseInLocation(time.DateOnly, found.Date, catalog.Beijing)
	if err != nil {
		return nil, b.orderChanged(found, "，读不到单据的日期", "; its date can't be read")
	}
	if closed := b.flow.ClosedPeriods.LastDay(now); !booked.After(closed) {
		return nil, b.orderChanged(found,
			fmt.Sprintf("，单据日期 %s 在已结账的期间（截至 %s）", found.Date, closed.Format(time.DateOnly)),
			fmt.Sprintf("; its date %s is in a closed period (up to %s)", found.Date, closed.Format(time.DateOnly)))
	}
	bill, err := b.flow.InOpenPeriod(b.bill, now)
	if err != nil {
		return nil, err
	}
	date, err := bill.Date()
	if err != nil {
		return nil, err
	}
	// From month to month it would change what is booked in both, and finance may
	// have closed one of them without the flow's knowing, or dated the bill by hand.
	if !date.IsZero() && !sameMonth(date, booked) {
		return nil, b.orderChanged(found,
			fmt.Sprintf("，按售后单应记到 %s，单据却记在 %s，更新会把它移到另一个月", date.Format(time.DateOnly), found.Date),
			fmt.Sprintf("; it is dated %s, and by the order it would be %s, in another month", found.Date, date.Format(time.DateOnly)))
	}
	return bill.Changing(found.ID), nil
}

// savedMeanwhile is a bill that another run has saved or changed since it was looked
// at, or right after. The next attempt compares it anew.
func savedMeanwhile(number string) error {
	return &fault.Error{
		Class:   fault.Retry,
		Reason:  "saved_meanwhile",
		System:  "金蝶云星空 Kingdee",
		Message: fmt.Sprintf("单据 %[1]s 刚被另一次运行保存，会重新比较。 Bill %[1]s was just saved by another run; it is compared anew", number),
	}
}

// isUntouched tells whether a bill may be changed: it is a draft or created, and
// nobody has submitted, audited or re-opened it.
func isUntouched(bill kingdee.Bill) bool {
	return bill.DocumentStatus == "Z" || bill.DocumentStatus == "A"
}

func sameMonth(a, b time.Time) bool { return a.Year() == b.Year() && a.Month() == b.Month() }

// orderChanged leaves the bill to a person; chinese and english say why it could not
// be changed, where the flow wants that.
func (b *billToSave) orderChanged(found kingdee.Bill, chinese, english string) error {
	by := ""
	if mark, _ := flow.FindMark(found.Text); mark.Version != b.bill.Mark.Version {
		by = fmt.Sprintf("（单据由流程版本 %s 生成，现为 %s made by flow version %[1]s, now %[2]s）", mark.Version, b.bill.Mark.Version)
	}
	return &fault.Error{
		Class:  fault.Final,
		Reason: workflows.OrderChanged,
		System: "金蝶云星空 Kingdee",
		Message: fmt.Sprintf("单据 %[1]s 保存后，售后单在聚水潭又变了%[2]s，单据（状态 %[3]s）没有改动%[4]s。 The order has changed in Jushuitan since bill %[1]s was saved; the bill (status %[3]s) was left as it is%[5]s",
			b.bill.Number, by, found.DocumentStatus, chinese, english),
		Advice: fmt.Sprintf("请财务核对并在金蝶改正单据；改好后把备注 %[1]s 末尾的标记换成 %[2]s，或放弃这一单（starter parked discard）。流程文件写 existing: update 时，未提交、不换月份的单据会自动更新。"+
			" Have finance compare and correct the bill in Kingdee; then put %[2]s in place of the mark at the end of its %[1]s, or discard the order. With existing: update in the flow, bills that are not submitted and stay in their month are changed by themselves",
			flow.MarkField, b.bill.Mark),
	}
}

// leaveOut sees to it that an order which the flow leaves out has no bill: it may
// have been saved before it changed.
func (a *Activities) leaveOut(ctx context.Context, f *flow.Flow, order flow.Order, reason string) (workflows.SaveOrderResult, error) {
	result := workflows.SaveOrderResult{Outcome: workflows.LeftOut, BillNumber: order.BillNumber, Reason: reason}
	found, err := findBill(ctx, a.Ledger, f, order.BillNumber)
	if err != nil || found == nil || found.Void {
		return result, err
	}
	// A bill of another order, or one that a person made, is none of this one's, and
	// one of a later version of the order is right.
	order.BillHash = ""
	mark := f.Mark(order)
	if mark.RemainsIn(found.Text) {
		return workflows.SaveOrderResult{}, markDamaged(*found, mark)
	}
	switch mark.Kinship(found.Text) {
	case flow.Unmarked, flow.OtherOrder, flow.Newer:
		return result, nil
	}
	return workflows.SaveOrderResult{}, &fault.Error{
		Class:  fault.Final,
		Reason: workflows.OrderChanged,
		System: "金蝶云星空 Kingdee",
		Message: fmt.Sprintf("单据 %[1]s（状态 %[2]s）保存后，售后单 %[3]s 变了，按流程现在不应同步：%[4]s。 Order %[3]s has changed since bill %[1]s (status %[2]s) was saved, and the flow now leaves it out",
			order.BillNumber, found.DocumentStatus, order.ID, reason),
		Advice: "请财务核对，在金蝶删除或红冲这张单据，或放弃这一单（starter parked discard）。 Have finance compare and delete or reverse the bill in Kingdee, or discard the order",
	}
}

func (b *billToSave) numberConflict(found kingdee.Bill, chinese, english string) error {
	return &fault.Error{
		Class:   fault.Final,
		Reason:  "number_conflict",
		System:  "金蝶云星空 Kingdee",
		Field:   "FBillNo",
		Message: fmt.Sprintf("单据编号 %[1]s 已被另一张单据（FID %[2]s）使用，它%[3]s。 Bill number %[1]s is taken: the bill there (FID %[2]s) %[4]s", b.bill.Number, found.ID, chinese, english),
		Advice:  "请人核对：流程的 FBillNo 是否对每张售后单都不同；那张单据若就是这一单，改正后放弃（starter parked discard）。 Have a person look: is the flow's FBillNo different for every order? If that bill is this order's, correct it and discard the order",
	}
}

// markDamaged is a bill whose mark is there in part: nobody can tell what it was made
// from, and its goods alone don't.
func markDamaged(found kingdee.Bill, mark flow.Mark) error {
	advice := "请人核对，在金蝶改正或删除这张单据，或放弃这一单（starter parked discard）；再查备注被谁截断或改写。 Have a person look, correct or delete the bill in Kingdee, or discard the order; then find out what cuts or rewrites notes"
	if mark.Hash != "" {
		advice = fmt.Sprintf("请人核对；单据正确时，把标记 %[1]s 放到备注末尾再重试，或放弃这一单（starter parked discard）；再查备注被谁截断或改写。 Have a person look: if the bill is right, put the mark %[1]s at the end of its note and retry, or discard the order; then find out what cuts or rewrites notes", mark)
	}
	return &fault.Error{
		Class:   fault.Final,
		Reason:  "mark_damaged",
		System:  "金蝶云星空 Kingdee",
		Field:   flow.MarkField,
		Message: fmt.Sprintf("单据 %[1]s（FID %[2]s）备注里的标记残缺，看不出它由哪一单、哪一版生成：%[3]q。 The mark in the note of bill %[1]s (FID %[2]s) is damaged, and does not tell what the bill was made from", found.Number, found.ID, noteEnd(found.Text)),
		Advice:  advice,
	}
}

// billVoid is a bill that was made void, which books nothing.
func billVoid(found kingdee.Bill) error {
	return &fault.Error{
		Class:   fault.Final,
		Reason:  workflows.BillVoid,
		System:  "金蝶云星空 Kingdee",
		Message: fmt.Sprintf("单据 %[1]s（FID %[2]s）已作废，这一单没有入账，而编号被它占着。 Bill %[1]s (FID %[2]s) is void: the order is not booked, and the bill holds its number", found.Number, found.ID),
		Advice:  "请财务决定：反作废，或删除这张单据后重试（starter parked retry），或放弃这一单（starter parked discard）。 Have finance decide: undo the voiding, or delete the bill and retry the order, or discard it",
	}
}

func isNumberUsed(err error) bool {
	f := fault.As(err)
	return f != nil && f.Reason == kingdee.ReasonNumberUsed
}

// notFound is a bill that Kingdee calls saved and does not show. A look-up can
// be a moment behind a save.
func notFound(number string) error {
	return &fault.Error{
		Class:   fault.Retry,
		Reason:  "bill_not_found",
		System:  "金蝶云星空 Kingdee",
		Message: fmt.Sprintf("单据 %[1]s 已保存或编号已被使用，但查询不到。 Bill %[1]s is saved or its number used, but a look-up does not show it", number),
		Advice:  "检查集成用户是否有该组织单据的查看权限。 Check that the integration user may see bills of this organisation",
	}
}

func doubleBill(number string, bills []kingdee.Bill) error {
	var ids []string
	for _, bill := range bills {
		ids = append(ids, bill.ID)
	}
	return &fault.Error{
		Class:   fault.Final,
		Reason:  workflows.DoubleBill,
		System:  "金蝶云星空 Kingdee",
		Message: fmt.Sprintf("单据编号 %[1]s 有 %[2]d 张单据（FID %[3]s）！ There are %[2]d bills under number %[1]s", number, len(bills), strings.Join(ids, ", ")),
		Advice:  "请财务核对并删除多余的，并在金蝶启用单据编号唯一性。 Have finance delete the surplus, and switch the uniqueness rule of bill numbers on",
	}
}
