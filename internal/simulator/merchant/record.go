package merchant

import (
	"strconv"
	"time"
)

// Document is a kind of document at the source.
type Document string

// The documents. Keys of different kinds are different.
const (
	Refunds   Document = "refunds"   // 售后单, by as_id
	Receipts  Document = "receipts"  // 退仓单, by io_id
	Outbounds Document = "outbounds" // 销售出库单, by io_id
)

// Record is one document at the source. It is immutable, except for its row version before
// it is published; a newer version replaces it.
type Record interface {
	Document() Document
	Key() int64
	RowVersion() int64
	SetRowVersion(ts int64)
	// When is the time that a value of date_type stands for; zero if there is none.
	When(dateType int) time.Time
	// Value is a field by which a query can select, as text.
	Value(field string) string
	// DatedByModified reports whether the bill is dated by the record's modification.
	DatedByModified() bool
	// Touched is the record with only its modification time changed.
	Touched(t time.Time) Record
	AppendJSON(dst []byte, seed uint64, style Style) []byte
}

// Document implements Record.
func (o *Order) Document() Document { return Refunds }

// Key implements Record.
func (o *Order) Key() int64 { return o.AsID }

// RowVersion implements Record.
func (o *Order) RowVersion() int64 { return o.TS }

// SetRowVersion implements Record.
func (o *Order) SetRowVersion(ts int64) { o.TS = ts }

// When implements Record.
func (o *Order) When(dateType int) time.Time {
	switch dateType {
	case 1:
		return o.Created
	case 2:
		return o.ConfirmDate
	default:
		return o.Modified
	}
}

// Value implements Record.
func (o *Order) Value(field string) string {
	switch field {
	case "as_id":
		return o.ID()
	case "so_id":
		return o.SoID
	case "o_id":
		return strconv.FormatInt(o.OID, 10)
	case "status":
		return o.Status
	case "good_status":
		return o.GoodStatus
	case "type":
		return o.Type
	case "order_type":
		return OrderType
	case "shop_id":
		return strconv.FormatInt(o.Shop.ID, 10)
	case "wms_co_id":
		return strconv.FormatInt(o.Warehouse.ID, 10)
	}
	return ""
}

// Touched implements Record.
func (o *Order) Touched(t time.Time) Record { return o.ModifiedAt(t) }

// Records returns all documents of a kind as they are now, by key. Receipts and outbound
// orders are made when they are first asked for.
func (m *Merchant) Records(d Document) []Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d == Refunds {
		return asRecords(m.orders)
	}
	return asRecords(m.made(d))
}

func asRecords[R Record](list []R) []Record {
	records := make([]Record, len(list))
	for i, r := range list {
		records[i] = r
	}
	return records
}

// ArriveRecords adds what is due by now, and returns it: orders, and their receipts and
// outbound orders as far as anybody has asked for such. The source's clock is ahead by the
// given duration.
func (m *Merchant) ArriveRecords(now time.Time, ahead time.Duration) []Record {
	m.mu.Lock()
	defer m.mu.Unlock()
	var records []Record
	for _, o := range m.arrive(now, ahead) {
		records = append(records, o)
		for _, d := range []Document{Receipts, Outbounds} {
			if m.movements[d] != nil {
				of := m.movementsOf(d, o)
				m.movements[d] = append(m.movements[d], of...)
				records = append(records, asRecords(of)...)
			}
		}
	}
	return records
}

// DocumentOf is the kind of document that a key belongs to.
func DocumentOf(key int64) Document {
	switch {
	case key >= firstAsID:
		return Refunds
	case key >= firstReceipt:
		return Receipts
	default:
		return Outbounds
	}
}
