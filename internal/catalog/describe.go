package catalog

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"refundsync/internal/text"
)

// Title names the interface in the language of the program.
func (i *Interface) Title() string { return spoken(i.Chinese, i.English) }

// Title explains the field in the language of the program.
func (f Field) Title() string { return spoken(f.Chinese, f.English) }

// String is the fact in the language of the program.
func (f Fact) String() string { return spoken(f.Chinese, f.English) }

// String is the word in the language of the program.
func (n Noun) String() string { return spoken(n.Chinese, n.English) }

func spoken(chinese, english string) string {
	if text.Current() == text.Chinese {
		return chinese
	}
	return english
}

// Label names the origin for people, and Meaning says how sure it is.
func (o Origin) Label() text.Text { return originLabels[o] }

func (o Origin) Meaning() text.Text { return originMeanings[o] }

var originLabels = map[Origin]text.Text{
	Core:       text.New("core"),
	Documented: text.New("documented"),
	Measured:   text.New("measured"),
	Used:       text.New("used"),
	Reported:   text.New("reported"),
	Inferred:   text.New("inferred"),
	Unknown:    text.New("unknown"),
}

var originMeanings = map[Origin]text.Text{
	Core:       text.New("in the two tables that this integration is built on"),
	Documented: text.New("in the vendor's documentation or SDK, or in two mirrors of it"),
	Measured:   text.New("seen on a live account by the author of the source"),
	Used:       text.New("in the code of an integrator"),
	Reported:   text.New("second-hand"),
	Inferred:   text.New("our own conclusion"),
	Unknown:    text.New("nobody is known to have said"),
}

// Directions of an interface.
const (
	Reads = "read" // orders are read from it
	Saves = "save" // bills are saved to it
)

// Direction is Reads or Saves.
func (i *Interface) Direction() string {
	if i.Form != nil {
		return Saves
	}
	return Reads
}

// DirectionLabel, SystemLabel and TransportLabel name these for people.
func (i *Interface) DirectionLabel() text.Text {
	if i.Direction() == Saves {
		return text.New("bills are saved to it")
	}
	return text.New("orders are read from it")
}

func (i *Interface) SystemLabel() text.Text { return labelOf(systemLabels, i.System) }

func (i *Interface) TransportLabel() text.Text { return labelOf(transportLabels, i.Transport) }

func labelOf(labels map[string]text.Text, name string) text.Text {
	if label, ok := labels[name]; ok {
		return label
	}
	return text.Literal(name)
}

var systemLabels = map[string]text.Text{
	Jushuitan: text.New("Jushuitan"),
	Kingdee:   text.New("Kingdee"),
}

var transportLabels = map[string]text.Text{
	Qimen:  text.New("the Qimen gateway"),
	Open:   text.New("Jushuitan's open platform"),
	WebAPI: text.New("Kingdee's WebAPI"),
}

// Places lists the places of the interface that have fields, each group after the place
// that the group is in.
func (i *Interface) Places() []Place {
	var places []Place
	for _, place := range []Place{Request, Header, Head, Options} {
		places = append(places, i.within(place)...)
	}
	return slices.DeleteFunc(places, func(place Place) bool { return len(i.Fields[place]) == 0 })
}

// Property is something that an interface says of itself.
type Property struct {
	Name   text.Text
	Values []text.Text
}

// Properties are what the interface says of itself apart from its fields and facts, for
// people.
func (i *Interface) Properties() []Property {
	p := properties{of: i}
	p.add(text.New("system"), i.SystemLabel())
	p.add(text.New("called through"), i.TransportLabel())
	p.add(text.New("direction"), i.DirectionLabel())
	if i.Source != nil {
		p.source(i.Source)
	}
	if i.Form != nil {
		p.form(i.Form)
	}
	limits := []text.Text{}
	if n := i.Limits.CallsPerSecond; n > 0 {
		limits = append(limits, text.New("%d calls a second", n))
	}
	if n := i.Limits.CallsPerMinute; n > 0 {
		limits = append(limits, text.New("%d calls a minute", n))
	}
	if len(limits) == 0 {
		limits = append(limits, originLabels[Unknown])
	}
	p.add(text.New("limits"), limits...)
	return p.list
}

type properties struct {
	of   *Interface
	list []Property
}

// add leaves out what has no value.
func (p *properties) add(name text.Text, values ...text.Text) {
	if len(values) > 0 {
		p.list = append(p.list, Property{name, values})
	}
}

// field adds a role of a field, unless no field has it.
func (p *properties) field(name text.Text, place Place, field string) {
	if field != "" {
		p.add(name, p.of.named(place, field))
	}
}

// named is a field's name with its label.
func (i *Interface) named(place Place, name string) text.Text {
	if field, ok := i.Find(place, name); ok {
		return text.Literal(name + "（" + field.Chinese + "）")
	}
	return text.Literal(name)
}

func (p *properties) source(s *Source) {
	p.add(text.New("an order is called"), text.Literal(s.Noun.String()))
	p.field(text.New("key of an order"), Header, s.Key)
	p.field(text.New("key of a line"), Items, s.LineKey)
	p.field(text.New("version of an order"), Header, s.Modified)
	p.field(text.New("shop's order number"), Header, s.Online)
	p.field(text.New("money of an order"), Header, s.Total)
	p.field(text.New("shop"), Header, s.Shop)
	p.field(text.New("warehouse"), Header, s.Stock)
	p.field(text.New("item of a line"), Items, s.Item)
	p.field(text.New("quantity of a line"), Items, s.Quantity)
	p.field(text.New("money of a line"), Items, s.Amount)
	p.field(text.New("quantity received"), Items, s.Received)
	p.field(text.New("quantity damaged"), Items, s.Defective)
	if s.LargestPage > 0 {
		p.add(text.New("paging"), text.New("at most %d orders a page", s.LargestPage))
	}
	if s.From != "" {
		p.add(text.New("range"), text.New("from %s to %s, Beijing time, at most %s", p.of.named(Request, s.From), p.of.named(Request, s.To), span(s.LongestSpan)))
	}
	var times []text.Text
	for _, value := range slices.Sorted(maps.Keys(s.Times)) {
		time := p.of.named(Header, s.Times[value])
		if len(s.Times) > 1 {
			time = text.New("date_type %s: %s", value, time)
		}
		times = append(times, time)
	}
	p.add(text.New("time that a range is about"), times...)
	if s.RowVersion == "" {
		p.add(text.New("row version"), text.New("none: rows can't be read by it"))
	}
	p.field(text.New("row version"), Header, s.RowVersion)
	var ids, narrowing, widening []text.Text
	for _, field := range slices.Sorted(maps.Keys(s.IDs)) {
		ids = append(ids, text.New("%s: at most %d of %s", s.IDs[field].Parameter, s.IDs[field].Most, p.of.named(Header, field)))
	}
	for _, parameter := range slices.Sorted(maps.Keys(s.Narrowing)) {
		narrows := p.of.named(Request, parameter)
		if field := s.Narrowing[parameter]; field != parameter {
			narrows = text.New("%s, by %s", narrows, p.of.named(Header, field))
		}
		narrowing = append(narrowing, narrows)
	}
	for _, parameter := range s.Widening {
		widening = append(widening, p.of.named(Request, parameter))
	}
	p.add(text.New("given orders"), ids...)
	p.add(text.New("narrowed by"), narrowing...)
	p.add(text.New("widened by"), widening...)
	if w := s.Withdrawn; w.Field != "" {
		p.add(text.New("not to be booked"), text.New("%s is %s", p.of.named(Header, w.Field), strings.Join(w.Values, ", ")))
	}
}

func (p *properties) form(f *Form) {
	if f.Lines != "" {
		p.add(text.New("lines"), p.of.Label(f.Lines))
	}
	for _, role := range []struct {
		name  text.Text
		place Place
		field string
	}{
		{text.New("number"), Head, f.Number},
		{text.New("date"), Head, f.Date},
		{text.New("note"), Head, f.Note},
		{text.New("bill type"), Head, f.BillType},
		{text.New("organisation"), Head, f.Organisation},
		{text.New("customer"), Head, f.Customer},
		{text.New("item"), f.Lines, f.Item},
		{text.New("quantity"), f.Lines, f.Quantity},
		{text.New("price with tax"), f.Lines, f.Price},
		{text.New("amount with tax"), f.Lines, f.Amount},
		{text.New("stock"), f.Lines, f.Stock},
	} {
		p.field(role.name, role.place, role.field)
	}
	if f.Link != nil {
		var sources []text.Text
		for _, form := range slices.Sorted(maps.Keys(f.Link.Sources)) {
			sources = append(sources, text.New("%s, by the rule %s", form, f.Link.Sources[form].Rule))
		}
		p.add(text.New("lines can be linked to"), sources...)
	}
	var back []text.Text
	for _, place := range slices.Sorted(maps.Keys(f.ReadBack)) {
		for _, field := range f.ReadBack[place] {
			back = append(back, p.of.named(place, field))
		}
	}
	p.add(text.New("read back as well"), back...)
}

// span is a duration in days if it is a number of days.
func span(d time.Duration) text.Text {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return text.New("%s days", strconv.Itoa(int(d/day)))
	}
	return text.Literal(d.String())
}
