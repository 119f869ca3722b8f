package docsite

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"refundsync/internal/catalog"
	"refundsync/internal/contract"
	"refundsync/internal/flow"
	"refundsync/internal/tally"
	"refundsync/internal/text"
)

// subtitle is the flow's name, with its company's.
func subtitle(f *flow.Flow) string {
	if f.Company == "" {
		return f.Name
	}
	return f.Company + " · " + f.Name
}

func (s Site) flowPage(f *flow.Flow) page {
	live, asked := s.live(f)
	p := page{Title: f.Title, Subtitle: subtitle(f), Badges: s.state(f)[0], Lead: lead(f)}
	tables := tablesOf(f)
	p.Sections = []section{
		{ID: "diagram", Title: text.Sprintf("At a glance"), Diagram: s.diagram(f, tables)},
		s.stateSection(f),
	}
	if asked && !live.Unknown {
		p.Sections = append(p.Sections, daySection(live))
	}
	p.Sections = append(p.Sections,
		runsSection(f),
		sourceSection(f),
		section{ID: "mapping", Title: text.Sprintf("Mapping"), Note: text.Sprintf("In the order in which the fields are sent. A field without a value is not sent, unless it is required."), Table: mappingTable(f)},
	)
	p.Sections = append(p.Sections, tableSections(tables)...)
	p.Sections = append(p.Sections, checkSections(f)...)
	p.Sections = append(p.Sections, savingSection(f), versionsSection(f, live))
	return p
}

// lead says in a sentence what a flow does.
func lead(f *flow.Flow) string {
	return text.Sprintf("Saves each %s from %s as a %s in Kingdee, unless a check leaves it out or parks it.",
		f.Source.Interface.Source.Noun, f.Source.Interface.Name, f.Form.Title())
}

// diagram is the way from the source through the flow to the form.
func (s Site) diagram(f *flow.Flow, tables []*usedTable) []box {
	link := func(i *catalog.Interface) string { return "../" + interfacePath(i.Name) }
	source := box{Kind: text.Sprintf("source"), Title: f.Source.Interface.Name, What: f.Source.Interface.Title(), Href: link(f.Source.Interface), Numbers: []string{
		text.Sprintf("orders a page: %d", f.Source.PageSize),
		text.Sprintf("windows of %s at most", plain(f.Source.Window)),
		scheduleText(f).String(),
	}}
	through := box{Kind: text.Sprintf("flow"), Title: f.Name, Href: "#mapping", What: f.Title, Numbers: []string{
		text.Sprintf("reasons to leave an order out: %d", len(f.Rules.LeaveOut)),
		text.Sprintf("reasons to park one: %d", len(f.Rules.Require)),
		text.Sprintf("fields: %d, tables: %d", countMappings(f.Rules.Bill), len(tables)),
	}}
	form := box{Kind: text.Sprintf("form"), Title: f.Form.Name, What: f.Form.Title(), Href: link(f.Form), Numbers: []string{submitTexts[f.Options.SubmitAndAudit].String()}}
	if live, ok := s.live(f); ok && !live.Unknown {
		form.Numbers = append(form.Numbers, text.Sprintf("bills saved in 24 hours: %d", live.LastDay.Saved.Count))
		through.Numbers = append(through.Numbers, text.Sprintf("parked now: %d", tally.Total(live.Parked)))
	}
	return []box{source, through, form}
}

var submitTexts = map[string]text.Text{
	flow.SubmitAndAuditNone:     text.New("saved only, neither submitted nor audited"),
	flow.SubmitAndAuditKingdee:  text.New("submitted and audited by Kingdee as it saves"),
	flow.SubmitAndAuditExplicit: text.New("submitted and audited by calls of their own"),
}

// runsSection says when the flow runs and who is told.
func runsSection(f *flow.Flow) section {
	runs := section{ID: "runs", Title: text.Sprintf("When it runs, and who is told")}
	runs.say(text.New("schedule"), scheduleText(f))
	var quiet []line
	for _, span := range f.Schedule.NotBetween {
		quiet = append(quiet, line{words(span)})
	}
	runs.add(text.New("not between"), quiet...)
	daily := func(of *flow.Daily) any {
		if of == nil {
			return text.New("none")
		}
		return text.New("the last %d days, daily at %s", of.Days, clock(of.At))
	}
	runs.say(text.New("sweep"), daily(f.Sweep))
	runs.say(text.New("reconciliation"), daily(f.Reconcile))
	runs.say(text.New("lag limit"), plain(f.LagLimit))
	runs.say(text.New("alerts"), alertsText(f))
	if len(f.Alerts.Robots) > 0 {
		runs.say(text.New("at most one message per cause in"), plain(f.Alerts.Interval))
		if f.Alerts.NothingSyncedFor > 0 {
			runs.say(text.New("told when nothing was saved for"), plain(f.Alerts.NothingSyncedFor))
		}
		if f.Alerts.DailyAt != nil {
			runs.say(text.New("summary of the day"), clock(*f.Alerts.DailyAt))
		}
	}
	r := f.Retry
	runs.say(text.New("retries"), text.New("%d attempts; waits from %s, times %d, up to %s", r.Attempts, plain(r.First), r.Factor, plain(r.Longest)))
	stops := text.New("never")
	if f.TooManyFailures > 0 {
		stops = text.New("if %d%% of the orders fail for one cause", f.TooManyFailures)
	}
	runs.say(text.New("a run stops"), stops)
	return runs
}

// clock is a minute of the day.
func clock(minute int) string {
	return time.Date(1, 1, 1, minute/60, minute%60, 0, 0, time.UTC).Format("15:04")
}

// sourceSection says how orders are read.
func sourceSection(f *flow.Flow) section {
	source := section{ID: "source", Title: text.Sprintf("How orders are read")}
	var sent []line
	for _, name := range slices.Sorted(maps.Keys(f.Source.Parameters)) {
		sent = append(sent, line{code(name + ": " + f.Source.Parameters[name]), note(" " + labelOf(f.Source.Interface, catalog.Request, name))})
	}
	source.add(text.New("parameters sent"), sent...)
	source.add(text.New("key of an order"), line{code(f.Source.Key), note(" " + labelOf(f.Source.Interface, catalog.Header, f.Source.Key))})
	source.say(text.New("longest window"), plain(f.Source.Window))
	source.say(text.New("goes back behind the last run"), plain(f.Source.Overlap))
	source.say(text.New("stays behind now"), plain(f.Source.Lag))
	if f.Source.Cursor == contract.CursorRowVersion {
		source.say(text.New("finds what is new by"), text.New("row version"))
	} else {
		source.say(text.New("finds what is new by"), text.New("time"))
	}
	if !f.Source.Since.IsZero() {
		source.say(text.New("the first run begins at"), moment(f.Source.Since))
	}
	return source
}

func labelOf(i *catalog.Interface, place catalog.Place, name string) string {
	field, _ := i.Find(place, name)
	return field.Chinese
}

// mappingTable says how each field of the bill gets its value.
func mappingTable(f *flow.Flow) *table {
	t := &table{Wide: true, Heads: heads(text.New("field of the bill"), text.New("required"), text.New("how"), text.New("value"), text.New("fields read"))}
	t.addMappings(f, f.Rules.Bill, catalog.Head)
	return t
}

func (t *table) addMappings(f *flow.Flow, fields []flow.BillField, place catalog.Place) {
	t.Rows = append(t.Rows, row{Group: f.Form.Label(place).String()})
	// Groups come after the fields of their place, although they may be sent between.
	for _, field := range fields {
		if field.Mapping != nil {
			t.add(mappingCells(f, field)...)
		}
	}
	for _, field := range fields {
		if field.Mapping == nil {
			t.addMappings(f, field.Fields, catalog.Place(field.Field.Name))
		}
	}
}

func mappingCells(f *flow.Flow, field flow.BillField) []cell {
	m := field.Mapping
	target := cell{{fieldLink(f.Form, field.Field)}, {note(field.Field.Chinese)}}
	if constant, ok := m.Constant(); ok {
		return []cell{target, yes(m.Required), one(short(text.New("constant"))), one(code(constant)), nil}
	}
	how := text.New("expression")
	var read cell
	for _, fields := range []map[string]catalog.Field{m.Value.Header, m.Value.Items} {
		for _, name := range slices.Sorted(maps.Keys(fields)) {
			of := fields[name]
			read = append(read, line{fieldLink(f.Source.Interface, of), note(" " + of.Chinese)})
			if m.Value.Source == name || m.Value.Source == "item."+name {
				how = text.New("field")
			}
		}
	}
	value := cell{{code(m.Value.Source)}}
	if m.Table != nil {
		value = append(value, line{note(text.New("by table")), span{Text: " "}, codeLink("#"+tableID(m.Table), m.Table.Name)})
	}
	return []cell{target, yes(m.Required), one(short(how)), value, read}
}

// fieldLink leads to a field on the page of its interface; one that the catalog does not
// have is only named.
func fieldLink(i *catalog.Interface, field catalog.Field) span {
	if _, ok := i.Find(field.Place, field.Name); !ok {
		return code(field.Name)
	}
	return codeLink("../"+interfacePath(i.Name)+"#"+anchor(field.Place, field.Name), field.Name)
}

// usedTable is a table of the flow and the fields that it is for.
type usedTable struct {
	*flow.Table
	fields []string
	// personal: its codes may be about a person.
	personal bool
}

func tableID(t *flow.Table) string { return "table." + t.Name }

// tablesOf are the tables that fields use, by name.
func tablesOf(f *flow.Flow) []*usedTable {
	found := map[string]*usedTable{}
	var look func([]flow.BillField)
	look = func(fields []flow.BillField) {
		for _, field := range fields {
			look(field.Fields)
			if m := field.Mapping; m != nil && m.Table != nil {
				used := found[m.Table.Name]
				if used == nil {
					used = &usedTable{Table: m.Table}
					found[m.Table.Name] = used
				}
				used.fields = append(used.fields, field.Field.Name)
				used.personal = used.personal || m.Personal()
			}
		}
	}
	look(f.Rules.Bill)
	var tables []*usedTable
	for _, name := range slices.Sorted(maps.Keys(found)) {
		tables = append(tables, found[name])
	}
	return tables
}

// mostRows is how many rows of a table a page shows.
const mostRows = 50

func tableSections(tables []*usedTable) []section {
	var all []section
	for _, t := range tables {
		s := section{ID: tableID(t.Table), Title: text.Sprintf("Table %s", t.Name)}
		s.add(text.New("used for"), line{code(strings.Join(t.fields, ", "))})
		if k := t.Kingdee; k != nil {
			s.say(text.New("rows from"), text.New("Kingdee's base data %s", k.Form))
			s.add(text.New("code → value"), line{code(k.By + " → " + k.Value)})
			if k.Where != "" {
				s.add(text.New("only where"), line{code(k.Where)})
			}
			s.say(text.New("refreshed after"), plain(k.Refresh))
		} else {
			s.add(text.New("rows from"), line{code(t.Place())})
			s.say(text.New("rows"), strconv.Itoa(len(t.Rows)))
		}
		switch {
		case t.Default != "":
			s.add(text.New("a code without a row"), line{words(text.New("becomes")), span{Text: " "}, code(t.Default)})
		case t.Pass:
			s.say(text.New("a code without a row"), text.New("stays as it came"))
		default:
			s.say(text.New("a code without a row"), text.New("parks the order"))
		}
		switch {
		case t.personal:
			s.Note = text.Sprintf("Its codes may be about a person and are not shown.")
		case len(t.Rows) > 0:
			s.Table = &table{Heads: heads(text.New("code"), text.New("value"))}
			for _, from := range slices.Sorted(maps.Keys(t.Rows))[:min(mostRows, len(t.Rows))] {
				s.Table.add(one(words(from)), one(words(t.Rows[from])))
			}
			if len(t.Rows) > mostRows {
				s.Note = text.Sprintf("The first %d of %d rows.", mostRows, len(t.Rows))
			}
		}
		all = append(all, s)
	}
	return all
}

// checkSections say which orders become bills.
func checkSections(f *flow.Flow) []section {
	lines := section{ID: "lines", Title: text.Sprintf("Lines of the bill")}
	switch {
	case f.Rules.OneLine:
		lines.say(text.New("the bill has"), text.New("one line, made of the order's own fields"))
	case f.Rules.Lines == nil:
		lines.say(text.New("an order's line becomes one of the bill"), text.New("always"))
	default:
		lines.add(text.New("an order's line becomes one of the bill if"), line{code(f.Rules.Lines.Source)})
	}
	if f.Rules.SplitDefective {
		lines.say(text.New("a partly damaged line"), text.New("becomes two"))
	}
	if d := f.Rules.Discount; d != nil {
		lines.add(text.New("discount of the order"), line{code(d.Amount.Source), span{Text: " "}, note(text.New("taken off %s of the lines", d.From))})
	}
	if b := f.SourceBill; b != nil {
		without := text.New("goes without a link")
		if b.Required {
			without = text.New("parks the order")
		}
		lines.add(text.New("each line is linked to one of"), line{code(b.FormID), span{Text: " "}, note(text.New("whose %s is", b.Field)), span{Text: " "}, code(b.Value.Value.Source)})
		lines.say(text.New("a line for which none has enough left"), without)
	}

	out := &table{Wide: true, Heads: heads(text.New("reason"), text.New("left out when")), Empty: text.Sprintf("No order is left out.")}
	for _, rule := range f.Rules.LeaveOut {
		out.add(one(words(rule.Reason)), one(code(rule.When.Source)))
	}
	required := &table{Wide: true, Heads: heads(text.New("reason"), text.New("must hold"), text.New("message and advice")), Empty: text.Sprintf("Nothing is required.")}
	for _, rule := range f.Rules.Require {
		holds := cell{{code(rule.That.Source)}}
		if rule.OfLines {
			holds = append(holds, line{note(text.New("for each line"))})
		}
		required.add(one(code(rule.Reason)), holds, cell{{words(rule.Message)}, {note(rule.Advice)}})
	}
	money := &table{Wide: true, Heads: heads(text.New("reason"), text.New("amount")), Empty: text.Sprintf("None is added up.")}
	for _, rule := range f.Rules.NotBooked {
		money.add(one(words(rule.Reason)), one(code(rule.Amount.Source)))
	}
	closed := section{ID: "closed", Title: text.Sprintf("Closed periods")}
	periods := f.ClosedPeriods
	if !periods.Until.IsZero() {
		closed.say(text.New("closed up to"), periods.Until.Format(time.DateOnly))
	}
	if periods.MonthClosesOnDay > 0 {
		closed.say(text.New("a month closes"), text.New("on day %d of the next", periods.MonthClosesOnDay))
	}
	switch {
	case len(closed.Properties) == 0:
		closed.Note = text.Sprintf("No period is closed.")
	case periods.Then == flow.ClosedFirstOpenDay:
		closed.say(text.New("a new bill of a closed day"), text.New("is dated to the first open day"))
	default:
		closed.say(text.New("a new bill of a closed day"), text.New("is not saved: the order is parked"))
	}
	return []section{
		lines,
		{ID: "leave_out", Title: text.Sprintf("Orders left out"), Note: text.Sprintf("For the first of these that holds."), Table: out},
		{ID: "require", Title: text.Sprintf("What must hold"), Note: text.Sprintf("An order is parked for the first of these that does not hold."), Table: required},
		{ID: "not_booked", Title: text.Sprintf("Money that no bill holds"), Table: money},
		closed,
	}
}

var existingTexts = map[string]text.Text{
	flow.ExistingReport:     text.New("the order is parked"),
	flow.ExistingUpdate:     text.New("the bill is changed if it is not submitted and stays in its month; otherwise the order is parked"),
	flow.ExistingSupplement: text.New("a further bill is made of what was received since; otherwise the order is parked"),
}

var withdrawnTexts = map[string]text.Text{
	flow.WithdrawnReport: text.New("the order is parked"),
	flow.WithdrawnDelete: text.New("the bill is deleted if it is not submitted and its period is open; otherwise the order is parked"),
}

// savingSection says how bills are saved.
func savingSection(f *flow.Flow) section {
	s := section{ID: "saving", Title: text.Sprintf("How bills are saved")}
	s.say(text.New("submitted and audited"), submitTexts[f.Options.SubmitAndAudit])
	s.say(text.New("if the order has changed since"), existingTexts[f.Options.Existing])
	s.say(text.New("if the order was withdrawn since"), withdrawnTexts[f.Options.Withdrawn])
	s.add(text.New("one activity saves"), line{code(f.Options.Grain)})
	s.say(text.New("at once"), text.New("%d orders of a window, %d windows", f.Options.InFlight, f.Options.WindowsAtOnce))
	if len(f.Options.ExpectedDifferences) > 0 {
		s.add(text.New("may differ in Kingdee"), line{code(strings.Join(f.Options.ExpectedDifferences, ", "))})
	}
	var own []line
	for _, field := range f.OwnFields {
		own = append(own, line{code(field.Name), note(" " + field.Chinese)})
	}
	s.add(text.New("fields that the merchant added"), own...)
	return s
}
