package docsite

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// flows are in the order of their names.
func (s Site) flows() []*flow.Flow {
	var all []*flow.Flow
	for _, name := range slices.Sorted(maps.Keys(s.Flows)) {
		all = append(all, s.Flows[name])
	}
	return all
}

// interfaces are those that orders are read from, then the forms, each by name.
func (s Site) interfaces() []*catalog.Interface {
	return slices.SortedFunc(maps.Values(s.Interfaces), func(a, b *catalog.Interface) int {
		return cmp.Or(cmp.Compare(a.Direction(), b.Direction()), cmp.Compare(strings.Trim(a.Name, "/"), strings.Trim(b.Name, "/")))
	})
}

func uses(f *flow.Flow, i *catalog.Interface) bool {
	return f.Source.Interface == i || f.Form == i
}

func (s Site) index() page {
	p := page{Title: text.Sprintf("Interfaces and flows"), Lead: text.Sprintf("Interfaces: %d. Flows: %d. Each has its own page: what it does, field by field, and how that is known.", len(s.Interfaces), len(s.Flows))}
	p.Sections = []section{
		{ID: "flows", Title: text.Sprintf("Flows"), Table: s.flowTable()},
		{ID: "interfaces", Title: text.Sprintf("Interfaces"), Table: s.interfaceTable()},
	}
	return p
}

func (s Site) flowTable() *table {
	t := &table{Cards: true, Heads: heads(text.New("flow"), text.New("from → to"), text.New("documented"), text.New("state"), text.New("monitored"))}
	if s.Live != nil {
		t.Heads = append(t.Heads, text.Sprintf("last 24 hours"))
	}
	for _, f := range s.flows() {
		title := f.Title
		if f.Company != "" {
			title = f.Company + " · " + title
		}
		cells := []cell{
			{{codeLink(flowPath(f.Name), f.Name)}, {note(title)}},
			{{interfaceLink(f.Source.Interface)}, {words("→ "), interfaceLink(f.Form)}},
			one(words(text.New("✓ fields: %d, checks: %d", countMappings(f.Rules.Bill), countChecks(f)))),
			s.state(f),
			s.monitored(f),
		}
		if s.Live != nil {
			cells = append(cells, s.lastDay(f))
		}
		t.add(cells...)
	}
	return t
}

// countChecks is how many conditions decide about an order.
func countChecks(f *flow.Flow) int { return len(f.Rules.LeaveOut) + len(f.Rules.Require) }

func countMappings(fields []flow.BillField) (n int) {
	for _, field := range fields {
		if field.Mapping != nil {
			n++
		}
		n += countMappings(field.Fields)
	}
	return n
}

// monitored says when a flow runs, who is told, and how far it may lag.
func (s Site) monitored(f *flow.Flow) cell {
	c := cell{{words(scheduleText(f))}, {note(text.New("alerts: %s", alertsText(f)))}}
	if live, ok := s.live(f); ok && !live.Unknown {
		return append(c, line{note(text.New("lag:")), span{Text: " "}, live.lag(f.LagLimit)})
	}
	return append(c, line{note(text.New("lag limit %s", plain(f.LagLimit)))})
}

func scheduleText(f *flow.Flow) text.Text {
	if len(f.Schedule.Cron) == 0 {
		return text.New("only by hand")
	}
	return text.Literal(strings.Join(f.Schedule.Cron, "; ") + " · " + f.Schedule.TimeZone)
}

var robotNames = map[string]text.Text{
	flow.RobotWeCom:    text.New("WeCom"),
	flow.RobotDingTalk: text.New("DingTalk"),
	flow.RobotFeishu:   text.New("Feishu"),
	flow.RobotWebhook:  text.New("a webhook"),
}

// alertsText names the kinds of the robots, never their addresses.
func alertsText(f *flow.Flow) text.Text {
	if len(f.Alerts.Robots) == 0 {
		return text.New("nobody is told")
	}
	var robots []any
	for _, robot := range f.Alerts.Robots {
		robots = append(robots, robotNames[robot.Kind])
	}
	return text.Join(", ", robots...)
}

func (s Site) lastDay(f *flow.Flow) cell {
	live, _ := s.live(f)
	if live.Unknown {
		return one(badge(odd, text.New("unknown")))
	}
	d := live.LastDay
	return cell{
		{words(text.New("bills saved %d, updated %d", d.Saved.Count, d.Updated))},
		{words(text.New("runs %d, failed %d", d.Runs, d.RunsFailed))},
		{words(text.New("parked now %d", tally.Total(live.Parked)))},
	}
}

func interfaceLink(i *catalog.Interface) span { return codeLink(interfacePath(i.Name), i.Name) }

func (s Site) interfaceTable() *table {
	t := &table{Cards: true, Heads: heads(text.New("interface"), text.New("system"), text.New("direction"), text.New("documented"), text.New("flows that use it"))}
	for _, i := range s.interfaces() {
		fields := 0
		for _, place := range i.Places() {
			fields += len(i.Fields[place])
		}
		var users cell
		for _, f := range s.flows() {
			if uses(f, i) {
				users = append(users, line{codeLink(flowPath(f.Name), f.Name), span{Text: " "}, s.state(f)[0][0]})
			}
		}
		if users == nil {
			users = one(note(text.New("none here")))
		}
		t.add(
			cell{{interfaceLink(i)}, {note(i.Title())}},
			cell{{words(i.SystemLabel())}, {note(i.TransportLabel())}},
			one(words(i.DirectionLabel())),
			one(words(text.New("✓ fields: %d, facts: %d", fields, len(i.Facts)))),
			users,
		)
	}
	return t
}
