package contract

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/shopspring/decimal"
)

// Order is an order in a workflow's history, with only those fields that the flow
// names.
type Order struct {
	// ID is the value of the flow's key field.
	ID string `json:"id"`
	// BillNumber is the bill's number, FBillNo; empty if the order has a mistake, which
	// mapping it reports.
	BillNumber string `json:"bill_number,omitempty"`
	// Shop is the name of the shop, at most 100 characters of it and an ellipsis.
	Shop string `json:"shop,omitempty"`
	// ChangedAt is when the order was modified, in Beijing time; zero if absent or
	// unreadable.
	ChangedAt time.Time `json:"changed_at,omitzero"`
	// BillHash is the hash in the mark that the order's bill carries by the current flow;
	// empty if the order has a mistake, which mapping it reports, or is left out.
	BillHash string `json:"bill_hash,omitempty"`
	// NotBooked are the amounts of the order that no bill holds, by the reasons of the
	// flow's not_booked, without those that are 0.
	NotBooked map[string]decimal.Decimal `json:"not_booked,omitempty"`
	// Fields are the fields that the flow names, unchanged. Each line also keeps its key,
	// so that a message can name the line. Above 8 KiB they are compressed in JSON, as
	// fields_gzip.
	Fields json.RawMessage `json:"fields"`
}

// Same reports whether two versions of an order ask for the same bill. If they can't be
// mapped, they must have the same content.
func (o Order) Same(other Order) bool {
	if o.BillHash != "" {
		return o.ID == other.ID && o.BillHash == other.BillHash
	}
	return o.ID == other.ID && other.BillHash == "" && bytes.Equal(o.Fields, other.Fields)
}

// Covers reports whether what a person decided about this version of an order holds for
// another: one that was modified no later, or asks for the same bill. Where a time is
// unknown, only the bill tells.
func (o Order) Covers(other Order) bool {
	known := o.ID == other.ID && !o.ChangedAt.IsZero() && !other.ChangedAt.IsZero()
	return known && !other.ChangedAt.After(o.ChangedAt) || o.Same(other)
}

// Content identifies the order's content: a short hash of its fields.
func (o Order) Content() string {
	hash := sha256.Sum256(o.Fields)
	return base64.RawStdEncoding.EncodeToString(hash[:6])
}
