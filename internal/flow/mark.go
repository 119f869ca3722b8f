package flow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
	"refundsync/internal/contract"
)

// MarkLike is the SQL pattern of a text that ends with a mark.
const MarkLike = "%@%#%.%]"

// Mark tells which order a bill was made from, and how. It is at the end of one of the
// bill's text fields, because only Kingdee keeps it as long as the bill: a later run
// compares it with the order as it is then, and needs no database of its own.
type Mark struct {
	// OrderID is the order's key.
	OrderID string
	// ChangedAt is the order's ChangedAt in whole seconds of Beijing time; zero
	// if the order has none.
	ChangedAt time.Time
	// Hash is the first 12 hex digits of the SHA-256 over what the bill books, as the
	// flow made it, without notes.
	Hash string
	// Version is the first 6 hex digits of the flow's Version.
	Version string
	// Tables is a hash over what tables from Kingdee gave, by 6 hex digits; "" if none was
	// used. Two marks of one mapping agree in both.
	Tables string
}

const markTime = "20060102150405"

// String writes the mark as it is in the bill:
// [700000346@20240302101112#3f9a1c0b77de.4be012], with .8c17e5 before the end where tables
// from Kingdee were used.
func (m Mark) String() string {
	at := ""
	if !m.ChangedAt.IsZero() {
		at = m.ChangedAt.In(beijing.Zone).Format(markTime)
	}
	tables := ""
	if m.Tables != "" {
		tables = "." + m.Tables
	}
	// An escaped key has no brackets that could be taken for the mark's own.
	return "[" + url.PathEscape(m.OrderID) + "@" + at + "#" + m.Hash + "." + m.Version + tables + "]"
}

// longestText is how much room the note has before the mark of an order. It is the same
// with and without a time, because an existing bill must stay the same.
func (f *Flow) longestText(orderID string) int {
	mark := Mark{OrderID: orderID, ChangedAt: time.Unix(0, 0), Hash: strings.Repeat("0", 12), Version: strings.Repeat("0", 6)}
	if len(f.KingdeeTables) > 0 {
		mark.Tables = mark.Version
	}
	note, _ := f.Form.Find(catalog.Head, f.Form.Form.Note)
	return note.Longest - utf16Length(" "+mark.String())
}

var markPattern = regexp.MustCompile(`\[([^\[\]]+)@(\d{14})?#([0-9a-f]{12})\.([0-9a-f]{6})(?:\.([0-9a-f]{6}))?\]\s*$`)

// FindMark reads the mark at the end of a text; false without one.
func FindMark(text string) (Mark, bool) {
	parts := markPattern.FindStringSubmatch(text)
	if parts == nil {
		return Mark{}, false
	}
	id, err := url.PathUnescape(parts[1])
	if err != nil {
		return Mark{}, false
	}
	m := Mark{OrderID: id, Hash: parts[3], Version: parts[4], Tables: parts[5]}
	if parts[2] != "" {
		if m.ChangedAt, err = time.ParseInLocation(markTime, parts[2], beijing.Zone); err != nil {
			return Mark{}, false
		}
	}
	return m, true
}

var (
	// cutPattern is a mark without its end, cleanedPattern the end of a mark without
	// some of its punctuation.
	cutPattern     = regexp.MustCompile(`\[[^\[\]\s]+@\d{0,14}(#|$)`)
	cleanedPattern = regexp.MustCompile(`[0-9a-f]{12}\.?[0-9a-f]{6}(\.?[0-9a-f]{6})?\]?\s*$`)
)

// RemainsIn reports whether a text holds the remains of a mark of this order, of any
// version, that was cut, cleaned or overwritten.
func (m Mark) RemainsIn(text string) bool {
	if _, whole := FindMark(text); whole {
		return false
	}
	if cutPattern.MatchString(text) || cleanedPattern.MatchString(text) && strings.Contains(text, m.OrderID) {
		return true
	}
	beginning := "[" + url.PathEscape(m.OrderID)
	for length := 2; length <= len(beginning); length++ {
		if strings.HasSuffix(text, beginning[:length]) {
			return true
		}
	}
	return false
}

// Comparison says how an existing bill compares with the order whose number it has.
type Comparison int

const (
	// Same: the bill was made from this order as it is.
	Same Comparison = iota
	// Newer: the bill was made from a later version of the order.
	Newer
	// Older: the order has changed since the bill was made.
	Older
	// OtherFlow: the bill differs, but so does the flow that made it, or what its tables
	// from Kingdee gave: only the goods can tell whether the order has changed.
	OtherFlow
	// Unmarked: the bill has no mark; a person or another program made it.
	Unmarked
	// OtherOrder: the bill was made from another order.
	OtherOrder
)

// Compare compares the mark of the order as it is now with the bill's note.
func (m Mark) Compare(text string) Comparison {
	found, ok := FindMark(text)
	switch {
	case !ok:
		return Unmarked
	case found.OrderID != m.OrderID:
		return OtherOrder
	case found.Hash == m.Hash:
		return Same
	case found.ChangedAt.After(m.ChangedAt.Truncate(time.Second)) && !m.ChangedAt.IsZero():
		return Newer
	case found.Version != m.Version || found.Tables != m.Tables:
		return OtherFlow
	default:
		return Older
	}
}

// OwnName is how Kingdee's designer names a field that a merchant adds. Names go into JSON
// and queries as they are.
var OwnName = regexp.MustCompile(`^F_[A-Za-z0-9_]{1,78}$`)

// isNote reports whether a field books nothing, as the merchant's own text fields do.
// Changing it does not change the bill.
func (f *Flow) isNote(field catalog.Field) bool {
	form := f.Form.Form
	return f.isHead(field, form.Number) || f.isHead(field, form.Note) || slices.Contains(form.Notes[field.Place], field.Name) ||
		field.Type == catalog.Text && OwnName.MatchString(field.Name)
}

// isHead reports whether a field is the one of that name in the bill's head.
func (f *Flow) isHead(field catalog.Field, name string) bool {
	return field.Place == catalog.Head && field.Name == name
}

// isLines reports whether a field is the group of the bill's lines.
func (f *Flow) isLines(field catalog.Field) bool { return f.isHead(field, string(f.Form.Form.Lines)) }

// markOf makes the mark of the order whose bill books these fields. What tables from
// Kingdee gave is told apart from the order: if they give another value later, the order
// has not changed.
func (o *Opened) markOf(booked json.RawMessage) Mark {
	hash := sha256.Sum256(booked)
	order := o.Order
	order.BillHash = hex.EncodeToString(hash[:6])
	mark := o.flow.Mark(order)
	if len(o.translations) > 0 {
		tables := sha256.Sum256([]byte(strings.Join(o.translations, "\x00")))
		mark.Tables = hex.EncodeToString(tables[:3])
	}
	return mark
}

// Mark is the mark of the order's bill if this flow makes it. The order has a BillHash.
func (f *Flow) Mark(o contract.Order) Mark {
	return Mark{OrderID: o.ID, ChangedAt: o.ChangedAt.Truncate(time.Second), Hash: o.BillHash, Version: f.MarkVersion()}
}

// MarkVersion is the flow's version as its marks have it.
func (f *Flow) MarkVersion() string { return f.Version[:6] }
