package simulator

import (
	"cmp"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"refundsync/internal/catalog"
	"refundsync/internal/simulator/galaxy"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/text"
)

// The kinds of a Difference.
const (
	Missing   = "missing"   // an order that needs a bill has none
	Extra     = "extra"     // a bill that no order needs
	Double    = "double"    // several bills with the same number
	Different = "different" // a bill with a wrong field
	Unknown   = "unknown"   // a field that was sent and that the form does not have
)

// Difference is a way in which the bills are not as they must be.
type Difference struct {
	Kind string `json:"kind"`
	// Form is the form of the bill, and Number its number, which is its record's key; empty
	// where the kind is Unknown.
	Form   string `json:"form"`
	Number string `json:"number"`
	// Field, Want and Got are set for a field that differs; a field of a line
	// is named FEntity[n].Name, n counting from 1.
	Field string `json:"field,omitempty"`
	Want  string `json:"want,omitempty"`
	Got   string `json:"got,omitempty"`
}

// String describes the difference in one line.
func (d Difference) String() string {
	switch d.Kind {
	case Missing:
		return text.Sprintf("bill %s of %s is missing", d.Number, d.Form)
	case Extra:
		return text.Sprintf("no order asks for bill %s of %s", d.Number, d.Form)
	case Double:
		return text.Sprintf("several bills of %s have the number %s", d.Form, d.Number)
	case Unknown:
		return text.Sprintf("the form has no field %s, so Kingdee dropped its value", d.Field)
	}
	return text.Sprintf("bill %s of %s: %s is %q, must be %q", d.Number, d.Form, d.Field, d.Got, d.Want)
}

// Compare checks that Kingdee holds exactly the bills that the truth asks for, each once
// and correct in every field, whatever their forms: for several flows it is the truth of all
// of them. The differences are sorted by form and number.
func Compare(truth merchant.Truth, state State) []Difference {
	return compare(truth, state, compareNumber)
}

// CompareAnyVersion is Compare for orders that changed after they were saved: a bill may
// also match an earlier version of its order.
func CompareAnyVersion(truth merchant.Truth, state State) []Difference {
	return compare(truth, state, func(of bill, e merchant.Expectation, got []galaxy.Bill) []Difference {
		newest := compareNumber(of, e, got)
		for _, earlier := range e.Earlier {
			e.Bill = earlier
			if len(compareNumber(of, e, got)) == 0 {
				return nil
			}
		}
		return newest
	})
}

// CompareSupplemented is Compare for a flow that books later receipts in further bills,
// numbered 700000346-2 and so on. The bills of an order together must hold what the order
// asks for.
func CompareSupplemented(truth merchant.Truth, state State) (differences []Difference) {
	supplements := map[bill][]galaxy.Bill{}
	first := state
	first.Kingdee.Bills = nil
	for _, b := range state.Kingdee.Bills {
		if number, _, further := strings.Cut(b.Number, "-"); further {
			of := bill{b.Form, number}
			supplements[of] = append(supplements[of], b)
		} else {
			first.Kingdee.Bills = append(first.Kingdee.Bills, b)
		}
	}
	may := map[bill]bool{}
	for _, e := range truth {
		may[bill{e.Form, e.Number}] = e.Outcome == merchant.Saved || e.Withdrawn
	}
	differences = compare(truth, first, func(of bill, e merchant.Expectation, got []galaxy.Bill) []Difference {
		further := supplements[of]
		if len(got) != 1 || len(further) == 0 || e.Bill == nil {
			return CompareAnyVersion(merchant.Truth{of.number: e}, State{Kingdee: galaxy.State{Bills: got}})
		}
		c := &comparison{of: of}
		c.together(e.Bill, append(further, got[0]))
		return c.differences
	})
	for of, further := range supplements {
		seen := map[string]bool{}
		for _, b := range further {
			if seen[b.Number] {
				differences = append(differences, bill{b.Form, b.Number}.differs(Double))
			}
			seen[b.Number] = true
		}
		if !may[of] {
			differences = append(differences, of.differs(Extra))
		}
	}
	slices.SortStableFunc(differences, func(a, b Difference) int {
		return cmp.Or(strings.Compare(a.Form, b.Form), strings.Compare(a.Number, b.Number))
	})
	return differences
}

// bill identifies the bill of a record.
type bill struct{ form, number string }

func (b bill) differs(kind string) Difference {
	return Difference{Kind: kind, Form: b.form, Number: b.number}
}

type compareFunc func(of bill, e merchant.Expectation, got []galaxy.Bill) []Difference

func compare(truth merchant.Truth, state State, compareNumber compareFunc) []Difference {
	stored, expected := map[bill][]galaxy.Bill{}, map[bill]merchant.Expectation{}
	for _, b := range state.Kingdee.Bills {
		of := bill{b.Form, b.Number}
		stored[of] = append(stored[of], b)
	}
	for _, e := range truth {
		expected[bill{e.Form, e.Number}] = e
	}
	bills := map[bill]bool{}
	for of, e := range expected {
		if e.Outcome == merchant.Saved {
			bills[of] = true
		}
	}
	for of := range stored {
		bills[of] = true
	}
	var differences []Difference
	for _, of := range slices.SortedFunc(maps.Keys(bills), func(a, b bill) int {
		return cmp.Or(strings.Compare(a.form, b.form), strings.Compare(a.number, b.number))
	}) {
		differences = append(differences, compareNumber(of, expected[of], stored[of])...)
	}
	for _, name := range slices.Sorted(maps.Keys(state.Kingdee.UnknownFields)) {
		differences = append(differences, Difference{Kind: Unknown, Field: name})
	}
	return differences
}

func compareNumber(of bill, e merchant.Expectation, got []galaxy.Bill) []Difference {
	want := e.Bill
	if e.Withdrawn && len(got) == 1 {
		// Its bill stays until somebody deals with it.
		for _, earlier := range e.Earlier {
			c := &comparison{of: of}
			if c.bill(earlier, got[0]); len(c.differences) == 0 {
				return nil
			}
		}
	}
	switch {
	case want == nil:
		return slices.Repeat([]Difference{of.differs(Extra)}, len(got))
	case len(got) == 0:
		return []Difference{of.differs(Missing)}
	}
	c := &comparison{of: of}
	c.bill(want, got[0])
	return append(c.differences, slices.Repeat([]Difference{of.differs(Double)}, len(got)-1)...)
}

// comparison compares one bill.
type comparison struct {
	of          bill
	differences []Difference
}

func (c *comparison) differ(field, want, got string) {
	c.differences = append(c.differences, Difference{Kind: Different, Form: c.of.form, Number: c.of.number, Field: field, Want: want, Got: got})
}

func (c *comparison) text(field, want, got string) {
	if want != got {
		c.differ(field, want, got)
	}
}

// compared is a field that must have a value; where that is "", it is not compared.
type compared struct{ name, want string }

func (c *comparison) texts(place string, fields []compared, got map[string]string) {
	for _, f := range fields {
		if f.want != "" {
			c.text(place+f.name, f.want, got[f.name])
		}
	}
}

func (c *comparison) bill(want *merchant.Bill, got galaxy.Bill) {
	form := catalog.All()[want.Form].Form
	c.texts("", []compared{
		{form.BillType, want.BillType},
		{form.Date, want.Date + "T00:00:00"},
		{form.Organisation, want.Organisation},
		{form.Customer, want.Customer},
		{"FStockOrgId", want.StockOrg},
		{"FSettleOrgId", want.SettleOrg},
		{"FSettleCurrId", want.Currency},
		{"FThirdBillNo", want.ThirdBillNo},
	}, got.Fields)
	c.headNote(form.Note, want, got.Fields[form.Note])
	if len(want.Lines) != len(got.Entries) {
		c.differ(string(form.Lines), strconv.Itoa(len(want.Lines))+" lines", strconv.Itoa(len(got.Entries))+" lines")
		return
	}
	for i, line := range want.Lines {
		c.line(string(form.Lines)+"["+strconv.Itoa(i+1)+"].", form, line, got.Entries[i].Fields)
	}
}

var mark = regexp.MustCompile(` \[(\d+)@\d{14}#[0-9a-f]{12}\.[0-9a-f]{6}\]$`)

// headNote compares the note, which must end with the mark of the bill's own order.
func (c *comparison) headNote(field string, want *merchant.Bill, got string) {
	marked := mark.FindStringSubmatch(got)
	if marked == nil || marked[1] != strings.TrimPrefix(want.Number, merchant.ReceiptPrefix) || want.HeadNote != "" && got != want.HeadNote+marked[0] {
		c.differ(field, want.HeadNote+" [mark]", got)
	}
}

func (c *comparison) line(place string, form *catalog.Form, want merchant.Entry, got map[string]string) {
	c.texts(place, []compared{
		{form.Item, want.Material},
		{"FUnitID", want.Unit},
		{"FReturnType", want.ReturnType},
		{"FOwnerTypeId", want.OwnerType},
		{"FOwnerId", want.Owner},
		{form.Stock, want.Stock},
		{"FStockstatusId", want.StockState},
	}, got)
	c.decimal(place+form.Amount, want.AllAmount, got[form.Amount])
	if form.Quantity != "" {
		c.text(place+"FIsFree", strconv.FormatBool(want.Free), got["FIsFree"])
		c.decimal(place+form.Quantity, want.Quantity, got[form.Quantity])
		c.decimal(place+form.Price, want.Price, got[form.Price])
		c.decimal(place+"FEntryTaxRate", want.TaxRate, got["FEntryTaxRate"])
	}
	if !strings.Contains(got["FNote"], want.Note) {
		c.differ(place+"FNote", want.Note, got["FNote"])
	}
}

// together compares the total quantities of several bills with those of the bill that
// they make up.
func (c *comparison) together(want *merchant.Bill, got []galaxy.Bill) {
	form := catalog.All()[want.Form].Form
	wanted, booked := map[string]decimal.Decimal{}, map[string]decimal.Decimal{}
	goods := func(material, price, stock string) string {
		p, _ := decimal.NewFromString(price)
		return material + " " + p.String() + " " + stock
	}
	for _, line := range want.Lines {
		key := goods(line.Material, line.Price.String(), line.Stock)
		wanted[key] = wanted[key].Add(line.Quantity)
	}
	for _, bill := range got {
		c.text(form.Customer, want.Customer, bill.Fields[form.Customer])
		for _, entry := range bill.Entries {
			key := goods(entry.Fields[form.Item], entry.Fields[form.Price], entry.Fields[form.Stock])
			quantity, err := decimal.NewFromString(entry.Fields[form.Quantity])
			if err != nil || !quantity.IsPositive() {
				c.differ(form.Quantity, "> 0", entry.Fields[form.Quantity])
			}
			booked[key] = booked[key].Add(quantity)
		}
	}
	keys := maps.Clone(wanted)
	maps.Copy(keys, booked)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		c.text(form.Quantity+" "+key, wanted[key].String(), booked[key].String())
	}
}

// decimal compares two numbers by value: 1.50 equals 1.5.
func (c *comparison) decimal(field string, want decimal.Decimal, got string) {
	if d, err := decimal.NewFromString(got); err != nil || !d.Equal(want) {
		c.differ(field, want.String(), got)
	}
}
