package simulator

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

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
	// Number is the bill's, which is the order's as_id; empty where the kind is Unknown.
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
		return text.Sprintf("bill %s is missing", d.Number)
	case Extra:
		return text.Sprintf("no order asks for bill %s", d.Number)
	case Double:
		return text.Sprintf("several bills have the number %s", d.Number)
	case Unknown:
		return text.Sprintf("the form has no field %s, so Kingdee dropped its value", d.Field)
	}
	return text.Sprintf("bill %s: %s is %q, must be %q", d.Number, d.Field, d.Got, d.Want)
}

// Compare checks that Kingdee holds exactly the bills that the truth asks for, each once
// and correct in every field. The differences are sorted by number.
func Compare(truth merchant.Truth, state State) []Difference {
	return compare(truth, state, compareNumber)
}

// CompareAnyVersion is Compare for orders that changed after they were saved: a bill may
// also match an earlier version of its order.
func CompareAnyVersion(truth merchant.Truth, state State) []Difference {
	return compare(truth, state, func(number string, e merchant.Expectation, got []galaxy.Bill) []Difference {
		newest := compareNumber(number, e, got)
		for _, bill := range e.Earlier {
			e.Bill = bill
			if len(compareNumber(number, e, got)) == 0 {
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
	supplements := map[string][]galaxy.Bill{}
	first := state
	first.Kingdee.Bills = nil
	for _, bill := range state.Kingdee.Bills {
		if number, _, further := strings.Cut(bill.Number, "-"); further {
			supplements[number] = append(supplements[number], bill)
		} else {
			first.Kingdee.Bills = append(first.Kingdee.Bills, bill)
		}
	}
	differences = compare(truth, first, func(number string, e merchant.Expectation, got []galaxy.Bill) []Difference {
		further := supplements[number]
		if len(got) != 1 || len(further) == 0 || e.Bill == nil {
			return CompareAnyVersion(merchant.Truth{number: e}, State{Kingdee: galaxy.State{Bills: got}})
		}
		c := &comparison{number: number}
		c.together(e.Bill, append(further, got[0]))
		return c.differences
	})
	for _, number := range slices.Sorted(maps.Keys(supplements)) {
		seen := map[string]bool{}
		for _, bill := range supplements[number] {
			if seen[bill.Number] {
				differences = append(differences, Difference{Kind: Double, Number: bill.Number})
			}
			seen[bill.Number] = true
		}
		if truth[number].Outcome != merchant.Saved && !truth[number].Withdrawn {
			differences = append(differences, Difference{Kind: Extra, Number: number})
		}
	}
	return differences
}

type compareFunc func(number string, e merchant.Expectation, got []galaxy.Bill) []Difference

func compare(truth merchant.Truth, state State, compareNumber compareFunc) []Difference {
	bills := map[string][]galaxy.Bill{}
	for _, b := range state.Kingdee.Bills {
		bills[b.Number] = append(bills[b.Number], b)
	}
	numbers := map[string]bool{}
	for number, e := range truth {
		if e.Outcome == merchant.Saved {
			numbers[number] = true
		}
	}
	for number := range bills {
		numbers[number] = true
	}
	var differences []Difference
	for _, number := range slices.Sorted(maps.Keys(numbers)) {
		differences = append(differences, compareNumber(number, truth[number], bills[number])...)
	}
	for _, name := range slices.Sorted(maps.Keys(state.Kingdee.UnknownFields)) {
		differences = append(differences, Difference{Kind: Unknown, Field: name})
	}
	return differences
}

func compareNumber(number string, e merchant.Expectation, got []galaxy.Bill) []Difference {
	want := e.Bill
	if e.Withdrawn && len(got) == 1 {
		// Its bill stays until somebody deals with it.
		for _, earlier := range e.Earlier {
			c := &comparison{number: number}
			if c.bill(earlier, got[0]); len(c.differences) == 0 {
				return nil
			}
		}
	}
	switch {
	case want == nil:
		return slices.Repeat([]Difference{{Kind: Extra, Number: number}}, len(got))
	case len(got) == 0:
		return []Difference{{Kind: Missing, Number: number}}
	}
	c := &comparison{number: number}
	c.bill(want, got[0])
	return append(c.differences, slices.Repeat([]Difference{{Kind: Double, Number: number}}, len(got)-1)...)
}

// comparison compares one bill.
type comparison struct {
	number      string
	differences []Difference
}

func (c *comparison) differ(field, want, got string) {
	c.differences = append(c.differences, Difference{Kind: Different, Number: c.number, Field: field, Want: want, Got: got})
}

func (c *comparison) text(field, want, got string) {
	if want != got {
		c.differ(field, want, got)
	}
}

func (c *comparison) bill(want *merchant.Bill, got galaxy.Bill) {
	for _, f := range []struct{ name, want string }{
		{"FBillTypeID", want.BillType},
		{"FDate", want.Date + "T00:00:00"},
		{"FSaleOrgId", want.SaleOrg},
		{"FStockOrgId", want.StockOrg},
		{"FRetcustId", want.Customer},
		{"FSettleOrgId", want.SettleOrg},
		{"FSettleCurrId", want.Currency},
		{"FThirdBillNo", want.ThirdBillNo},
	} {
		c.text(f.name, f.want, got.Fields[f.name])
	}
	c.headNote(want, got.Fields["FHeadNote"])
	if len(want.Lines) != len(got.Entries) {
		c.differ("FEntity", strconv.Itoa(len(want.Lines))+" lines", strconv.Itoa(len(got.Entries))+" lines")
		return
	}
	for i, line := range want.Lines {
		c.line("FEntity["+strconv.Itoa(i+1)+"].", line, got.Entries[i].Fields)
	}
}

var mark = regexp.MustCompile(`^ \[(\d+)@\d{14}#[0-9a-f]{12}\.[0-9a-f]{6}\]$`)

// headNote compares the note, which must end with the mark of the bill's own order.
func (c *comparison) headNote(want *merchant.Bill, got string) {
	rest, found := strings.CutPrefix(got, want.HeadNote)
	marked := mark.FindStringSubmatch(rest)
	if !found || marked == nil || marked[1] != want.Number {
		c.differ("FHeadNote", want.HeadNote+" [mark]", got)
	}
}

func (c *comparison) line(place string, want merchant.Entry, got map[string]string) {
	for _, f := range []struct{ name, want string }{
		{"FMaterialId", want.Material},
		{"FUnitID", want.Unit},
		{"FStockstatusId", want.StockState},
		{"FIsFree", strconv.FormatBool(want.Free)},
		{"FReturnType", want.ReturnType},
		{"FOwnerTypeId", want.OwnerType},
		{"FOwnerId", want.Owner},
		{"FStockId", want.Stock},
	} {
		c.text(place+f.name, f.want, got[f.name])
	}
	c.decimal(place+"FRealQty", want.Quantity, got["FRealQty"])
	c.decimal(place+"FTaxPrice", want.Price, got["FTaxPrice"])
	c.decimal(place+"FEntryTaxRate", want.TaxRate, got["FEntryTaxRate"])
	c.decimal(place+"FAllAmount", want.AllAmount, got["FAllAmount"])
	if !strings.Contains(got["FNote"], want.Note) {
		c.differ(place+"FNote", want.Note, got["FNote"])
	}
}

// together compares the total quantities of several bills with those of the bill that
// they make up.
func (c *comparison) together(want *merchant.Bill, got []galaxy.Bill) {
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
		c.text("FRetcustId", want.Customer, bill.Fields["FRetcustId"])
		for _, entry := range bill.Entries {
			key := goods(entry.Fields["FMaterialId"], entry.Fields["FTaxPrice"], entry.Fields["FStockId"])
			quantity, err := decimal.NewFromString(entry.Fields["FRealQty"])
			if err != nil || !quantity.IsPositive() {
				c.differ("FRealQty", "> 0", entry.Fields["FRealQty"])
			}
			booked[key] = booked[key].Add(quantity)
		}
	}
	keys := maps.Clone(wanted)
	maps.Copy(keys, booked)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		c.text("FRealQty "+key, wanted[key].String(), booked[key].String())
	}
}

// decimal compares two numbers by value: 1.50 equals 1.5.
func (c *comparison) decimal(field string, want decimal.Decimal, got string) {
	if d, err := decimal.NewFromString(got); err != nil || !d.Equal(want) {
		c.differ(field, want.String(), got)
	}
}
