package galaxy

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"
)

// column is a field as a query names it.
type column struct {
	field *field
	// number asks for a reference's FNumber, or for a user's FName, instead of its internal
	// id.
	number bool
	base   *baseData
	// list is the list within a line that the field is of; nil for a field of the bill or its
	// line. A row has the list's first entry.
	list *part
}

// columns finds the field of a key; false if there is none.
type columns func(key string) (column, bool)

// columns finds the field of a key such as FBillNo, FRetcustId.FNumber, FEntity_FEntryId,
// FEntity.FRealQty or FRealQty, in any case. A list has no column, but its fields do, such as
// FEntity_Link_FSId.
func (f *form) columns(base *baseData) columns {
	return func(key string) (column, bool) {
		name := strings.ToLower(strings.TrimSpace(key))
		for _, p := range f.parts[inEntry+1:] {
			if found := p.find(name); found != nil && p.inLine {
				return column{field: found, base: base, list: p}, true
			}
		}
		for _, at := range []place{inEntry, inFinance} {
			if entity := f.parts[at].key; entity != "" {
				if rest, ok := strings.CutPrefix(name, strings.ToLower(entity)); ok && rest != "" && (rest[0] == '.' || rest[0] == '_') {
					name = rest[1:]
				}
			}
		}
		name, property, dotted := strings.Cut(name, ".")
		found := f.lookUp(name)
		if found == nil || found.kind == isGroup || dotted && (found.kind != isReference || property != found.set.property()) {
			return column{}, false
		}
		return column{field: found, number: dotted, base: base}, true
	}
}

// property is what a query can ask of base data, in lower case.
func (s set) property() string {
	if s == users {
		return "fname"
	}
	return "fnumber"
}

func (c column) ofEntry() bool { return c.list != nil || c.field.place == inEntry }

// value is the value in a row.
func (c column) value(b *bill, entry int) string {
	if c.list == nil {
		return b.value(c.field, entry)
	}
	content, err := parse([]byte(b.form.parts[inEntry].get(b.entries[entry].values, c.list.key)))
	if err != nil {
		return "" // the list is empty
	}
	if all, ok := objects(content); ok && len(all) > 0 {
		return all[0].text(c.field.name)
	}
	return ""
}

// wireValue is the value of a row as replies write it.
func (c column) wireValue(b *bill, entry int) any {
	value := c.value(b, entry)
	if c.field.kind == isReference && !c.number {
		return json.Number(strconv.FormatInt(c.base.id(c.field.set, value), 10))
	}
	return c.field.wireValue(value)
}

// compare orders two canonical values.
func (c column) compare(a, b string) int {
	if c.field.kind == isDecimal || c.field.kind == isWhole || c.field.kind == isID {
		return number(a).Cmp(number(b))
	}
	return strings.Compare(a, b)
}

// number reads a canonical decimal; "" is 0.
func number(value string) decimal.Decimal {
	d, err := decimal.NewFromString(value)
	if err != nil {
		return decimal.Zero
	}
	return d
}

// canonical converts a filter's literal to a canonical value; false if it is of the wrong
// type.
func (c column) canonical(literal string) (string, bool) {
	switch c.field.kind {
	case isDecimal, isWhole, isID:
		_, err := decimal.NewFromString(literal)
		return literal, err == nil
	case isFlag:
		switch strings.ToLower(literal) {
		case "1", "true":
			return "true", true
		case "0", "false":
			return "false", true
		}
		return "", false
	case isDate:
		for _, layout := range []string{time.DateOnly, time.DateTime, wireDate} {
			if t, err := time.ParseInLocation(layout, literal, beijing); err == nil {
				return t.Format(wireDate), true
			}
		}
		return "", false
	default:
		return literal, true
	}
}
