package docsite

import (
	"maps"
	"slices"

	"refundsync/internal/catalog"
	"refundsync/internal/text"
)

func (s Site) interfacePage(i *catalog.Interface) page {
	p := page{Title: i.Name, Subtitle: i.Title(), Lead: text.Sprintf("%s, called through %s: %s.", i.SystemLabel(), i.TransportLabel(), i.DirectionLabel())}
	about := section{ID: "about", Title: text.Sprintf("How it is called")}
	for _, property := range i.Properties() {
		var lines []line
		for _, value := range property.Values {
			lines = append(lines, line{words(value)})
		}
		about.add(property.Name, lines...)
	}
	flows := &table{Heads: heads(text.New("flow"), text.New("title"), text.New("state")), Empty: text.Sprintf("No flow of the folder uses it.")}
	for _, f := range s.flows() {
		if uses(f, i) {
			flows.add(one(codeLink("../"+flowPath(f.Name), f.Name)), one(words(f.Title)), s.state(f))
		}
	}
	facts := &table{Heads: heads(text.New("fact"), text.New("how it is known")), Empty: text.Sprintf("Nothing is written down.")}
	for _, fact := range i.Facts {
		facts.add(one(words(fact)), originCell(fact.Origin))
	}
	p.Sections = []section{
		about,
		{ID: "used", Title: text.Sprintf("Flows that use it"), Table: flows},
		{ID: "facts", Title: text.Sprintf("What is known of it"), Table: facts},
	}
	for _, place := range i.Places() {
		p.Sections = append(p.Sections, section{ID: string(place), Title: text.Sprintf("Fields: %s (%d)", i.Label(place), len(i.Fields[place])), Table: fieldTable(i, place)})
	}
	origins := section{ID: "origins", Title: text.Sprintf("How a fact is known"), Note: text.Sprintf("The surest first.")}
	for _, origin := range catalog.Origins {
		origins.say(origin.Label(), origin.Meaning())
	}
	p.Sections = append(p.Sections, origins)
	return p
}

func originCell(origin catalog.Origin) cell {
	return cell{{words(origin.Label())}, {note(origin.Meaning())}}
}

// anchor is that of a field on the page of its interface.
func anchor(place catalog.Place, name string) string { return string(place) + "." + name }

func fieldTable(i *catalog.Interface, place catalog.Place) *table {
	t := &table{Wide: true, Heads: heads(text.New("field"), text.New("label"), text.New("type"), text.New("required"), text.New("values and notes"), text.New("how it is known"))}
	for _, field := range i.Fields[place] {
		label := cell{{words(field.Chinese)}}
		if title := field.Title(); title != field.Chinese {
			label = append(label, line{note(title)})
		}
		t.Rows = append(t.Rows, row{ID: anchor(place, field.Name), Cells: []cell{
			one(code(field.Name)), label, one(words(field.Type.Label())), yes(field.Required), fieldNotes(i, field), one(words(field.Origin.Label())),
		}})
	}
	return t
}

// fieldNotes are the values that are documented, and what else is to be known.
func fieldNotes(i *catalog.Interface, field catalog.Field) (notes cell) {
	for _, value := range slices.Sorted(maps.Keys(field.Values)) {
		shown := line{code(value)}
		if meaning := field.Values[value]; meaning != value {
			shown = append(shown, words(" "+meaning))
		}
		notes = append(notes, shown)
	}
	if len(i.Fields[catalog.Place(field.Name)]) > 0 {
		notes = append(notes, line{link("#"+field.Name, text.New("its fields"))})
	}
	if field.LookUp != "" {
		notes = append(notes, line{note(text.New("refers to %s", field.LookUp))})
	}
	if field.ReferenceKey != "" {
		notes = append(notes, line{note(text.New("sent as {%s: …}", field.ReferenceKey))})
	}
	if field.Longest > 0 {
		notes = append(notes, line{note(text.New("cut after %d characters", field.Longest))})
	}
	if field.Flex != "" {
		notes = append(notes, line{note(text.New("its fields begin with %s and differ between tenants", field.Flex))})
	}
	if field.Computed {
		notes = append(notes, line{note(text.New("computed by Kingdee: what is sent is ignored"))})
	}
	if field.Personal {
		notes = append(notes, line{note(text.New("may be about a person: never shown"))})
	}
	return notes
}
