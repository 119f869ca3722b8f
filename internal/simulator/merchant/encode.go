package merchant

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// PersonalData marks every made-up value that stands for personal data (a buyer's name,
// phone, address, account). A test that finds it outside the source has found a leak.
const PersonalData = "PERSONAL-DATA"

// Style is how a gateway writes numbers.
type Style int

const (
	// Untidy numbers are numbers or strings, as Qimen is known to mix them.
	Untidy Style = iota
	// MoneyAsText writes decimals as strings, as Qimen's outbound orders have them.
	MoneyAsText
	// Typed numbers are numbers, as on the open platform.
	Typed
)

// AppendJSON appends the order as a row of datas. Merchants' replies encode the same
// field in different ways, and so does each order here: numbers as numbers or strings; no
// value as null, "" or an absent field; times with a fraction; dates as times; raw
// control characters in texts. The encoding of an order depends only on seed and as_id.
func (o *Order) AppendJSON(dst []byte, seed uint64, style Style) []byte {
	w := newWire(dst, seed, o.AsID, style)
	w.integer("as_id", o.AsID)
	w.text("outer_as_id", o.OuterAsID)
	w.text("so_id", o.SoID)
	w.integer("o_id", o.OID)
	w.date("as_date", o.Created)
	w.moment("created", o.Created)
	w.moment("modified", o.Modified)
	w.date("confirm_date", o.ConfirmDate)
	w.text("type", o.Type)
	w.text("status", o.Status)
	w.text("shop_status", o.ShopStatus)
	w.text("good_status", o.GoodStatus)
	w.text("question_type", o.QuestionType)
	w.dirtyText("remark", o.Remark)
	w.text("node", "")
	w.integer("date_type", 0)
	w.text("warehouse", o.Warehouse.Name)
	w.integer("wh_id", 1)
	w.integer("wms_co_id", o.Warehouse.ID)
	w.number("refund", o.Refund)
	w.number("payment", decimal.Zero)
	w.number("freight", o.Freight)
	if !o.ShopIDAbsent {
		w.integer("shop_id", o.Shop.ID)
	}
	w.text("shop_name", o.Shop.Name)
	o.appendPersonalData(w)
	w.text("logistics_company", o.LogisticsCompany)
	w.text("l_id", o.LogisticsID)
	w.text("order_status", "Sent")
	w.text("order_type", OrderType)
	w.text("drp_co_id_from", "")
	w.text("drp_co_id_to", "")
	w.text("labels", "")
	w.integer("refund_version", 1)
	w.integer("ts", o.TS)
	w.items(len(o.Lines), func(i int) { o.Lines[i].appendTo(w) })
	return append(w.dst, '}')
}

func (o *Order) appendPersonalData(w *wire) {
	id := o.ID()
	w.text("shop_buyer_id", PersonalData+"-buyer-"+id)
	w.text("receiver_name", PersonalData+"-王小明-"+id)
	w.text("receiver_mobile", PersonalData+"-13800000000-"+id)
	w.text("receiver_address", PersonalData+"-西湖区文三路1号-"+id)
}

func (l *Line) appendTo(w *wire) {
	w.integer("asi_id", l.AsiID)
	w.text("sku_id", l.SKU)
	w.text("i_id", l.Style)
	w.text("shop_sku_id", l.SKU)
	w.text("combine_sku_id", l.ComboSKU)
	w.dirtyText("name", l.Name)
	w.text("properties_value", l.Properties)
	w.text("pic", "")
	w.text("type", l.Type)
	w.text("sku_type", "normal")
	w.text("outer_oi_id", strconv.FormatInt(l.AsiID*3, 10))
	w.number("qty", l.Quantity)
	switch {
	case l.MalformedReceived != "":
		w.name("r_qty")
		w.quote(l.MalformedReceived)
	case l.ReceivedAbsent, l.Sent && l.Received.IsZero() && w.odd():
		w.nothing("r_qty")
	default:
		w.number("r_qty", l.Received)
	}
	w.number("defective_qty", l.Damaged)
	if l.Price.Valid {
		w.number("price", l.Price.Decimal)
	} else {
		w.nothing("price")
	}
	w.number("amount", l.amount())
	w.date("receive_date", l.ReceiveDate)
}

// wire writes the fields of one object, each in a randomly drawn form.
type wire struct {
	dst   []byte
	rng   *rand.Rand
	style Style
	first bool
}

func newWire(dst []byte, seed uint64, key int64, style Style) *wire {
	return &wire{dst: append(dst, '{'), rng: rand.New(rand.NewPCG(seed, uint64(key))), style: style, first: true}
}

// items writes n lines, and the lists that come after them.
func (w *wire) items(n int, line func(i int)) {
	w.name("items")
	w.dst = append(w.dst, '[')
	for i := range n {
		if i > 0 {
			w.dst = append(w.dst, ',')
		}
		w.dst, w.first = append(w.dst, '{'), true
		line(i)
		w.dst, w.first = append(w.dst, '}'), false
	}
	w.dst = append(w.dst, ']')
	w.raw("batchs", "[]")
	w.raw("sns", "[]")
}

// odd is true for one field in four.
func (w *wire) odd() bool { return w.rng.IntN(4) == 0 }

func (w *wire) name(name string) {
	if !w.first {
		w.dst = append(w.dst, ',')
	}
	w.first = false
	w.dst = append(w.dst, '"')
	w.dst = append(w.dst, name...)
	w.dst = append(w.dst, `":`...)
}

func (w *wire) raw(name, value string) {
	w.name(name)
	w.dst = append(w.dst, value...)
}

func (w *wire) quote(value string) {
	quoted, err := json.Marshal(value)
	if err != nil {
		panic(err) // a Go string always marshals
	}
	w.dst = append(w.dst, quoted...)
}

// nothing writes a field without a value.
func (w *wire) nothing(name string) {
	switch w.rng.IntN(3) {
	case 0:
		w.raw(name, "null")
	case 1:
		w.raw(name, `""`)
	}
}

func (w *wire) text(name, value string) {
	if value == "" {
		w.nothing(name)
		return
	}
	w.name(name)
	w.quote(value)
}

// dirtyText may append a raw control character, which real replies contain and JSON
// forbids.
func (w *wire) dirtyText(name, value string) {
	w.text(name, value)
	if value != "" && w.rng.IntN(10) == 0 {
		last := len(w.dst) - 1
		control := []byte{0x00, 0x01, 0x08, 0x0b, 0x0c, 0x0e, 0x1f}[w.rng.IntN(7)]
		w.dst = append(w.dst[:last], control, '"')
	}
}

func (w *wire) integer(name string, value int64) {
	w.name(name)
	if w.odd() && w.style != Typed {
		w.dst = append(w.dst, '"')
		w.dst = strconv.AppendInt(w.dst, value, 10)
		w.dst = append(w.dst, '"')
		return
	}
	w.dst = strconv.AppendInt(w.dst, value, 10)
}

// number writes a decimal with all its places, with or without trailing zeros.
func (w *wire) number(name string, value decimal.Decimal) {
	text := value.String()
	if w.odd() {
		text = value.StringFixed(max(2, -value.Exponent()))
	}
	if odd := w.odd(); w.style == MoneyAsText || odd && w.style != Typed {
		text = `"` + text + `"`
	}
	w.raw(name, text)
}

// moment writes a time with second precision.
func (w *wire) moment(name string, t time.Time) {
	text := t.Format(time.DateTime)
	if w.odd() {
		text += []string{".0", ".000", ".123"}[w.rng.IntN(3)]
	}
	w.text(name, text)
}

// date writes a time of which only the day matters, or none.
func (w *wire) date(name string, t time.Time) {
	switch {
	case t.IsZero():
		w.nothing(name)
	case w.odd():
		w.text(name, t.Format(time.DateOnly))
	default:
		w.moment(name, t)
	}
}
