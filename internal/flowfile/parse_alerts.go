package flowfile

import (
	"regexp"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"refundsync/internal/flow"
)

var robotKinds = []string{flow.RobotWeCom, flow.RobotDingTalk, flow.RobotFeishu, flow.RobotWebhook}

// variableName is the name of an environment variable, in capitals as is usual,
// so that a key or a secret is not taken for one.
var variableName = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

func (p *parser) alerts(owner section) {
	node := owner.pairs["alerts"].value
	p.hideSecrets(node)
	if !isMapping(node) {
		p.expected(node, say("带有 robots 的一组键和值", "keys with values, robots among them"))
		return
	}
	s := owner.section("alerts")
	p.flow.Alerts = flow.Alerts{
		Interval:         s.duration("interval"),
		NothingSyncedFor: s.duration("nothing_synced_for"),
	}
	if p.flow.LagLimit <= p.flow.Source.Lag {
		p.report(owner.keySpan("alerts"), say("checks 的 lag_limit（%[1]s）应大于 source 的 lag（%[2]s），否则水位总是落后过多。",
			"lag_limit of checks (%[1]s) should be more than lag of source (%[2]s): otherwise the watermark always lags too far.", plain(p.flow.LagLimit), plain(p.flow.Source.Lag)))
	}
	if !s.has("robots") {
		return
	}
	list, ok := s.pairs["robots"].value.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 {
		p.expected(s.pairs["robots"].value, say("由 robot 和 url_from 组成的列表，至少一项", "a list of robot and url_from, one at least"))
		return
	}
	for _, entry := range list.Values {
		p.robot(entry)
	}
}

func (p *parser) robot(entry ast.Node) {
	if !isMapping(entry) {
		p.expected(entry, say(" robot 和 url_from", "robot and url_from"))
		return
	}
	s := p.document.section(p.spanOf(entry), say("robots 的一项", "An entry of robots"), entry, robotKeys)
	r := flow.Robot{Kind: s.oneOf("robot"), URLFrom: p.variable(s, "url_from"), SecretFrom: p.variable(s, "secret_from")}
	if s.has("secret_from") && (r.Kind == flow.RobotWeCom || r.Kind == flow.RobotWebhook) {
		p.report(s.keySpan("secret_from"), say("%[1]s 机器人没有签名，请去掉 secret_from。", "A robot of kind %[1]s has no signature; remove secret_from.", r.Kind))
	}
	if r.URLFrom != "" && slices.ContainsFunc(p.flow.Alerts.Robots, func(other flow.Robot) bool { return other.URLFrom == r.URLFrom }) {
		p.report(s.valueSpan("url_from"), say("机器人 %[1]s 重复，只应写一次。", "The robot %[1]s stands twice; expected once.", r.URLFrom))
	}
	p.flow.Alerts.Robots = append(p.flow.Alerts.Robots, r)
}

// variable gives the name of an environment variable.
func (p *parser) variable(s section, key string) string {
	if !s.has(key) {
		return ""
	}
	node := s.pairs[key].value
	text, ok := node.(*ast.StringNode)
	if !ok || !variableName.MatchString(text.Value) {
		p.report(p.spanOf(node), say("%[1]s 应为环境变量的名称（大写字母、数字和下划线），如 WECOM_ROBOT_URL；地址和密钥只放在 worker 的环境变量里，不写进流程文件。",
			"%[1]s should be the name of an environment variable (capitals, digits and _), such as WECOM_ROBOT_URL; addresses and secrets are kept in the worker's environment alone, never in a flow file.", key))
		return ""
	}
	return text.Value
}

// expected is wrongType without what was found: it may be a robot's address.
func (p *parser) expected(node ast.Node, want message) {
	p.report(p.spanOf(node), say("这里应为%[1]s。", "Expected %[2]s.", want.Chinese, want.English))
}

// hideSecrets makes unreadable, in the lines that mistakes are shown with, what
// may be a robot's address or secret.
func (p *parser) hideSecrets(node ast.Node) {
	switch node := node.(type) {
	case *ast.MappingNode:
		for _, pair := range node.Values {
			p.hideSecrets(pair.Value)
		}
	case *ast.SequenceNode:
		for _, entry := range node.Values {
			p.hideSecrets(entry)
		}
	case *ast.StringNode:
		if len(node.Value) >= shortestSecret && !variableName.MatchString(node.Value) {
			p.hide(p.spanOf(node))
		}
	}
}

// shortestSecret is shorter than any vendor's, and longer than the values that
// stand here rightly.
const shortestSecret = 10

func (d *document) hide(at span) {
	line := []rune(d.lines[at.line-1])
	for i := at.column - 1; i < min(at.column-1+at.length, len(line)); i++ {
		line[i] = '*'
	}
	d.lines[at.line-1] = string(line)
	for i := range d.problems {
		if d.problems[i].Line == at.line {
			d.problems[i].Source = string(line)
		}
	}
}
