package galaxy

import (
	"strings"

	"refundsync/internal/catalog"
)

// place is the part of the bill that a field belongs to: one of these, or a list within a
// line or the head.
type place int

const (
	inHead    place = iota
	inFinance       // SubHeadEntity, if the form has it
	inEntry         // the lines
)

// valueKind is the type of a field's value.
type valueKind int

const (
	isText valueKind = iota
	isDate
	isDecimal
	isWhole
	isFlag
	isReference // to base data, written {"FNumber":…}
	isID        // given by the system, read only
	isGroup     // of fields, or a list of them, kept as it was sent
)

var kinds = map[catalog.Type]valueKind{
	catalog.Text: isText, catalog.Date: isDate, catalog.Time: isDate, catalog.Decimal: isDecimal, catalog.Integer: isWhole,
	catalog.Bool: isFlag, catalog.Reference: isReference, catalog.Object: isGroup, catalog.List: isGroup,
}

// field is a field of a form. label is its name in error texts.
type field struct {
	name, label string
	kind        valueKind
	set         set    // of a reference; "" is not checked
	key         string // that a reference is written with, in lower case
	required    bool
	// longest bounds a text, in UTF-16 units; 0 is no bound. A tenant's real limits are
	// not published.
	longest int
	// readOnly fields are set by the system; what a caller sends is ignored.
	readOnly bool
	// options are the values of a list field, with their captions.
	options map[string]string

	place place
	index int // in the values of its place
	// billNo marks the bill's number.
	billNo bool
}

// The names of fields that the simulator's own rules use.
const (
	fieldNet     = "FPrice"
	fieldRate    = "FEntryTaxRate"
	fieldAmount  = "FAmount"
	fieldTax     = "FEntryTaxAmount"
	fieldFree    = "FIsFree"
	fieldBase    = "FSALBASEQTY"
	fieldTotal   = "FBillAllAmount"
	fieldID      = "FID"
	fieldStatus  = "FDocumentStatus"
	fieldCancel  = "FCancelStatus"
	fieldEntryID = "FEntryID"
	fieldSeq     = "FSeq"
)

// part is a place of a form with its fields.
type part struct {
	key, label string
	inLine     bool // it is within a line
	fields     []*field
	byName     map[string]*field // in lower case
}

func (p *part) find(name string) *field { return p.byName[strings.ToLower(name)] }

func (p *part) add(at place, f *field) {
	if p.find(f.name) != nil {
		return // the catalog has it
	}
	f.place, f.index = at, len(p.fields)
	p.fields = append(p.fields, f)
	p.byName[strings.ToLower(f.name)] = f
}
