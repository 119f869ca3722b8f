package flow

import (
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
)

func (p *parser) options(s section) {
	p.flow.Options = Options{
		Existing:       s.oneOf("existing", ExistingReport, ExistingUpdate),
		SubmitAndAudit: s.oneOf("submit_and_audit", SubmitAndAuditNone, SubmitAndAuditKingdee, SubmitAndAuditExplicit),
		InFlight:       s.integer("in_flight", 100, 1, 1000),
		WindowsAtOnce:  s.integer("windows_at_once", 8, 1, 50),
		Grain:          s.oneOf("grain", Grains...),
	}
	if s.has("expected_differences") {
		p.flow.Options.ExpectedDifferences = p.expectedDifferences(s.pairs["expected_differences"].value)
	}
	byKingdee := p.flow.Options.SubmitAndAudit == SubmitAndAuditKingdee
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
	known := mayDiffer()
	for _, item := range list.Values {
		name, ok := p.textNode(item)
		switch {
		case !ok:
		case name == numberField || name == MarkField:
			p.report(p.spanOf(item), say("%[1]s 不能写在 expected_differences 里：单据靠编号和标记找回，两者变了，同一售后单会再存成一张。",
				"%[1]s can't be an expected difference: a bill is found again by its number and its mark, and without them the same order would be saved again.", name))
		case !slices.Contains(known, name):
			p.report(p.spanOf(item), say("expected_differences 里没有 %[1]s，可用的字段：%[2]s。", "expected_differences can't have %[1]s; expected some of %[3]s.",
				name, strings.Join(known, "、"), strings.Join(known, ", ")).didYouMean(name, known))
		default:
			names = append(names, name)
		}
	}
	return names
}

func (p *parser) checks(s section) {
	p.flow.Enabled = s.boolean("enabled", true)
	// A run by itself goes on from where the last one ended. By the time at which an
	// order was created or confirmed it never comes back to one that the source shows
	// only once the goods have arrived.
	if byOther := p.flow.Source.DateType == "1" || p.flow.Source.DateType == "2"; byOther && p.flow.Enabled && p.flow.Source.Cursor == CursorTime {
		p.report(p.dateType, say("date_type 为 1 或 2 时只能手工运行（checks 写 enabled: false）：自动运行不会回头读，后来才符合条件的单和后来的修改都会漏掉。自动运行请用 0。",
			"With a date_type of 1 or 2 a flow is run by hand alone (enabled: false in checks): runs that start by themselves never come back, and would leave out orders that match later, and later changes. Use 0 for those."))
	}
	if s.has("leave_out") {
		p.leaveOut(s.pairs["leave_out"].value)
	}
	if s.has("closed_periods") {
		p.closedPeriods(s.section("closed_periods", nil, []string{"until", "month_closes_on_day", "then"}), s.keySpan("closed_periods"))
	}
	p.flow.TooManyFailures = s.integer("too_many_failures", 80, 0, 100)
	retry := s.section("retry", nil, []string{"attempts", "first", "factor", "longest"})
	p.flow.Retry = Retry{
		Attempts: retry.integer("attempts", 8, 1, 100),
		First:    retry.duration("first", 2*time.Second, time.Second, day),
		Factor:   retry.integer("factor", 2, 1, 10),
		Longest:  retry.duration("longest", 5*time.Minute, time.Second, day),
	}
	if p.flow.Retry.Longest < p.flow.Retry.First {
		p.report(s.keySpan("retry"), say("retry 的 longest（%[1]s）应不小于 first（%[2]s）。", "retry: longest (%[1]s) should be no less than first (%[2]s).",
			plain(p.flow.Retry.Longest), plain(p.flow.Retry.First)))
	}
	p.flow.LagLimit = s.duration("lag_limit", time.Hour, time.Minute, 30*day)
	if s.has("schedule") {
		p.schedule(s.section("schedule", []string{"cron"}, []string{"time_zone", "not_between"}))
	}
}

func (p *parser) leaveOut(node ast.Node) {
	list, ok := node.(*ast.SequenceNode)
	if !ok {
		p.wrongType(node, say("由 when 和 reason 组成的列表", "a list of when and reason"))
		return
	}
	for _, entry := range list.Values {
		s := p.document.section(p.spanOf(entry), say("leave_out 的一项", "An entry of leave_out"), entry, []string{"when", "reason"}, nil)
		rule := leaveOut{reason: s.text("reason")}
		if s.has("when") {
			rule.when = p.expression(s.pairs["when"].value, orderScope, say("when ", "when"), kindBool)
		}
		p.flow.leaveOut = append(p.flow.leaveOut, rule)
	}
}
