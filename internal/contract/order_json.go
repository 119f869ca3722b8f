package contract

import (
	"encoding/json"
	"fmt"

	"refundsync/internal/packed"
)

// LongestPlain is the size, in bytes, above which an order's fields are compressed. Most
// orders stay below it and are readable in the Web UI; a page of 100 such orders stays under
// 1 MiB.
const LongestPlain = 8 << 10

// orderJSON is the JSON form of an order. It has either Fields or FieldsGzip.
type orderJSON struct {
	plainOrder
	Fields     json.RawMessage `json:"fields,omitempty"`
	FieldsGzip []byte          `json:"fields_gzip,omitempty"`
}

// plainOrder is an Order without its methods.
type plainOrder Order

// MarshalJSON compresses long fields: Temporal refuses a payload over 2 MiB,
// and an order can have thousands of lines.
func (o Order) MarshalJSON() ([]byte, error) {
	form := orderJSON{plainOrder: plainOrder(o), Fields: o.Fields}
	switch {
	case len(o.Fields) > LongestPlain:
		form.Fields, form.FieldsGzip = nil, packed.Pack(o.Fields)
	case o.Fields == nil:
		form.Fields = json.RawMessage("null")
	}
	return json.Marshal(form)
}

// UnmarshalJSON reads both forms. The error is for input that MarshalJSON never writes.
func (o *Order) UnmarshalJSON(raw []byte) error {
	var form orderJSON
	if err := json.Unmarshal(raw, &form); err != nil {
		return err
	}
	*o = Order(form.plainOrder)
	o.Fields = form.Fields
	if form.FieldsGzip == nil {
		return nil
	}
	var err error
	if o.Fields, err = packed.Unpack(form.FieldsGzip); err != nil {
		return fmt.Errorf("fields_gzip of order %s: %w", o.ID, err)
	}
	return nil
}
