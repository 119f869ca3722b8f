package flowfile

import (
	"regexp"
	"slices"

	"github.com/goccy/go-yaml/ast"

	"refundsync/internal/flow"
	"refundsync/internal/text"
)

var robotKinds = []string{flow.RobotWeCom, flow.RobotDingTalk, flow.RobotFeishu, flow.RobotWebhook}

// variableName is the name of an environment variable, in capitals, so that a key or a
// secret does not pass for one.
var variableName = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

func (p *parser) alerts(owner section) {
	node := owner.pairs["alerts"].value
	p.hideSecrets(node)
	if !isMapping(node) {
		p.expected(node, text.New("keys and values, with robots among them"))
		return
	}
	s := owner.section("alerts")
	p.flow.Alerts = flow.Alerts{
		Interval:         s.duration("interval"),
		NothingSyncedFor: s.duration("nothing_synced_for"),
	}
	if s.has("daily_at") {
		at := p.timeOfDay(s, "daily_at")
		p.flow.Alerts.DailyAt = &at
	}
	if p.flow.LagLimit <= p.flow.Source.Lag {
		p.report(owner.keySpan("alerts"), text.New("lag_limit in checks (%s) should be longer than lag in source (%s), or the watermark always lags too far.", plain(p.flow.LagLimit), plain(p.flow.Source.Lag)))
	}
	if !s.has("robots") {
		return
	}
	list, ok := s.pairs["robots"].value.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 {
		p.expected(s.pairs["robots"].value, text.New("a list of at least one robot, each with robot and url_from"))
		return
	}
	for _, entry := range list.Values {
		p.robot(entry)
	}
}

func (p *parser) robot(entry ast.Node) {
	if !isMapping(entry) {
		p.expected(entry, text.New("keys and values: robot and url_from"))
		return
	}
	s := p.document.section(p.spanOf(entry), text.New("An entry of %s", "robots"), entry, robotKeys)
	r := flow.Robot{Kind: s.oneOf("robot"), URLFrom: p.variable(s, "url_from"), SecretFrom: p.variable(s, "secret_from")}
	if s.has("secret_from") && (r.Kind == flow.RobotWeCom || r.Kind == flow.RobotWebhook) {
		p.report(s.keySpan("secret_from"), text.New("A %s robot has no signature; remove secret_from.", r.Kind))
	}
	if r.URLFrom != "" && slices.ContainsFunc(p.flow.Alerts.Robots, func(other flow.Robot) bool { return other.URLFrom == r.URLFrom }) {
		p.report(s.valueSpan("url_from"), text.New("The robot %s is listed twice; remove one.", r.URLFrom))
	}
	p.flow.Alerts.Robots = append(p.flow.Alerts.Robots, r)
}

// variable is the name of an environment variable.
func (p *parser) variable(s section, key string) string {
	if !s.has(key) {
		return ""
	}
	node := s.pairs[key].value
	value, ok := node.(*ast.StringNode)
	if !ok || !variableName.MatchString(value.Value) {
		p.report(p.spanOf(node), text.New("%s takes the name of an environment variable (capitals, digits and _), such as WECOM_ROBOT_URL; addresses and secrets belong in the worker's environment, never in a flow file.", key))
		return ""
	}
	return value.Value
}

// expected is wrongType without what was found, which may be a robot's address.
func (p *parser) expected(node ast.Node, want text.Text) {
	p.report(p.spanOf(node), text.New("Expected %s.", want))
}

// hideSecrets blanks out, in the lines shown with mistakes, what may be a robot's address
// or secret.
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

// shortestSecret is shorter than any vendor's secret, and longer than the values that
// belong here.
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
