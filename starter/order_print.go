package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/literal"
	"refundsync/internal/reconcile"
	"refundsync/internal/sighting"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// storyPrinter prints a story in short sections, from the shop to the ledger.
type storyPrinter struct {
	to io.Writer
	// columns is the width of the terminal, 0 for none.
	columns int
	// said are the messages that were printed: each is printed once.
	said map[string]bool
}

func newStoryPrinter(w io.Writer) *storyPrinter { return storyPrinterOf(w, terminalColumns(w)) }

func storyPrinterOf(w io.Writer, columns int) *storyPrinter {
	return &storyPrinter{to: w, columns: columns, said: map[string]bool{}}
}

// once is a message, or a reference to it if it is long and was printed before.
func (p *storyPrinter) once(message string) string {
	const long = 40
	if p.said[message] && len([]rune(message)) > long {
		return text.Sprintf("(as above)")
	}
	p.said[message] = true
	return message
}

func (p *storyPrinter) print(s *orderStory) {
	p.say(headline(s))
	p.say(text.Sprintf("Flow %s, version %s. Read on %s; nothing was written.", s.Flow, s.Version, s.ReadAt.Format(time.DateTime)))
	switch {
	case s.Source != nil:
		p.source(s.Source)
	case s.OrderID != "" && s.State != stateUnclear:
		p.heading(text.Sprintf("What Jushuitan says now"))
		p.say(text.Sprintf("It does not show the order among those that changed in the time that was searched; see below."))
	}
	if s.Mapping != nil {
		p.mapping(s.Mapping)
	}
	p.runs(s)
	p.bills(s)
	p.parked(s.Parked)
	if s.Comparison != nil {
		p.differences(s.Comparison)
	}
	if s.Next != nil {
		p.next(s)
	}
	p.sources(s)
}

func (p *storyPrinter) say(line string) {
	fmt.Fprintln(p.to, wrap(literal.Terminal(line), p.columns))
}

// heading begins a section.
func (p *storyPrinter) heading(title string) {
	p.say("\n" + title + "\n" + strings.Repeat("=", min(widths.StringWidth(title), cmp.Or(p.columns, 80))))
}

func (p *storyPrinter) table(headers ...any) *fittedTable {
	t := newTableOf(p.to, p.columns)
	if len(headers) > 0 {
		t.AppendHeader(table.Row(headers))
	}
	return t
}

// standing are the numbers of the bills that are not void.
func standing(bills []billStory) (numbers []string) {
	for _, bill := range bills {
		if !bill.Void {
			numbers = append(numbers, bill.Number)
		}
	}
	return numbers
}

// headline says in one sentence what became of the order.
func headline(s *orderStory) string {
	id, bill := cmp.Or(s.OrderID, s.Asked), s.BillNumber
	switch s.State {
	case string(reconcile.Agrees):
		return text.Sprintf("Order %s is booked as bill %s, which holds what the flow makes of the order now.", id, bill)
	case string(reconcile.Different):
		if s.Reason != "" {
			return text.Sprintf("Order %s has bill %s, but can't be mapped now: %s.", id, bill, fault.ReasonText(s.Reason))
		}
		return text.Sprintf("Order %s is booked as bill %s, which differs from what the flow makes of the order now.", id, bill)
	case string(reconcile.Doubled):
		return text.Sprintf("Order %s is booked more than once: bills %s.", id, strings.Join(standing(s.Bills), ", "))
	case string(reconcile.Void):
		return text.Sprintf("Order %s is not booked: its bill %s is void.", id, bill)
	case string(reconcile.Withdrawn):
		return text.Sprintf("Order %s has bill %s, although the flow leaves the order out now: %s.", id, bill, fault.ReasonText(s.Reason))
	case string(reconcile.OnlyInKingdee):
		return text.Sprintf("Bill %s is in Kingdee, but Jushuitan does not show its order %s.", bill, id)
	case string(reconcile.OthersBill):
		return text.Sprintf("Bill %s was not made by this program: it has no mark.", bill)
	case string(reconcile.LeftOut):
		return text.Sprintf("Order %s is not in Kingdee: the flow leaves it out: %s.", id, fault.ReasonText(s.Reason))
	case string(reconcile.Parked):
		return text.Sprintf("Order %s is not in Kingdee: it is parked, since %s: %s.", id, s.Parked[0].Since.Format(time.DateTime), fault.ReasonText(s.Reason))
	case stateDiscarded:
		return text.Sprintf("Order %s is not in Kingdee: %s discarded it on %s: %s.", id, s.Parked[0].By, s.Parked[0].EndedAt.Format(time.DateTime), s.Parked[0].Note)
	case string(reconcile.Unmapped):
		return text.Sprintf("Order %s is not in Kingdee: the flow can't map it: %s.", id, fault.ReasonText(s.Reason))
	case string(reconcile.Missing):
		if len(s.Parked) > 0 && s.Parked[0].Ending == stateDiscarded {
			return text.Sprintf("Order %s is not in Kingdee: %s discarded it on %s: %s. Since then the order has changed, and a run that reads it will try to book it.", id, s.Parked[0].By, s.Parked[0].EndedAt.Format(time.DateTime), s.Parked[0].Note)
		}
		return text.Sprintf("Order %s is not in Kingdee, although the flow would book it, and it is not parked. Have it synced now: starter run --flow %s --order %s", id, s.Flow, id)
	case stateGone:
		return text.Sprintf("Neither Jushuitan nor Kingdee shows order %s now; see below what is known of it.", id)
	case stateUnknown:
		return text.Sprintf("Nothing has the id %s, nor did an order with it change in the last %d days. Compare it with the screens of Jushuitan or Kingdee; an id by which Jushuitan can't search is found only once the order has a bill, so try the order's own number or the shop's (线上订单号), or more --days.", id, s.Days)
	}
	return text.Sprintf("Order %s: what became of it is not clear, because not everything could be read.", id)
}

func (p *storyPrinter) source(s *sourceStory) {
	p.heading(text.Sprintf("What Jushuitan says now"))
	if len(s.Unmet) > 0 {
		var unmet []string
		for _, m := range s.Unmet {
			unmet = append(unmet, fmt.Sprintf("%s: %s ≠ %s", m.Parameter, m.Has, m.Wanted))
		}
		p.say(text.Sprintf("No run reads the order now, because it does not meet source.parameters of the flow: %s", strings.Join(unmet, ", ")))
	}
	t := p.table(text.New("Field"), text.New("Value"))
	for _, field := range s.Fields {
		t.AppendRow(table.Row{field.Name + "（" + field.Label + "）", field.Value})
	}
	t.Render()
	t = p.table(text.New("Line"), text.New("Fields"))
	for i, line := range s.Lines[:min(len(s.Lines), storyLines)] {
		var fields []string
		for _, field := range line {
			fields = append(fields, field.Name+"（"+field.Label+"） "+field.Value)
		}
		t.AppendRow(table.Row{i + 1, strings.Join(fields, " · ")})
	}
	t.Render()
	if more := len(s.Lines) - storyLines; more > 0 {
		p.say(text.Sprintf("… and %d more lines of the order; -o json has all", more))
	}
}

func (p *storyPrinter) mapping(m *mappingStory) {
	p.heading(text.Sprintf("What the flow makes of it now"))
	switch {
	case m.LeftOut != nil:
		p.say(text.Sprintf("It leaves the order out: %s", fault.ReasonText(m.LeftOut.Reason)))
		p.condition(*m.LeftOut)
		return
	case m.Unmet != nil:
		p.say(text.Sprintf("It does not book the order: %s: %s", fault.ReasonText(m.Unmet.Reason), m.Unmet.Message))
		if m.Unmet.Line > 0 {
			p.say(text.Sprintf("About line %d of the order.", m.Unmet.Line))
		}
		p.condition(*m.Unmet)
		p.say(m.Unmet.Advice)
		return
	case m.Failure != nil:
		p.say(text.Sprintf("It can't map the order: %s: %s", fault.ReasonText(m.Failure.Reason), m.Failure.Message))
		p.say(m.Failure.Advice)
	}
	if m.Closed != "" {
		p.say(m.Closed)
	}
	line := 0
	t := p.table(text.New("Bill field"), text.New("Value"), text.New("From"))
	for _, field := range m.Fields {
		if field.Line > storyLines {
			continue
		}
		if field.Line != line && field.Line > 0 {
			t.Render()
			line = field.Line
			t = p.table(text.New("Bill field"), text.New("Value"), text.New("From"))
			t.SetTitle("%s", lineTitle(m.Lines, line))
		}
		t.AppendRow(table.Row{field.Field + "（" + field.Label + "）", shownSent(field), shownOrigin(field)})
	}
	if len(m.Fields) > 0 {
		t.Render()
	}
	if last := len(m.Fields) - 1; last >= 0 && m.Fields[last].Line > storyLines {
		p.say(text.Sprintf("… and %d more lines of the bill; -o json has all", m.Fields[last].Line-storyLines))
	}
	for _, l := range m.Lines {
		if len(l.BillLines) == 0 {
			p.say(text.Sprintf("Line %d of the order is not on the bill, by the lines condition: %s", l.Number, shownReads(l.Reads)))
		}
	}
	if m.Mark != "" {
		p.say(text.Sprintf("The mark at the end of its note: %s", m.Mark))
	}
}

// lineTitle says which line of the order a line of the bill comes from.
func lineTitle(lines []flow.ExplainedLine, number int) text.Text {
	for _, l := range lines {
		for _, of := range l.BillLines {
			if of != number {
				continue
			}
			return text.New("Line %d of the bill, from line %d of the order", number, l.Number)
		}
	}
	return text.New("Line %d of the bill", number)
}

func (p *storyPrinter) condition(c flow.Condition) {
	p.say(text.Sprintf("Condition: %s", c.Expression))
	if len(c.Reads) > 0 {
		p.say(text.Sprintf("It reads: %s", shownReads(c.Reads)))
	}
}

func shownSent(field flow.ExplainedField) string {
	switch {
	case field.Wrong != "":
		return text.Sprintf("✗ %s", field.Wrong)
	case field.Hidden:
		return text.Sprintf("(not shown)")
	case field.Value == "":
		return text.Sprintf("(not sent)")
	}
	return field.Value
}

// shownOrigin is where a field's value comes from. A long expression is shown once: for the
// head or the first line.
func shownOrigin(field flow.ExplainedField) string {
	if field.Expression == "" {
		return text.Sprintf("constant")
	}
	const long = 30
	origin := shownReads(field.Reads)
	if isName := len(field.Reads) == 1 && field.Reads[0].Name == field.Expression; !isName && (field.Line <= 1 || len(field.Expression) <= long) {
		origin = strings.TrimSuffix(field.Expression+"\n"+origin, "\n")
	}
	if field.Table == nil {
		return origin
	}
	by := map[string]text.Text{
		flow.ByRow: text.New("table %s, row %s", field.Table.Name, shownCode(field.Table)), flow.ByDefault: text.New("table %s, default", field.Table.Name),
		flow.ByPass: text.New("table %s, passed on", field.Table.Name), flow.ByKingdee: text.New("table %s from Kingdee, code %s", field.Table.Name, shownCode(field.Table)),
		"": text.New("table %s, no entry", field.Table.Name),
	}[field.Table.By]
	return origin + "\n" + by.String()
}

func shownCode(t *flow.TableUsed) string { return cmp.Or(t.Code, text.Sprintf("(not shown)")) }

// shownReads lists fields with their values, of many lines the first few.
func shownReads(reads []flow.Read) string {
	const few = 5
	var list []string
	for _, read := range reads {
		values := text.Sprintf("(not shown)")
		if !read.Hidden {
			var shown []string
			for _, value := range read.Values[:min(len(read.Values), few)] {
				shown = append(shown, cmp.Or(value, text.Sprintf("(absent)")))
			}
			if more := len(read.Values) - few; more > 0 {
				shown = append(shown, fmt.Sprintf("… +%d", more))
			}
			values = strings.Join(shown, ", ")
		}
		list = append(list, fmt.Sprintf("%s = %s", read.Name, cmp.Or(values, "–")))
	}
	return strings.Join(list, "; ")
}

// storyRuns bounds the runs that a table shows, the first and the last, and storyLines the
// lines of a bill.
const storyRuns, storyLines = 20, 10

func (p *storyPrinter) runs(s *orderStory) {
	if len(s.Runs) == 0 {
		return
	}
	p.heading(text.Sprintf("What runs saw and did"))
	between := max(len(s.Runs)-storyRuns, 0) // of these there are too many
	for i, run := range s.Runs {
		if i >= storyRuns/2 && i < storyRuns/2+between {
			if i == storyRuns/2 {
				p.say(text.Sprintf("… %d more runs; -o json has all", between))
			}
			continue
		}
		p.say(run.StartedAt.Format(time.DateTime) + " " + run.WorkflowID)
		for _, line := range p.shownRun(run) {
			p.say("  " + line)
		}
	}
	if s.Sent != nil {
		p.sent(s.Sent)
	}
}

// shownRun says what a run saw and did, in lines.
func (p *storyPrinter) shownRun(run runStory) (lines []string) {
	for _, seen := range run.Seen {
		seen.Message = p.once(seen.Message)
		lines = append(lines, seen.At.Format(time.TimeOnly)+" "+shownSighting(seen))
	}
	switch {
	case len(lines) > 0:
		return lines
	case !run.HistoryRead:
		return []string{text.Sprintf("a change of the order is in its range; its history was not read")}
	}
	return []string{text.Sprintf("a change of the order is in its range, but its history does not name the order")}
}

// shownSighting says what happened, in one line.
func shownSighting(s sighting.Sighting) string {
	var what text.Text
	switch s.Kind {
	case sighting.Read:
		what = text.New("read")
	case sighting.LeftOut:
		what = leftOut(s.Reason)
	case sighting.Unreadable:
		what = text.New("not saved: %s: %s", fault.ReasonText(s.Reason), s.Message)
	case sighting.HasBill:
		what = text.New("its bill was there, and needed nothing")
	case sighting.Failed:
		what = text.New("not saved (attempts: %d): %s: %s", s.Attempts, fault.ReasonText(s.Reason), s.Message)
	case sighting.Parked:
		what = text.New("parked")
		if s.Reason != "" {
			what = text.New("parked: %s: %s", fault.ReasonText(s.Reason), s.Message)
		}
	case sighting.Retried:
		what = text.New("retried by a person")
	case sighting.Discarded:
		what = text.New("discarded by %s: %s", s.By, s.Message)
	case sighting.Done:
		what = shownOutcome(s)
	}
	return what.String()
}

func leftOut(reason string) text.Text {
	if reason == stateDiscarded {
		return text.New("left out, as it was discarded")
	}
	return text.New("left out: %s", reason)
}

func shownOutcome(s sighting.Sighting) text.Text {
	var what text.Text
	switch s.Outcome {
	case tally.Saved:
		what = text.New("saved")
	case tally.Updated:
		what = text.New("bill updated")
	case tally.AlreadySaved:
		what = text.New("its bill was there")
	case tally.LeftOut:
		return leftOut(s.Reason)
	case tally.BillDeleted:
		what = text.New("bill deleted, as the order is left out: %s", fault.ReasonText(s.Reason))
	default:
		what = text.Literal(string(s.Outcome))
	}
	if s.BillNumber != "" {
		what = text.New("%s; Kingdee answered with bill %s", what, s.BillNumber)
	}
	if s.Attempts > 1 {
		what = text.New("%s, at attempt %d", what, s.Attempts)
	}
	return what
}

func (p *storyPrinter) sent(s *sentStory) {
	at := s.At.Format(time.DateTime)
	switch {
	case !s.Rebuilt:
		p.say(text.Sprintf("What was sent on %s was made by version %s of the flow. See: starter flow show --version %s", at, s.Version, s.Version))
	case len(s.Changed) == 0:
		p.say(text.Sprintf("What was sent on %s is what the flow makes of the order now, as above.", at))
	default:
		p.say(text.Sprintf("What was sent on %s, where it is not what the flow makes of the order now:", at))
		t := p.table(text.New("Bill field"), text.New("Sent"), text.New("From"))
		for _, field := range s.Changed {
			name := field.Field + "（" + field.Label + "）"
			if field.Line > 0 {
				name += " [" + strconv.Itoa(field.Line) + "]"
			}
			t.AppendRow(table.Row{name, shownSent(field), shownOrigin(field)})
		}
		t.Render()
	}
}

func (p *storyPrinter) bills(s *orderStory) {
	for _, bill := range s.Bills {
		p.heading(text.Sprintf("Bill %s in Kingdee now", bill.Number))
		t := p.table()
		status := reconcile.StatusLabel(bill.Status)
		if bill.Void {
			status = text.New("%s; void (作废)", status)
		}
		t.AppendRow(table.Row{text.New("Status"), status})
		t.AppendRow(table.Row{text.New("Date"), bill.Date})
		t.AppendRow(table.Row{text.New("Customer"), bill.Customer})
		t.AppendRow(table.Row{"FID", bill.ID})
		changed := bill.Signed.Modified
		if changed == bill.Signed.Created {
			changed = kingdee.Signature{} // Kingdee counts the creation as a change
		}
		for _, row := range []struct {
			what   text.Text
			signed kingdee.Signature
		}{
			{text.New("Created by (创建人)"), bill.Signed.Created}, {text.New("Changed by (最后修改人)"), changed},
			{text.New("Audited by (审核人)"), bill.Signed.Audited}, {text.New("Voided by (作废人)"), bill.Signed.Voided},
		} {
			if row.signed.By != "" {
				t.AppendRow(table.Row{row.what, strings.TrimSpace(row.signed.By + " " + timeOrNone(row.signed.At))})
			}
		}
		t.AppendRow(table.Row{text.New("Made from"), shownMark(s, bill)})
		t.Render()
		p.lines(s.form, bill)
	}
	if len(s.Bills) == 0 && s.BillNumber != "" && s.State != stateUnclear {
		p.heading(text.Sprintf("Bill %s", s.BillNumber))
		p.say(text.Sprintf("Kingdee has no bill under this number."))
	}
}

func timeOrNone(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.Format(time.DateTime)
}

// shownMark says which version of the order and of the flow made the bill.
func shownMark(s *orderStory, bill billStory) text.Text {
	if bill.Mark == nil {
		return text.New("no mark: a person or another program made it")
	}
	of := text.New("order %s as of %s, by flow version %s", bill.Mark.OrderID, shownTime(bill.Mark.ChangedAt), bill.Mark.Version)
	switch {
	case bill.Mark.AsNow:
		return text.New("%s; the order and the flow as they are now book the same, so the fields above are what was sent", of)
	case strings.HasPrefix(s.Version, bill.Mark.Version):
		return text.New("%s, as it is now; the order has changed since", of)
	}
	return text.New("%s (now %s); what differs: starter flow diff %s", of, s.Version[:min(6, len(s.Version))], bill.Mark.Version)
}

func (p *storyPrinter) lines(form *catalog.Interface, bill billStory) {
	roles := form.Form
	var heads []any
	for _, role := range []string{roles.Item, roles.Stock, roles.Quantity, roles.Price, roles.Amount} {
		if field, ok := form.Find(roles.Lines, role); ok {
			heads = append(heads, flow.FieldName(field))
		}
	}
	t := p.table(append([]any{text.New("Line")}, heads...)...)
	for column := range heads {
		if column > 1 || roles.Money() && column > 0 {
			t.alignRight(column + 2)
		}
	}
	for i, l := range bill.Lines[:min(len(bill.Lines), storyLines)] {
		if roles.Money() {
			t.AppendRow(table.Row{i + 1, l.Item, l.Amount})
		} else {
			t.AppendRow(table.Row{i + 1, l.Item, l.Stock, l.Quantity, l.TaxPrice, l.Amount})
		}
	}
	t.Render()
	if more := len(bill.Lines) - storyLines; more > 0 {
		p.say(text.Sprintf("… and %d more lines of the bill; -o json has all", more))
	}
	p.links(bill.Links)
}

func (p *storyPrinter) parked(all []parkedStory) {
	for _, parked := range all {
		if parked.Ending == "" {
			p.heading(text.Sprintf("Parked since %s", parked.Since.Format(time.DateTime)))
			p.say(fault.ReasonText(parked.Reason).String() + ": " + p.once(parked.Message))
			if parked.Attempts != nil {
				p.say(text.Sprintf("Attempts while parked: %d; the next on %s. Retry it now: starter parked retry %s", *parked.Attempts, shownTime(*parked.NextAttempt), parked.ID))
			}
		} else {
			p.heading(text.Sprintf("Was parked from %s to %s", parked.Since.Format(time.DateTime), parked.EndedAt.Format(time.DateTime)))
			p.say(fault.ReasonText(parked.Reason).String() + ": " + p.once(parked.Message))
			p.say(endedParking(parked))
		}
		for _, seen := range parked.Seen {
			seen.Message = p.once(seen.Message)
			p.say("  " + seen.At.Format(time.DateTime) + " " + shownSighting(seen))
		}
	}
}

func endedParking(parked parkedStory) string {
	at := parked.EndedAt.Format(time.DateTime)
	switch parked.Ending {
	case stateDiscarded:
		return text.Sprintf("%s discarded it on %s: %s. Runs leave it out until it changes in Jushuitan.", parked.By, at, parked.Note)
	case "left_out":
		return text.Sprintf("Since %s the flow leaves it out: %s.", at, parked.Note)
	case "saved":
		return text.Sprintf("Its bill was there on %s.", at)
	}
	return text.Sprintf("It ended on %s: %s.", at, cmp.Or(outcomeTexts[parked.Ending].String(), parked.Ending))
}

func (p *storyPrinter) differences(row *reconcile.Row) {
	if len(row.Differences) == 0 && !row.NotAudited {
		return
	}
	p.heading(text.Sprintf("What differs now"))
	if len(row.Differences) > 0 {
		t := p.table(text.New("Field"), text.New("Item"), text.New("By the flow now"), text.New("In Kingdee"))
		for _, d := range row.Differences {
			t.AppendRow(table.Row{reconcile.FieldLabel(d.Field), d.Item, d.Source, d.Kingdee})
		}
		t.Render()
		if row.MoreDifferences > 0 {
			p.say(text.Sprintf("… and %d more", row.MoreDifferences))
		}
	}
	if row.NotAudited {
		p.say(text.Sprintf("The flow wants audited bills, and this one is not."))
	}
}

// next says what a run would do.
func (p *storyPrinter) next(s *orderStory) {
	n := s.Next
	p.heading(text.Sprintf("What a run that reads it now would do"))
	said, ok := map[string]text.Text{
		string(tally.Saved):        text.New("Save its bill, or submit and audit it."),
		string(tally.Updated):      text.New("Change its bill, or add a further one."),
		string(tally.AlreadySaved): text.New("Nothing: it has its bill."),
		string(tally.LeftOut):      text.New("Leave it out: %s", fault.ReasonText(n.Reason)),
		string(tally.BillDeleted):  text.New("Delete its bill: %s", fault.ReasonText(n.Reason)),
		string(tally.Parked):       text.New("Park it: %s: %s", fault.ReasonText(n.Reason), p.once(n.Message)),
		stateDiscarded:             text.New("Leave it out, as a person discarded it. To sync it all the same: starter run --flow %s --order %s", s.Flow, s.OrderID),
	}[n.Outcome]
	if !ok {
		said = text.Literal(n.Outcome)
	}
	p.say(said.String())
	p.links(n.Links)
}

// links says to what lines are linked.
func (p *storyPrinter) links(links []flow.LinkedLine) {
	for _, link := range shownLinks(links[:min(len(links), storyLines)]) {
		p.say("  " + link)
	}
}

// sources says what the story was read from.
func (p *storyPrinter) sources(s *orderStory) {
	p.heading(text.Sprintf("What was read"))
	for _, read := range s.Read {
		p.say("  " + read)
	}
	if len(s.Unknown) > 0 {
		p.say(text.Sprintf("Not known, or no longer kept:"))
		for _, unknown := range s.Unknown {
			p.say("  " + unknown)
		}
	}
}
