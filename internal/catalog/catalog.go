// Package catalog holds the fields of the two interfaces that the sync joins:
// jushuitan.refund.list.query and Kingdee's batchSave of SAL_RETURNSTOCK. They are in
// jushuitan.yaml and kingdee.yaml. Flow files are checked against them.
package catalog

import (
	_ "embed"
	"fmt"
	"regexp"
	"strings"
	"sync"

	"github.com/goccy/go-yaml"

	"refundsync/internal/text"
)

// Place says where a field is in its interface.
type Place string

const (
	// Request holds the parameters of a Jushuitan call.
	Request Place = "request"
	// Header holds the fields of one order in Jushuitan's reply.
	Header Place = "header"
	// Items holds the fields of one line of such an order.
	Items Place = "items"

	// Head holds the fields directly in a Kingdee bill.
	Head Place = "head"
	// SubHeadEntity (财务信息) is the bill's finance part.
	SubHeadEntity Place = "SubHeadEntity"
	// FEntity (明细信息) holds the fields of one line of the bill.
	FEntity Place = "FEntity"
	// The groups of fields within a line of the bill.
	FAuxpropId          Place = "FAuxpropId"
	FStocklocId         Place = "FStocklocId"
	FTaxDetailSubEntity Place = "FTaxDetailSubEntity"
	FSerialSubEntity    Place = "FSerialSubEntity"
	FEntityLink         Place = "FEntity_Link"
	// Options holds the options of a Kingdee call, outside the bill.
	Options Place = "options"
)

// Label names the place for people.
func (p Place) Label() text.Text { return placeLabels[p] }

var placeLabels = map[Place]text.Text{
	Request:       text.New("the request"),
	Header:        text.New("the order"),
	Items:         text.New("the order's items"),
	Head:          text.New("the bill's head"),
	SubHeadEntity: text.Literal("SubHeadEntity（财务信息）"),
	FEntity:       text.Literal("FEntity（明细信息）"),
	Options:       text.New("the call's options"),

	FAuxpropId:          text.Literal("FAuxpropId（辅助属性）"),
	FStocklocId:         text.Literal("FStocklocId（仓位）"),
	FTaxDetailSubEntity: text.Literal("FTaxDetailSubEntity（税务明细）"),
	FSerialSubEntity:    text.Literal("FSerialSubEntity（序列号）"),
	FEntityLink:         text.Literal("FEntity_Link（关联源单）"),
}

// Origin says how a field is known.
type Origin string

const (
	// Core is a field of the two tables that this integration is built on.
	Core Origin = "core"
	// Wider is a field of the vendors' and integrators' wider documentation.
	Wider Origin = "wider"
)

// Field is one field of an interface.
type Field struct {
	Name string `yaml:"name"`
	// Chinese is the label that messages show beside the name. English explains the
	// field.
	Chinese string `yaml:"chinese"`
	English string `yaml:"english"`
	Type    Type   `yaml:"type"`
	Origin  Origin `yaml:"origin"`
	// Required: the interface refuses the call or the bill without it.
	Required bool `yaml:"required"`
	// ReferenceKey is the only key of the object that a Reference is written as.
	// Kingdee spells it FNumber almost everywhere, but FNUMBER for a bill type and
	// FNAME for contacts.
	ReferenceKey string `yaml:"reference_key"`
	// LookUp is the form of the base data that a Reference usually refers to, such as
	// BD_Customer; "" if it is not known. The tenant's own form knows better.
	LookUp string `yaml:"look_up"`
	// Values are the values that the vendor documents, with their Chinese labels; none
	// if there is no such list.
	Values map[string]string `yaml:"values"`
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

// Interface is a vendor's call with the fields that it takes and gives.
type Interface struct {
	// Name is the vendor's own name of the call.
	Name    string            `yaml:"name"`
	Chinese string            `yaml:"chinese"`
	English string            `yaml:"english"`
	Fields  map[Place][]Field `yaml:"fields"`
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

// Names lists the names of a place's fields, in the catalog's order.
func (i *Interface) Names(place Place) []string {
	names := make([]string, 0, len(i.Fields[place]))
	for _, field := range i.Fields[place] {
		names = append(names, field.Name)
	}
	return names
}

//go:embed jushuitan.yaml
var jushuitanYAML []byte

//go:embed kingdee.yaml
var kingdeeYAML []byte

var (
	jushuitan = sync.OnceValue(func() *Interface { return read("jushuitan.yaml", jushuitanYAML) })
	kingdee   = sync.OnceValue(func() *Interface { return read("kingdee.yaml", kingdeeYAML) })
)

// Jushuitan is jushuitan.refund.list.query (售后单查询): Request, Header, Items.
func Jushuitan() *Interface { return jushuitan() }

// Kingdee is batchSave of SAL_RETURNSTOCK (销售退货单新增): Head, SubHeadEntity,
// FEntity and the groups within it, Options.
func Kingdee() *Interface { return kingdee() }

// read panics on a mistake: the file is part of the program, and every test of this
// package reads it.
func read(name string, data []byte) *Interface {
	var i Interface
	if err := yaml.UnmarshalWithOptions(data, &i, yaml.Strict()); err != nil {
		panic(fmt.Sprintf("catalog: %s: %s", name, yaml.FormatError(err, false, true)))
	}
	for place, fields := range i.Fields {
		for n := range fields {
			fields[n].Place = place
		}
	}
	return &i
}
