package flowfile

import (
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/spelling"
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
	if p.flow.Supplements() && !p.received {
		p.report(s.valueSpan("existing"), say("existing: supplement 要求 FRealQty 写成 { field: item.r_qty }：补充单据的数量由它算出。",
			"existing: supplement needs FRealQty to be { field: item.r_qty }: what is left to book is worked out by it."))
	}
	byKingdee := p.flow.Options.SubmitAndAudit == flow.SubmitAndAuditKingdee
	if byKingdee == p.flow.Call.IsAutoSubmitAndAudit {
		return
	}
	at := p.flag
	if s.has("submit_and_audit") {
		at = s.valueSpan("submit_and_audit")
	}
	p.report(at, say("submit_and_audit 与 IsAutoSubmitAndAudit 不一致：kingdee 应配 true，none 和 explicit 应配 false，这里是 %[1]s 和 %[2]t。",
		"submit_and_audit and IsAutoSubmitAndAudit disagree: expected kingdee with true, none or explicit with false; found %[1]s with %[2]t.",
		p.flow.Options.SubmitAndAudit, p.flow.Call.IsAutoSubmitAndAudit))
}

// expectedDifferences reads the fields that Kingdee may have otherwise than sent.
func (p *parser) expectedDifferences(node ast.Node) (names []string) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		p.wrongType(node, say("字段名的列表，如 [FStockId, FTaxPrice]", "a list of fields, such as [FStockId, FTaxPrice]"))
		return nil
	}
	known := flow.MayDiffer()
	for _, item := range list.Values {
		name, ok := p.textNode(item)
		switch {
		case !ok:
		case name == flow.NumberField || name == flow.MarkField:
			p.report(p.spanOf(item), say("%[1]s 不能写在 expected_differences 里：单据靠编号和标记找回，两者变了，同一售后单会再存成一张。",
				"%[1]s can't be an expected difference: a bill is found again by its number and its mark, and without them the same order would be saved again.", name))
		case !slices.Contains(known, name):
			p.report(p.spanOf(item), say("expected_differences 里没有 %[1]s，可用的字段：%[2]s。", "expected_differences can't have %[1]s; expected some of %[3]s.",
				name, strings.Join(known, "、"), strings.Join(known, ", ")).Suggest(spelling.Closest(name, known)))
		default:
			names = append(names, name)
		}
	}
	return names
}

func (p *parser) checks(s section) {
	p.flow.Enabled = s.boolean("enabled")
	// A run by itself goes on from where the last one ended. By the time at which an
	// order was created or confirmed it never comes back to one that the source shows
	// only once the goods have arrived.
	if byOther := p.flow.Source.DateType == "1" || p.flow.Source.DateType == "2"; byOther && p.flow.Enabled && p.flow.Source.Cursor == contract.CursorTime {
		p.report(p.dateType, say("date_type 为 1 或 2 时只能手工运行（checks 写 enabled: false）：自动运行不会回头读，后来才符合条件的单和后来的修改都会漏掉。自动运行请用 0。",
			"With a date_type of 1 or 2 a flow is run by hand alone (enabled: false in checks): runs that start by themselves never come back, and would leave out orders that match later, and later changes. Use 0 for those."))
	}
	p.leaveOut(s.list("leave_out"))
	p.require(s.list("require"))
	p.notBooked(s.list("not_booked"))
	if s.has("closed_periods") {
		p.closedPeriods(s.section("closed_periods"), s.keySpan("closed_periods"))
	}
	p.flow.TooManyFailures = s.integer("too_many_failures")
	retry := s.section("retry")
	p.flow.Retry = flow.Retry{
		Attempts: retry.integer("attempts"),
		First:    retry.duration("first"),
		Factor:   retry.integer("factor"),
		Longest:  retry.duration("longest"),
	}
	if p.flow.Retry.Longest < p.flow.Retry.First {
		p.report(s.keySpan("retry"), say("retry 的 longest（%[1]s）应不小于 first（%[2]s）。", "retry: longest (%[1]s) should be no less than first (%[2]s).",
			plain(p.flow.Retry.Longest), plain(p.flow.Retry.First)))
	}
	p.flow.LagLimit = s.duration("lag_limit")
	if s.has("schedule") {
		p.schedule(s.section("schedule"))
	}
	if s.has("sweep") {
		p.sweep(s.section("sweep"))
	}
}

// list gives the entries of a list of sections.
func (s section) list(name string) (entries []section) {
	if !s.has(name) {
		return nil
	}
	keys := s.defined(name).(listValue).of.(sectionValue)
	list, ok := s.pairs[name].value.(*ast.SequenceNode)
	if !ok {
		s.wrongType(s.pairs[name].value, say("由 %[1]s 组成的列表", "a list of %[2]s", strings.Join(keys.names(), "、"), strings.Join(keys.names(), ", ")))
		return nil
	}
	for _, entry := range list.Values {
		entries = append(entries, s.document.section(s.spanOf(entry), say("%[1]s 的一项", "An entry of %[1]s", name), entry, keys))
	}
	return entries
}

func (p *parser) leaveOut(rules []section) {
	for _, s := range rules {
		rule := flow.LeaveOut{Reason: s.text("reason")}
		if s.has("when") {
			rule.When = p.expression(s.pairs["when"].value, flow.OrderScope, say("when ", "when"), flow.KindBool)
		}
		p.flow.Rules.LeaveOut = append(p.flow.Rules.LeaveOut, rule)
	}
}

// requirementReason is a code that people type after --reason.
var requirementReason = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

func (p *parser) require(requirements []section) {
	lines := map[string]int{}
	for _, s := range requirements {
		r := flow.Requirement{Reason: s.text("reason"), Message: bothLanguages(s.text("message")), Advice: bothLanguages(s.text("advice"))}
		if s.has("reason") {
			at := s.valueSpan("reason")
			if r.Reason != "" && !requirementReason.MatchString(r.Reason) {
				p.report(at, say("reason 不能是 %[1]s，应为小写字母、数字和下划线，以字母开头，最多 64 个字符。", "reason can't be %[1]s; expected a-z, 0-9 and _, from a letter on, at most 64.", r.Reason))
			}
			if line, ok := lines[r.Reason]; ok {
				p.report(at, say("reason %[1]s 重复，第 %[2]d 行已有，只应写一次。", "The reason %[1]s stands twice; expected once, and it is in line %[2]d already.", r.Reason, line))
			}
			lines[r.Reason] = at.line
		}
		if s.has("that") {
			r.That = p.expression(s.pairs["that"].value, flow.EntryScope, say("that ", "that"), flow.KindBool)
			r.OfLines = r.That != nil && slices.ContainsFunc(r.That.Names, func(n flow.Named) bool { return n.Name == "item" })
		}
		p.flow.Rules.Require = append(p.flow.Rules.Require, r)
	}
}

// inBrackets is a text with its English at the end: 仅退款 (refund only).
var inBrackets = regexp.MustCompile(`(?s)^(.+) \((.+)\)$`)

// bothLanguages takes such a text apart; one without is the same in both.
func bothLanguages(text string) message {
	if parts := inBrackets.FindStringSubmatch(text); parts != nil {
		return message{Chinese: parts[1], English: parts[2]}
	}
	return message{Chinese: text, English: text}
}

func (p *parser) notBooked(amounts []section) {
	for _, s := range amounts {
		n := flow.NotBooked{Reason: s.text("reason")}
		if s.has("amount") {
			n.Amount = p.expression(s.pairs["amount"].value, flow.OrderScope, say("amount ", "amount"), flow.KindNumber)
		}
		p.flow.Rules.NotBooked = append(p.flow.Rules.NotBooked, n)
	}
}
