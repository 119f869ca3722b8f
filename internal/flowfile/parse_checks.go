package flowfile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

func (p *parser) options(s section) {
	p.flow.Options = flow.Options{
		Existing:       s.oneOf("existing"),
		Withdrawn:      s.oneOf("withdrawn"),
		SubmitAndAudit: s.oneOf("submit_and_audit"),
		InFlight:       s.integer("in_flight"),
		WindowsAtOnce:  s.integer("windows_at_once"),
		Grain:          s.oneOf("grain"),
	}
	if s.has("expected_differences") {
		p.flow.Options.ExpectedDifferences = p.expectedDifferences(s.pairs["expected_differences"].value)
	}
	if p.flow.Supplements() {
		p.supplement(s.valueSpan("existing"))
	}
	byKingdee := p.flow.Options.SubmitAndAudit == flow.SubmitAndAuditKingdee
	if byKingdee == p.flow.Call.IsAutoSubmitAndAudit {
		return
	}
	at := p.flag
	if s.has("submit_and_audit") {
		at = s.valueSpan("submit_and_audit")
	}
	p.report(at, text.New("submit_and_audit and IsAutoSubmitAndAudit disagree: expected kingdee with true, or none or explicit with false; found %s with %t.",
		p.flow.Options.SubmitAndAudit, p.flow.Call.IsAutoSubmitAndAudit))
}

// supplement requires that a bill has the quantity that has come in, from which the quantity
// still to book is computed.
func (p *parser) supplement(at span) {
	orders, form := p.flow.Source.Interface, p.flow.Form
	received := orders.Source.Received
	quantity, booked := form.Find(form.Form.Lines, form.Form.Quantity)
	switch {
	case received == "":
		p.report(at, text.New("existing: supplement can't be used with %s, whose lines do not say how many pieces have come in.", orders.Name))
	case !booked:
		p.report(at, text.New("existing: supplement can't be used with %s, whose lines have no quantity.", form.Name))
	case !p.received:
		p.report(at, text.New("existing: supplement requires %s to be { field: item.%s }, from which it computes the quantity still to book.", flow.FieldName(quantity), received))
	}
}

// expectedDifferences reads the fields that Kingdee may hold otherwise than they were sent.
func (p *parser) expectedDifferences(node ast.Node) (names []string) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		p.wrongType(node, text.New("a list of fields, such as [%s]", p.flow.Form.Form.Date))
		return nil
	}
	form := p.flow.Form.Form
	known := flow.MayDiffer(form)
	for _, item := range list.Values {
		name, ok := p.textNode(item)
		switch {
		case !ok:
		case name == form.Number || name == form.Note:
			p.report(p.spanOf(item), text.New("%s can't be an expected difference: bills are found by their number and mark, and without them the same order would be saved again.", name))
		case !slices.Contains(known, name):
			p.report(p.spanOf(item), spelling.Suggest(text.New("expected_differences can't contain %s; expected some of %s.", name, strings.Join(known, ", ")), spelling.Closest(name, known)))
		default:
			names = append(names, name)
		}
	}
	return names
}

func (p *parser) checks(s section) {
	p.flow.Enabled = s.boolean("enabled")
	// A scheduled run continues where the last one ended. By the time at which an order was
	// created or confirmed, it would never come back to one that the source shows only once
	// the goods have arrived.
	source := p.flow.Source
	if by := source.ChangedField(); by != "" && by != source.ModifiedField() && p.flow.Enabled && source.Cursor == contract.CursorTime {
		p.report(p.dateType, text.New("With date_type %s, a flow can only be run by hand (enabled: false in checks): scheduled runs never go back, and would miss orders that match later and later changes. Use 0 for scheduled runs.", source.DateType))
	}
	p.leaveOut(s.list("leave_out"))
	p.require(s.list("require"))
	p.notBooked(s.list("not_booked"))
	if s.has("closed_periods") {
		p.closedPeriods(s.section("closed_periods"), s.keySpan("closed_periods"))
	}
	p.flow.TooManyFailures = s.integer("too_many_failures")
	retry := s.section("retry")
	p.flow.Retry = contract.Retry{
		Attempts: retry.integer("attempts"),
		First:    retry.duration("first"),
		Factor:   retry.integer("factor"),
		Longest:  retry.duration("longest"),
	}
	if p.flow.Retry.Longest < p.flow.Retry.First {
		p.report(s.keySpan("retry"), text.New("In retry, longest (%s) should be no less than first (%s).",
			plain(p.flow.Retry.Longest), plain(p.flow.Retry.First)))
	}
	p.flow.LagLimit = s.duration("lag_limit")
	if s.has("schedule") {
		p.schedule(s.section("schedule"))
	}
	if s.has("sweep") {
		p.flow.Sweep = p.daily(s.section("sweep"), 3*60+30)
	}
	if s.has("reconcile") {
		p.flow.Reconcile = p.daily(s.section("reconcile"), 6*60)
	}
}

// list reads a list of sections.
func (s section) list(name string) (entries []section) {
	if !s.has(name) {
		return nil
	}
	keys := s.defined(name).(listValue).of.(sectionValue)
	list, ok := s.pairs[name].value.(*ast.SequenceNode)
	if !ok {
		s.wrongType(s.pairs[name].value, text.New("a list whose entries have %s", strings.Join(keys.names(), ", ")))
		return nil
	}
	for _, entry := range list.Values {
		entries = append(entries, s.document.section(s.spanOf(entry), text.New("An entry of %s", name), entry, keys))
	}
	return entries
}

func (p *parser) leaveOut(rules []section) {
	for _, s := range rules {
		rule := flow.LeaveOut{Reason: s.text("reason")}
		if s.has("when") {
			p.noteCondition("leave_out", s.pairs["when"].value)
			rule.When = p.expression(s.pairs["when"].value, flow.OrderScope, text.Literal("when"), flow.KindBool)
		}
		p.flow.Rules.LeaveOut = append(p.flow.Rules.LeaveOut, rule)
	}
}

// requirementReason is a code that people type after --reason.
var requirementReason = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

func (p *parser) require(requirements []section) {
	lines := map[string]int{}
	for _, s := range requirements {
		r := flow.Requirement{Reason: s.text("reason"), Message: s.text("message"), Advice: s.text("advice")}
		if s.has("reason") {
			at := s.valueSpan("reason")
			if r.Reason != "" && !requirementReason.MatchString(r.Reason) {
				p.report(at, badCode("reason", r.Reason))
			}
			if line, ok := lines[r.Reason]; ok {
				p.report(at, text.New("The reason %s is already in line %d; use another.", r.Reason, line))
			}
			lines[r.Reason] = at.line
		}
		if s.has("that") {
			p.noteCondition("require", s.pairs["that"].value)
			r.That = p.expression(s.pairs["that"].value, flow.EntryScope, text.Literal("that"), flow.KindBool)
			r.OfLines = r.That != nil && slices.ContainsFunc(r.That.Names, func(n flow.Named) bool { return n.Name == "item" })
		}
		p.flow.Rules.Require = append(p.flow.Rules.Require, r)
	}
}

func (p *parser) notBooked(amounts []section) {
	for _, s := range amounts {
		n := flow.NotBooked{Reason: s.text("reason")}
		if s.has("amount") {
			n.Amount = p.expression(s.pairs["amount"].value, flow.OrderScope, text.Literal("amount"), flow.KindNumber)
		}
		p.flow.Rules.NotBooked = append(p.flow.Rules.NotBooked, n)
	}
}
