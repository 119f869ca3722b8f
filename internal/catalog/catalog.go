// Package catalog holds the vendors' interfaces: those that orders are read from, and the
// forms that bills are saved to. Each is one file in interfaces/, which clients, simulators,
// flow files and documents read.
package catalog

import (
	"cmp"
	"embed"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"refundsync/internal/text"
)

// Place says where a field is in its interface. In a form it is Head, Options, or the name
// of the group that the field is in, such as FEntity.
type Place string

const (
	// Request holds the parameters of a source's call.
	Request Place = "request"
	// Header holds the fields of one order in a source's reply.
	Header Place = "header"
	// Items holds the fields of one line of such an order.
	Items Place = "items"

	// Head holds the fields directly in a bill.
	Head Place = "head"
	// Options holds the options of the call that saves bills, outside the bill.
	Options Place = "options"
)

// Origin says how a fact is known, and so how sure it is, the surest first.
type Origin string

const (
	// Core is in the two tables that this integration is built on.
	Core Origin = "core"
	// Documented is in the vendor's documentation or software development kit, or in two
	// mirrors of it.
	Documented Origin = "documented"
	// Measured was seen on a live account by its author.
	Measured Origin = "measured"
	// Used is in the code of an integrator.
	Used Origin = "used"
	// Reported is second-hand.
	Reported Origin = "reported"
	// Inferred is a conclusion of ours.
	Inferred Origin = "inferred"
	// Unknown is what nobody is known to have said.
	Unknown Origin = "unknown"
)

// Origins are all origins, the surest first.
var Origins = []Origin{Core, Documented, Measured, Used, Reported, Inferred, Unknown}

// Field is one field of an interface.
type Field struct {
	Name string `yaml:"name"`
	// Chinese is the label that messages show beside the name. English explains the
	// field.
	Chinese string `yaml:"chinese"`
	English string `yaml:"english"`
	Type    Type   `yaml:"type"`
	// Of is the type of the values that a parameter of type List takes; "" is text.
	Of     Type   `yaml:"of"`
	Origin Origin `yaml:"origin"`
	// Required: the interface refuses the call or the bill without it.
	Required bool `yaml:"required"`
	// ReferenceKey is the only key of the object that a Reference is written as.
	// Kingdee spells it FNumber almost everywhere, but FNUMBER for a bill type and
	// FNAME for contacts.
	ReferenceKey string `yaml:"reference_key"`
	// LookUp is the form of the base data that a Reference usually refers to, such as
	// BD_Customer; "" if it is not known. The tenant's own form knows better.
	LookUp string `yaml:"look_up"`
	// LookUpBy names a field whose value is the form of the base data; "" if there is none.
	LookUpBy string `yaml:"look_up_by"`
	// Values are the values that the vendor documents, with their Chinese labels; none
	// if there is no such list.
	Values map[string]string `yaml:"values"`
	// Computed fields are filled by Kingdee. What a bill sends for one is ignored.
	Computed bool `yaml:"computed"`
	// Personal fields may name or describe a person. Their values are never shown in
	// messages or logs.
	Personal bool `yaml:"personal"`
	// Longest is how much of a text is sent, in UTF-16 units; 0 for all of it.
	Longest int `yaml:"longest"`
	// Flex is the prefix of the fields within an Object that differ between tenants.
	Flex string `yaml:"flex"`
	// Place is set from the part of the file that the field is in.
	Place Place `yaml:"-"`
}

// Systems that interfaces belong to.
const (
	Jushuitan = "jushuitan"
	Kingdee   = "kingdee"
)

// Ways to call an interface.
const (
	// Qimen (奇门) is the gateway through which Jushuitan shows Taobao's shops as well.
	Qimen = "qimen"
	// Open is Jushuitan's own open platform (开放平台).
	Open = "open"
	// WebAPI is Kingdee's.
	WebAPI = "webapi"
)

// Transports are the ways in which sources are called.
func Transports() []string { return []string{Qimen, Open} }

// Interface is a vendor's call with the fields that it takes and gives. Orders are read
// from one with a Source, and bills saved to one with a Form.
type Interface struct {
	// Name is the vendor's own: a method, a path of the open platform, or a form.
	Name    string `yaml:"name"`
	Chinese string `yaml:"chinese"`
	English string `yaml:"english"`
	// System is Jushuitan or Kingdee, and Transport the way in which it is called.
	System    string  `yaml:"system"`
	Transport string  `yaml:"transport"`
	Source    *Source `yaml:"source"`
	Form      *Form   `yaml:"form"`
	Limits    Limits  `yaml:"limits"`
	// Facts are what is known of the interface beside its fields.
	Facts  []Fact            `yaml:"facts"`
	Fields map[Place][]Field `yaml:"fields"`
}

// Source says how orders are read from an interface. Fields of the order are in Header,
// unless said otherwise, and parameters in Request.
type Source struct {
	// Noun is what the vendor calls an order.
	Noun Noun `yaml:"noun"`
	// Key is the field that tells one order from another, and LineKey, in Items, one line of
	// an order from another.
	Key     string `yaml:"key"`
	LineKey string `yaml:"line_key"`
	// Modified is the field that tells two versions of an order apart.
	Modified string `yaml:"modified"`
	// Online is the field of the shop's own order number (线上订单号).
	Online string `yaml:"online"`
	// Total is the money of the whole order; "" for an interface that does not say.
	Total string `yaml:"total"`
	// Shop is the field that names the shop; its number where there is no name.
	Shop string `yaml:"shop"`
	// Stock is the field of the warehouse, and Item, in Items, says what a line is about.
	Stock string `yaml:"stock"`
	Item  string `yaml:"item"`
	// Quantity and Amount, in Items, are how many a line is about and the money of all of
	// them. Received is how many of them have come in, and Defective how many of these are
	// damaged; "" for an interface that does not say.
	Quantity  string `yaml:"quantity"`
	Amount    string `yaml:"amount"`
	Received  string `yaml:"received"`
	Defective string `yaml:"defective"`
	// RowVersion is the field of the row's version, which start_ts asks for; "" if rows can't
	// be read by it.
	RowVersion string `yaml:"row_version"`
	// Times are the fields that a range can be about, by the value of date_type. One is "0",
	// the default. An interface that has no date_type has "0" alone.
	Times map[string]string `yaml:"times"`
	// From and To are the parameters of a range, in Beijing time, LongestSpan the longest
	// that is accepted.
	From        string        `yaml:"from"`
	To          string        `yaml:"to"`
	LongestSpan time.Duration `yaml:"longest_span"`
	// LargestPage is the highest page_size.
	LargestPage int `yaml:"largest_page"`
	// IDs are the parameters that narrow a call to given orders, by the field whose values
	// they list.
	IDs map[string]IDs `yaml:"ids"`
	// Narrowing are the fields of the order that other parameters are about, by parameter:
	// an order with another value is not shown.
	Narrowing map[string]string `yaml:"narrowing"`
	// Widening are parameters with which more orders are shown.
	Widening []string `yaml:"widening"`
	// Withdrawn says which orders must not be booked, or no longer.
	Withdrawn Withdrawn `yaml:"withdrawn"`
}

// Noun is a word in both languages.
type Noun struct {
	Chinese string `yaml:"chinese"`
	English string `yaml:"english"`
}

// IDs is a parameter that lists ids, and how many of them a call takes.
type IDs struct {
	Parameter string `yaml:"parameter"`
	Most      int    `yaml:"most"`
}

// Withdrawn is the field of an order's status, and its values with which the order must not
// be booked.
type Withdrawn struct {
	Field  string   `yaml:"field"`
	Values []string `yaml:"values"`
}

// Form says which fields of a bill have which meaning. Those of a line are in the place
// Lines, the others in Head. A form of money has no quantity, price and stock: "".
type Form struct {
	// Lines is the group of the bill's lines.
	Lines Place `yaml:"lines"`
	// Number is the bill's number, Date its date, and Note the text that ends with the mark.
	Number string `yaml:"number"`
	Date   string `yaml:"date"`
	Note   string `yaml:"note"`
	// BillType and Organisation narrow the list of bills to those of a flow.
	BillType     string `yaml:"bill_type"`
	Organisation string `yaml:"organisation"`
	// Customer is whom the bill is for.
	Customer string `yaml:"customer"`
	// Item is what a line is about: the material, or the cost item or purpose of money.
	Item     string `yaml:"item"`
	Quantity string `yaml:"quantity"`
	// Price is with tax.
	Price string `yaml:"price"`
	// Amount is the line's money with tax. Kingdee computes it in a form with a Price; in
	// others it is sent.
	Amount string `yaml:"amount"`
	Stock  string `yaml:"stock"`
	// ReadBack are fields besides the above that a bill is read back by, by place.
	ReadBack map[Place][]string `yaml:"read_back"`
	// Notes are fields besides Number and Note that book nothing, by place: changing them
	// does not change the bill.
	Notes map[Place][]string `yaml:"notes"`
	// Users are the fields of the head that name the organisation which must use base data,
	// by the form of that, such as BD_MATERIAL.
	Users map[string]string `yaml:"users"`
	// Link is how lines are linked to those of source bills; nil for a form without links.
	Link *Link `yaml:"link"`
}

// Money reports whether lines have an amount alone, without a quantity of anything.
func (f *Form) Money() bool { return f.Quantity == "" }

// Compared are the fields that a bill is read back by, in Head or Lines.
func (f *Form) Compared(place Place) []string {
	var names []string
	switch place {
	case Head:
		names = slices.Concat([]string{f.Number, f.Date, f.Customer}, f.ReadBack[Head], []string{f.Note})
	case f.Lines:
		names = slices.Concat([]string{f.Item, f.Quantity, f.Price}, f.ReadBack[f.Lines], []string{f.Amount, f.Stock})
	}
	var once []string
	for _, name := range names {
		if name != "" && !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return once
}

// Limits are how often a merchant may call; 0 is unknown.
type Limits struct {
	CallsPerSecond int `yaml:"calls_per_second"`
	CallsPerMinute int `yaml:"calls_per_minute"`
}

// Fact is something known of an interface.
type Fact struct {
	Origin  Origin `yaml:"origin"`
	Chinese string `yaml:"chinese"`
	English string `yaml:"english"`
}

// Label names a place of the interface for people.
func (i *Interface) Label(place Place) text.Text {
	if label, ok := placeLabels[place]; ok {
		return label
	}
	for _, fields := range i.Fields {
		for _, field := range fields {
			if Place(field.Name) == place {
				return text.Literal(field.Name + "（" + field.Chinese + "）")
			}
		}
	}
	return text.Literal(string(place))
}

var placeLabels = map[Place]text.Text{
	Request: text.New("the request"),
	Header:  text.New("the order"),
	Items:   text.New("the order's items"),
	Head:    text.New("the bill's head"),
	Options: text.New("the call's options"),
}

// Find looks a field up by its place and its exact name.
func (i *Interface) Find(place Place, name string) (Field, bool) {
	for _, field := range i.Fields[place] {
		if field.Name == name {
			return field, true
		}
	}
	return Field{}, false
}

// flexEnd is the end of a flex field's name: the number that Kingdee gave it.
var flexEnd = regexp.MustCompile(`^[0-9]{1,10}$`)

// FindFlex gives a field of a flex group, such as FAUXPROPID__FF100001 within FAuxpropId;
// false if the group has no fields of such a name.
func (i *Interface) FindFlex(group Place, name string) (Field, bool) {
	field, ok := i.FlexGroup(group)
	if end, begins := strings.CutPrefix(name, field.Flex); !ok || !begins || !flexEnd.MatchString(end) {
		return Field{}, false
	}
	return Field{Name: name, Chinese: field.Chinese, English: field.English, Type: Reference, ReferenceKey: "FNumber", Place: group}, true
}

// FlexGroup gives the field that is a flex group.
func (i *Interface) FlexGroup(group Place) (Field, bool) {
	for _, fields := range i.Fields {
		for _, field := range fields {
			if field.Flex != "" && Place(field.Name) == group {
				return field, true
			}
		}
	}
	return Field{}, false
}

// IsGroup reports whether a field is a group of fields, which is a place of its own.
func (i *Interface) IsGroup(field Field) bool {
	_, ok := i.Fields[Place(field.Name)]
	return field.Type == Object && field.Flex != "" || (field.Type == Object || field.Type == List) && ok
}

// BillPlaces lists Head, the groups in it, and the groups in these.
func (i *Interface) BillPlaces() []Place { return i.within(Head) }

// within lists a place, and each group in it with those in that.
func (i *Interface) within(place Place) []Place {
	places := []Place{place}
	for _, field := range i.Fields[place] {
		if i.IsGroup(field) {
			places = append(places, i.within(Place(field.Name))...)
		}
	}
	return places
}

// OfBill reports whether a bill has the fields of a place once: Head, and objects in it such
// as SubHeadEntity.
func (i *Interface) OfBill(place Place) bool {
	field, ok := i.Find(Head, string(place))
	return place == Head || ok && field.Type == Object
}

// OfLine reports whether a place is that of the lines, or a group in it.
func (i *Interface) OfLine(place Place) bool {
	if place == i.Form.Lines {
		return true
	}
	return slices.ContainsFunc(i.Fields[i.Form.Lines], func(field Field) bool { return i.IsGroup(field) && Place(field.Name) == place })
}

// QueryKey is a field's name in queries, where base data goes by its number. Queries spell
// that FNumber, whatever a save does.
func (f Field) QueryKey() string {
	const number = "FNumber"
	switch {
	case f.Type != Reference:
		return f.Name
	case strings.EqualFold(f.ReferenceKey, number):
		return f.Name + "." + number
	}
	return f.Name + "." + f.ReferenceKey
}

// Names lists the names of a place's fields, in the catalog's order.
func (i *Interface) Names(place Place) []string {
	names := make([]string, 0, len(i.Fields[place]))
	for _, field := range i.Fields[place] {
		names = append(names, field.Name)
	}
	return names
}

//go:embed interfaces/*.yaml
var files embed.FS

//go:embed options.yaml
var optionsYAML []byte

// All are the interfaces by their names.
var All = sync.OnceValue(func() map[string]*Interface {
	all := map[string]*Interface{}
	// The folder is part of the program.
	entries, _ := files.ReadDir("interfaces")
	for _, entry := range entries {
		data, _ := files.ReadFile(path.Join("interfaces", entry.Name()))
		var i Interface
		read(entry.Name(), data, &i)
		all[i.Name] = &i
	}
	forms := map[string]string{}
	for _, i := range all {
		if i.Form != nil {
			forms[i.Name] = i.Chinese
		}
	}
	for _, i := range all {
		if i.Form != nil {
			var options []Field
			read("options.yaml", optionsYAML, &options)
			options[0].Values = forms
			i.Fields[Options] = options
		}
		for place, fields := range i.Fields {
			for n := range fields {
				fields[n].Place = place
			}
		}
	}
	return all
})

// Sources lists the names of the interfaces that orders are read from, the one that this
// integration is built on first.
func Sources() []string { return names(func(i *Interface) bool { return i.Source != nil }) }

// Forms lists the names of those that bills are saved to, likewise.
func Forms() []string { return names(func(i *Interface) bool { return i.Form != nil }) }

func names(which func(*Interface) bool) (names []string) {
	all := slices.SortedFunc(maps.Values(All()), func(a, b *Interface) int { return cmp.Compare(a.rank()+a.Name, b.rank()+b.Name) })
	for _, i := range all {
		if which(i) {
			names = append(names, i.Name)
		}
	}
	return names
}

// rank sorts the interfaces that this integration is built on before others.
func (i *Interface) rank() string {
	for _, place := range []Place{Header, Head} {
		if slices.ContainsFunc(i.Fields[place], func(f Field) bool { return f.Origin == Core }) {
			return "0"
		}
	}
	return "1"
}

// read panics on a mistake: the file is part of the program, and every test of this
// package reads it.
func read(name string, data []byte, into any) {
	if err := yaml.UnmarshalWithOptions(data, into, yaml.Strict()); err != nil {
		panic(fmt.Sprintf("catalog: %s: %s", name, yaml.FormatError(err, false, true)))
	}
}
