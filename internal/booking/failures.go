package booking

import (
	"strings"

	"refundsync/internal/contract"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

var system = text.New("Kingdee")

// final is a failure that only a person can end. field may be "".
func final(reason, field string, what error, advice text.Text) error {
	return &fault.Error{Class: fault.Final, Reason: reason, System: system, Field: field, Err: what, Advice: advice}
}

func isNumberUsed(err error) bool {
	f := fault.As(err)
	return f != nil && f.Reason == kingdee.ReasonNumberUsed
}

// savedMeanwhile is a bill that another run saved or changed since it was looked up, or
// right after. The next attempt compares it anew.
func savedMeanwhile(number string) error {
	return &fault.Error{Class: fault.Retry, Reason: "saved_meanwhile", System: system,
		Err: text.Errorf("bill %s was just saved by another run and is compared anew", number)}
}

// notShown is a bill that Kingdee calls saved, or whose number it calls used, but that a
// look-up does not show. A look-up can be a moment behind a save, so a first attempt is
// retried. id is the bill's FID, "" where it is not known.
func notShown(number, id string, retried bool) error {
	if !retried {
		return &fault.Error{Class: fault.Retry, Reason: "bill_not_found", System: system,
			Err:    text.Errorf("bill %s is saved or its number is used, but a look-up does not show it", number),
			Advice: text.New("Check that the integration user may view bills of this organisation")}
	}
	if id == "" {
		id = "?"
	}
	return final(tally.BillHidden, "",
		text.Errorf("bill %s (FID %s) is saved, but look-ups do not show it; the run stops, or each run would save every order once more", number, id),
		text.New("In Kingdee, allow the integration user (KINGDEE_USERNAME) to view bills of this organisation, and check whether “数据规则” hides them; then run again. If the bill was deleted, restart the workers first"))
}

func doubleBill(number string, bills []kingdee.Bill) error {
	var ids []string
	for _, bill := range bills {
		ids = append(ids, bill.ID)
	}
	return final(tally.DoubleBill, "",
		text.Errorf("there are %d bills under number %s (FID %s)", len(bills), number, strings.Join(ids, ", ")),
		text.New("Have finance compare them and delete the surplus, and turn on unique bill numbers in Kingdee"))
}

// billsIncomplete are bills of an order with one missing in between: what is booked is
// unknown.
func billsIncomplete(missing, there string) error {
	return final(tally.BillsIncomplete, "",
		text.Errorf("bill %s exists, but %s before it does not, so it is unknown what is booked", there, missing),
		text.New("Have finance restore the deleted bill, or delete those after it as well and retry the order (starter parked retry), or discard the order (starter parked discard)"))
}

// billVoid is a bill that was voided and books nothing.
func billVoid(found kingdee.Bill) error {
	return final(tally.BillVoid, "",
		text.Errorf("bill %s (FID %s) is void: the order is not booked, and the bill holds its number", found.Number, found.ID),
		text.New("Have finance decide: undo the voiding, or delete the bill and retry the order (starter parked retry), or discard the order (starter parked discard)"))
}

// orderChanged leaves the bill to a person. why says why the bill could not be changed,
// as a clause that begins with a semicolon; it is empty where the flow does not want that.
func (w *work) orderChanged(found kingdee.Bill, why text.Text) error {
	var by text.Text
	if mark, _ := flow.FindMark(found.Text); mark.Version != w.bill.Mark.Version {
		by = text.New(" by flow version %s (now %s)", mark.Version, w.bill.Mark.Version)
	}
	return final(tally.OrderChanged, "",
		text.Errorf("the order has changed in Jushuitan since bill %s was saved%s; the bill (status %s) was left as it is%s",
			found.Number, by, found.DocumentStatus, why),
		text.New("Have finance compare the two and correct the bill in Kingdee; then replace the mark at the end of its %s with %s, or discard the order (starter parked discard). With existing: update in the flow, bills that are not submitted and stay in their month are updated automatically; with existing: supplement, what is received later goes into a further bill",
			w.Flow.Form.Form.Note, w.bill.Mark))
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

// leftOutSinceSaved is an order that should have no bill but has one.
func leftOutSinceSaved(order contract.Order, found []kingdee.Bill, reason string) error {
	return final(tally.OrderChanged, "",
		text.Errorf("order %s has changed since bill %s (status %s) was saved, and the flow now leaves it out: %s",
			order.ID, numbersOf(found), statusesOf(found), reason),
		text.New("Have finance compare the two and delete or reverse the bill in Kingdee, or discard the order (starter parked discard)"))
}

// orderWithdrawn is an order that was booked and should not be any more. why says why its
// bill could not be deleted, as a clause that begins with a semicolon; it is empty where
// the flow does not want that.
func orderWithdrawn(order contract.Order, found []kingdee.Bill, reason string, why text.Text) error {
	return final(tally.OrderWithdrawn, "",
		text.Errorf("order %s was withdrawn (%s), but its bill %s (status %s) still exists%s",
			order.ID, reason, numbersOf(found), statusesOf(found), why),
		text.New("Have finance delete the bill in Kingdee (un-audit it first if it is audited), and the order stops waiting by itself; or reverse the bill and discard the order (starter parked discard). With withdrawn: delete in the flow, bills that are not submitted are deleted automatically"))
}

// numberConflict is a bill under the order's number that is not the order's; why says how
// that shows.
func (w *work) numberConflict(found kingdee.Bill, why text.Text) error {
	number := w.Flow.Form.Form.Number
	return final("number_conflict", number,
		text.Errorf("bill number %s is taken by another bill (FID %s): %s", found.Number, found.ID, why),
		text.New("Check whether the flow's %s differs for every order. If that bill is this order's, correct it and discard the order (starter parked discard)", number))
}

// markDamaged is a bill of whose mark only a part remains: what it was made from is
// unknown, and its goods alone do not tell.
func (b Book) markDamaged(found kingdee.Bill, mark flow.Mark) error {
	advice := text.New("Check the bill, then correct or delete it in Kingdee, or discard the order (starter parked discard); find out what truncates or rewrites notes")
	if mark.Hash != "" {
		advice = text.New("Check the bill: if it is right, put the mark %s at the end of its note and retry, or discard the order (starter parked discard); find out what truncates or rewrites notes", mark)
	}
	return final("mark_damaged", b.Flow.Form.Form.Note,
		text.Errorf("the mark in the note of bill %s (FID %s) is damaged and does not tell which order the bill was made from: %q", found.Number, found.ID, noteEnd(found.Text)),
		advice)
}

// renumbered is a bill that Kingdee has under another number than was sent.
func (b Book) renumbered(id, sent, has string) error {
	return final(tally.BillRenumbered, b.Flow.Form.Form.Number,
		text.Errorf("the bill (FID %s) was sent as %s but has the number %s in Kingdee, so it cannot be found any more; the run stops, or each run would save every order once more", id, sent, has),
		text.New("In Kingdee, let “编码规则” of this form accept given numbers unchanged, and check what truncates numbers or changes their case; correct the number of bill %s to %s or delete the bill, then run again", has, sent))
}

// markLost is a bill whose mark is not as it was sent.
func (b Book) markLost(saved *savedBill, difference flow.Difference) error {
	note := b.Flow.Form.Form.Note
	return final(tally.MarkLost, note,
		text.Errorf("the mark at the end of %s of bill %s (FID %s) was not kept as it was sent: sent %s, read back %q; without it nobody can tell which order the bill belongs to or whether the order has changed, so the run stops",
			note, saved.bill.Number, saved.id, saved.bill.Mark, noteEnd(difference.Read)),
		text.New("In Kingdee, lengthen the note field, and turn off plug-ins and value updates that rewrite or clean it; delete this bill, then run again"))
}

// noteEnd is the end of a note, where its mark is: the rest may be about a person.
func noteEnd(note string) string {
	const longest = 60
	if runes := []rune(note); len(runes) > longest {
		return "…" + string(runes[len(runes)-longest:])
	}
	return note
}

// numberChanged is a bill whose number is not the one that the flow gives its order today.
func (b Book) numberChanged(number string, bill kingdee.Bill) error {
	mark, _ := flow.FindMark(bill.Text)
	field := b.Flow.Form.Form.Number
	return final(tally.NumberChanged, field,
		text.Errorf("the bill of order %s is %s (FID %s) in Kingdee, but %s by the flow as it is now: its %s was edited, or Kingdee has renumbered the bill. The run stopped and saved nothing, or it would save the same orders once more",
			mark.OrderID, bill.Number, bill.ID, number, field),
		text.New(`Restore %s in the flow; new numbers from some order on must keep the numbers of the old orders, such as as_id startsWith "7" ? as_id : "TH" + as_id. If Kingdee has renumbered it, let “编码规则” accept given numbers, and correct the number of the bill`, field))
}
