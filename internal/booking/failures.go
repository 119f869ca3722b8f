package booking

import (
	"fmt"
	"strings"

	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

const (
	system  = "金蝶云星空 Kingdee"
	stopped = "运行因此停止，以免每一单都重复保存。 The run stops, or every order would be saved again and again"
)

// final is a failure that only a person can end. field may be "".
func final(reason, field, message, advice string) error {
	return &fault.Error{Class: fault.Final, Reason: reason, System: text.Literal(system), Field: field, Message: message, Advice: text.Literal(advice)}
}

func isNumberUsed(err error) bool {
	f := fault.As(err)
	return f != nil && f.Reason == kingdee.ReasonNumberUsed
}

// savedMeanwhile is a bill that another run has saved or changed since it was looked
// at, or right after. The next attempt compares it anew.
func savedMeanwhile(number string) error {
	return &fault.Error{Class: fault.Retry, Reason: "saved_meanwhile", System: text.Literal(system),
		Message: fmt.Sprintf("单据 %[1]s 刚被另一次运行保存，会重新比较。 Bill %[1]s was just saved by another run; it is compared anew", number)}
}

// notShown is a bill that Kingdee calls saved, or its number used, and does not show. A
// look-up can be a moment behind a save: the next one tells. id is its FID, "" where it
// is not known.
func notShown(number, id string, again bool) error {
	if !again {
		return &fault.Error{Class: fault.Retry, Reason: "bill_not_found", System: text.Literal(system),
			Message: fmt.Sprintf("单据 %[1]s 已保存或编号已被使用，但查询不到。 Bill %[1]s is saved or its number used, but a look-up does not show it", number),
			Advice:  text.Literal("检查集成用户是否有该组织单据的查看权限。 Check that the integration user may see bills of this organisation")}
	}
	if id == "" {
		id = "?"
	}
	return final(tally.BillHidden, "",
		fmt.Sprintf("单据 %[1]s（FID %[2]s）已保存，查询却一直看不到它。%[3]s: bill %[1]s (FID %[2]s) is saved, and look-ups do not show it", number, id, stopped),
		"请在金蝶给集成用户（KINGDEE_USERNAME）该组织单据的查看权限，并检查“数据规则”是否把单据隐藏了；然后重跑。如果单据已删除，重启 worker 后重跑。"+
			" In Kingdee, give the integration user (KINGDEE_USERNAME) the right to view bills of this organisation, and look whether 数据规则 hides them; then run again. If the bill was deleted, restart the workers first")
}

func doubleBill(number string, bills []kingdee.Bill) error {
	var ids []string
	for _, bill := range bills {
		ids = append(ids, bill.ID)
	}
	return final(tally.DoubleBill, "",
		fmt.Sprintf("单据编号 %[1]s 有 %[2]d 张单据（FID %[3]s）！ There are %[2]d bills under number %[1]s", number, len(bills), strings.Join(ids, ", ")),
		"请财务核对并删除多余的，并在金蝶启用单据编号唯一性。 Have finance delete the surplus, and switch the uniqueness rule of bill numbers on")
}

// billsIncomplete are bills of an order of which one in between is not there: nobody can
// tell what is booked.
func billsIncomplete(missing, there string) error {
	return final(tally.BillsIncomplete, "",
		fmt.Sprintf("单据 %[2]s 还在，它之前的 %[1]s 却没有了，不知道已入账多少。 Bill %[2]s is there, and %[1]s before it is not, so that it is not known what is booked", missing, there),
		"请财务核对：补回被删除的单据，或把后面的也删除后重试（starter parked retry），或放弃这一单（starter parked discard）。 Have finance look: bring the bill back, or delete those behind it as well and retry the order, or discard it")
}

// billVoid is a bill that was made void, which books nothing.
func billVoid(found kingdee.Bill) error {
	return final(tally.BillVoid, "",
		fmt.Sprintf("单据 %[1]s（FID %[2]s）已作废，这一单没有入账，而编号被它占着。 Bill %[1]s (FID %[2]s) is void: the order is not booked, and the bill holds its number", found.Number, found.ID),
		"请财务决定：反作废，或删除这张单据后重试（starter parked retry），或放弃这一单（starter parked discard）。 Have finance decide: undo the voiding, or delete the bill and retry the order, or discard it")
}

// orderChanged leaves the bill to a person; chinese and english say why it could not
// be changed, where the flow wants that.
func (w *work) orderChanged(found kingdee.Bill, chinese, english string) error {
	by := ""
	if mark, _ := flow.FindMark(found.Text); mark.Version != w.bill.Mark.Version {
		by = fmt.Sprintf("（单据由流程版本 %s 生成，现为 %s made by flow version %[1]s, now %[2]s）", mark.Version, w.bill.Mark.Version)
	}
	return final(tally.OrderChanged, "",
		fmt.Sprintf("单据 %[1]s 保存后，售后单在聚水潭又变了%[2]s，单据（状态 %[3]s）没有改动%[4]s。 The order has changed in Jushuitan since bill %[1]s was saved; the bill (status %[3]s) was left as it is%[5]s",
			found.Number, by, found.DocumentStatus, chinese, english),
		fmt.Sprintf("请财务核对并在金蝶改正单据；改好后把备注 %[1]s 末尾的标记换成 %[2]s，或放弃这一单（starter parked discard）。流程文件写 existing: update 时，未提交、不换月份的单据会自动更新；写 supplement 时，后来多收的会另存一张单据。"+
			" Have finance compare and correct the bill in Kingdee; then put %[2]s in place of the mark at the end of its %[1]s, or discard the order. With existing: update in the flow, bills that are not submitted and stay in their month are changed by themselves; with supplement, what is received later becomes a further bill",
			flow.MarkField, w.bill.Mark))
}

func numbersOf(bills []kingdee.Bill) string {
	var numbers []string
	for _, bill := range bills {
		numbers = append(numbers, bill.Number)
	}
	return strings.Join(numbers, ", ")
}

func statusesOf(bills []kingdee.Bill) string {
	var statuses []string
	for _, bill := range bills {
		statuses = append(statuses, bill.DocumentStatus)
	}
	return strings.Join(statuses, ", ")
}

// leftOutSinceSaved is an order that is to have no bill and has one.
func leftOutSinceSaved(order contract.Order, found []kingdee.Bill, reason string) error {
	return final(tally.OrderChanged, "",
		fmt.Sprintf("单据 %[1]s（状态 %[2]s）保存后，售后单 %[3]s 变了，按流程现在不应同步：%[4]s。 Order %[3]s has changed since bill %[1]s (status %[2]s) was saved, and the flow now leaves it out",
			numbersOf(found), statusesOf(found), order.ID, reason),
		"请财务核对，在金蝶删除或红冲这张单据，或放弃这一单（starter parked discard）。 Have finance compare and delete or reverse the bill in Kingdee, or discard the order")
}

// orderWithdrawn is an order that was booked and is not to be any more; chinese and
// english say why its bill could not be deleted, where the flow wants that.
func orderWithdrawn(order contract.Order, found []kingdee.Bill, reason, chinese, english string) error {
	return final(tally.OrderWithdrawn, "",
		fmt.Sprintf("售后单 %[1]s 已撤回：%[2]s；它的单据 %[3]s（状态 %[4]s）还在%[5]s。 Order %[1]s was withdrawn, and its bill %[3]s (status %[4]s) is still there%[6]s",
			order.ID, reason, numbersOf(found), statusesOf(found), chinese, english),
		"请财务核对：在金蝶删除这张单据（已审核的先反审核，或红冲），删除后它会自动不再挂起；红冲的请放弃这一单（starter parked discard）。流程文件写 withdrawn: delete 时，未提交的单据会自动删除。"+
			" Have finance look: delete the bill in Kingdee, and the order ends by itself; or reverse it and discard the order. With withdrawn: delete in the flow, bills that are not submitted are deleted by themselves")
}

// numberConflict is a bill under the order's number that is not the order's; chinese and
// english say what it is.
func (w *work) numberConflict(found kingdee.Bill, chinese, english string) error {
	return final("number_conflict", "FBillNo",
		fmt.Sprintf("单据编号 %[1]s 已被另一张单据（FID %[2]s）使用，它%[3]s。 Bill number %[1]s is taken: the bill there (FID %[2]s) %[4]s", found.Number, found.ID, chinese, english),
		"请人核对：流程的 FBillNo 是否对每张售后单都不同；那张单据若就是这一单，改正后放弃（starter parked discard）。 Have a person look: is the flow's FBillNo different for every order? If that bill is this order's, correct it and discard the order")
}

// markDamaged is a bill whose mark is there in part: nobody can tell what it was made
// from, and its goods alone don't.
func markDamaged(found kingdee.Bill, mark flow.Mark) error {
	advice := "请人核对，在金蝶改正或删除这张单据，或放弃这一单（starter parked discard）；再查备注被谁截断或改写。 Have a person look, correct or delete the bill in Kingdee, or discard the order; then find out what cuts or rewrites notes"
	if mark.Hash != "" {
		advice = fmt.Sprintf("请人核对；单据正确时，把标记 %[1]s 放到备注末尾再重试，或放弃这一单（starter parked discard）；再查备注被谁截断或改写。 Have a person look: if the bill is right, put the mark %[1]s at the end of its note and retry, or discard the order; then find out what cuts or rewrites notes", mark)
	}
	return final("mark_damaged", flow.MarkField,
		fmt.Sprintf("单据 %[1]s（FID %[2]s）备注里的标记残缺，看不出它由哪一单、哪一版生成：%[3]q。 The mark in the note of bill %[1]s (FID %[2]s) is damaged, and does not tell what the bill was made from", found.Number, found.ID, noteEnd(found.Text)),
		advice)
}

// renumbered is a bill that Kingdee has under another number than was sent.
func renumbered(id, sent, has string) error {
	return final(tally.BillRenumbered, "FBillNo",
		fmt.Sprintf("单据（FID %[1]s）按编号 %[2]s 发送，金蝶里的编号却是 %[3]s，按 %[2]s 再也找不到它。%[4]s: the bill (FID %[1]s) was sent as %[2]s and has the number %[3]s in Kingdee, so it can't be found again",
			id, sent, has, stopped),
		fmt.Sprintf("请在金蝶“编码规则”里让销售退货单允许手工输入编号、不按规则重编，并检查编号的长度和大小写处理；再把单据 %[1]s 的编号改为 %[2]s 或删除它，然后重跑。"+
			" In Kingdee, have 编码规则 of this form take numbers that are given, and see to what cuts numbers or changes their case; correct the number of bill %[1]s to %[2]s or delete it, then run again", has, sent))
}

// markLost is a bill whose mark is not as it was sent.
func markLost(saved *savedBill, difference flow.Difference) error {
	return final(tally.MarkLost, flow.MarkField,
		fmt.Sprintf("单据 %[1]s（FID %[2]s）备注末尾的标记没有原样保存：发送 %[3]s，读回的末尾是 %[4]q；没有标记就认不出单据属于哪一单、是否变过。运行因此停止。"+
			" The mark at the end of %[5]s of bill %[1]s (FID %[2]s) is not as it was sent, and without it nobody can tell whose the bill is and whether the order has changed; the run stops",
			saved.bill.Number, saved.id, saved.bill.Mark, noteEnd(difference.Read), flow.MarkField),
		"请在金蝶加长备注字段，并停用改写或清理备注的插件、值更新；再删除这张单据，然后重跑。 In Kingdee, make the note longer, and switch off what rewrites or cleans it; delete this bill, then run again")
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
	return final(tally.NumberChanged, "FBillNo",
		fmt.Sprintf("售后单 %[1]s 的单据在金蝶是 %[2]s（FID %[3]s），按现在的流程却是 %[4]s：流程的 FBillNo 改过，或金蝶给单据重新编了号。已停止，没有保存任何单据，以免同一单再存一张。"+
			" The bill of order %[1]s is %[2]s in Kingdee (FID %[3]s), and %[4]s by the flow as it is now: its FBillNo was edited, or Kingdee has numbered the bill itself. The run stopped with nothing saved, or the same orders would be saved again",
			mark.OrderID, bill.Number, bill.ID, number),
		`把流程的 FBillNo 改回原样；若要从某单起用新编号，旧单仍须得出旧编号，如 as_id startsWith "7" ? as_id : "TH" + as_id。金蝶重编号的，请在“编码规则”里允许手工编号，并改正单据编号。`+
			` Put FBillNo in the flow back; new numbers from some order on must leave the old orders theirs, such as as_id startsWith "7" ? as_id : "TH" + as_id. If Kingdee has numbered it, have 编码规则 take numbers that are given, and correct the bill's`)
}
