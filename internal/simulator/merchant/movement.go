package merchant

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"github.com/shopspring/decimal"
)

// The values of an outbound order's status that receipts do not have.
const (
	StatusArchived = "Archive"         // shipped, and archived since
	StatusDeleted  = "Delete"          // cancelled while it was being shipped
	StatusOutside  = "OuterConfirming" // an outside warehouse has not shipped it yet
)

// The parts of a warehouse, wh_id.
const (
	partMain    = 1
	partReturns = 2
	partDamaged = 4
)

// Receipts and outbound orders have keys that follow from their order's.
const (
	firstReceipt, receiptsPerOrder   = 510_000_000, 4
	firstOutbound, outboundsPerOrder = 210_000_000, 2
)

// Movement is goods that came in, a receipt, or went out, an outbound order. Times are
// Beijing time.
type Movement struct {
	Kind                Kind
	Of                  Document
	IOID, AsID, OID, TS int64 // AsID is 0 if a receipt belongs to no order
	SoID                string
	Created, Modified   time.Time
	Moved               time.Time // io_date
	Status, Type        string
	Remark              string
	Shop                Shop
	Warehouse           Warehouse
	Part                int64
	Discount, Freight   decimal.Decimal // free_amount and freight of the whole
	Lines               []MovedLine
}

// MovedLine is one line of a Movement.
type MovedLine struct {
	IOIID                int64
	SKU, Style, ComboSKU string
	Name, Properties     string
	Quantity             decimal.Decimal
	Price                decimal.NullDecimal
	Amount               decimal.Decimal // of the whole line
	Gift                 bool
}

// made returns the receipts or outbound orders, and makes them first if they are not made
// yet. They follow from the orders as these were generated. The caller holds the lock.
func (m *Merchant) made(d Document) []*Movement {
	if m.movements[d] == nil {
		made := []*Movement{}
		for _, o := range m.orders {
			if earlier := m.earlier[o.AsID]; len(earlier) > 0 {
				o = earlier[0]
			}
			if !o.merged {
				made = append(made, m.movementsOf(d, o)...)
			}
		}
		m.movements[d] = made
	}
	return m.movements[d]
}

// movementsOf makes the receipts or outbound orders of one order. They depend only on the
// seed and the order.
func (m *Merchant) movementsOf(d Document, o *Order) []*Movement {
	mover := &mover{
		generator: generator{rng: rand.New(rand.NewPCG(m.options.Seed, uint64(o.AsID)<<2|1)), options: m.options},
		order:     o,
	}
	mover.earliest = m.options.From.In(Beijing)
	if o.arrived {
		mover.earliest = o.Modified // its movements arrive with it
	}
	if d == Receipts {
		return mover.receipts()
	}
	return mover.outbounds()
}

type mover struct {
	generator
	order    *Order
	earliest time.Time
}

// modified is at most so long before the order was modified.
func (g *mover) modified(longest time.Duration) time.Time {
	at := g.order.Modified.Add(-g.ago(longest))
	if at.Before(g.earliest) {
		return g.earliest
	}
	return at
}

func (g *mover) movement(d Document, key int64) *Movement {
	o := g.order
	return &Movement{
		Kind: o.Kind, Of: d, IOID: key, TS: key*7 + 11, AsID: o.AsID, OID: o.OID, SoID: o.SoID,
		Type: o.Type, Remark: o.Remark, Shop: o.Shop, Warehouse: o.Warehouse,
	}
}

func (l *MovedLine) describe(line *Line) {
	l.SKU, l.Style, l.ComboSKU, l.Name, l.Properties = line.SKU, line.Style, line.ComboSKU, line.Name, line.Properties
}

// receipts makes the receipts of an order whose goods were received: one in three orders of
// several lines has two, and damaged goods have one of their own.
func (g *mover) receipts() []*Movement {
	o := g.order
	if o.GoodStatus != GoodStatusReceived || o.Status == StatusMerged {
		return nil
	}
	var sound, damaged []MovedLine
	for i := range o.Lines {
		line := &o.Lines[i]
		// Some shops copy the quantity into r_qty of a line sent out.
		if !line.Received.IsPositive() || line.Sent && o.Kind != WrongGoods {
			continue
		}
		var l MovedLine
		l.describe(line)
		l.Price = line.Price
		share := func(quantity decimal.Decimal) MovedLine {
			l.Quantity, l.Amount = quantity, line.amount().Mul(quantity).DivRound(line.Quantity, 2)
			return l
		}
		if quantity := line.Received.Sub(line.Damaged); quantity.IsPositive() {
			sound = append(sound, share(quantity))
		}
		if line.Damaged.IsPositive() {
			damaged = append(damaged, share(line.Damaged))
		}
	}
	parts := [][]MovedLine{sound, damaged}
	if len(sound) > 1 && g.oneIn(3) {
		parts = [][]MovedLine{sound[:1], sound[1:], damaged}
	}
	var receipts []*Movement
	key := firstReceipt + (o.AsID-firstAsID)*receiptsPerOrder
	for i, lines := range parts {
		if len(lines) == 0 {
			continue
		}
		r := g.movement(Receipts, key+int64(i))
		r.Lines = lines
		r.Modified = g.modified(6 * time.Hour)
		r.Moved = r.Modified.Add(-g.ago(30 * time.Hour))
		r.Created = r.Moved
		r.Part = partReturns
		if i == len(parts)-1 {
			r.Part = partDamaged
		}
		switch {
		case o.Status == StatusCancelled || o.Status == StatusWaits:
			r.Status = o.Status
		case g.oneIn(8):
			r.Status = StatusArchived
		default:
			r.Status = StatusConfirmed
		}
		if g.oneIn(12) {
			r.AsID, r.OID, r.SoID = 0, 0, "" // rows that carry only io_id
		}
		r.numberLines()
		receipts = append(receipts, r)
	}
	return receipts
}

// outbounds makes the outbound order by which the goods of an order had gone out before, and
// for one order in six another one that was not shipped or was undone.
func (g *mover) outbounds() []*Movement {
	o := g.order
	key := firstOutbound + (o.AsID-firstAsID)*outboundsPerOrder
	shipped := g.outbound(key)
	shipped.Status = StatusConfirmed
	if g.oneIn(4) {
		shipped.Status = StatusArchived
	}
	if !g.oneIn(6) {
		return []*Movement{shipped}
	}
	other := g.outbound(key + 1)
	other.AsID, other.OID, other.SoID = 0, o.OID+50_000_000, o.SoID+"X"
	other.Status = []string{StatusCancelled, StatusDeleted, StatusWaits, StatusOutside}[g.rng.IntN(4)]
	return []*Movement{shipped, other}
}

func (g *mover) outbound(key int64) *Movement {
	o := g.order
	out := g.movement(Outbounds, key)
	out.Type = OrderType
	out.Part = partMain
	out.Created = o.Created.Add(-24*time.Hour - g.ago(10*24*time.Hour))
	out.Moved = out.Created.Add(g.ago(20 * time.Hour))
	out.Modified = g.modified(24 * time.Hour)
	total := decimal.Zero
	exchange := slices.ContainsFunc(o.Lines, func(l Line) bool { return !l.Sent })
	for i := range o.Lines {
		line := &o.Lines[i]
		if line.Sent && exchange {
			continue // it goes out in exchange, later
		}
		var l MovedLine
		l.describe(line)
		l.Quantity, l.Price = line.Quantity, line.Price
		l.Amount = line.Price.Decimal.Mul(line.Quantity).Round(2)
		l.Gift = line.Price.Valid && line.Price.Decimal.IsZero()
		total = total.Add(l.Amount)
		out.Lines = append(out.Lines, l)
	}
	if g.oneIn(5) {
		out.Discount = total.Mul(decimal.New(3+g.rng.Int64N(8), -2)).Round(2)
	}
	if g.oneIn(15) {
		out.Freight = decimal.NewFromInt(8)
	}
	out.numberLines()
	return out
}

func (m *Movement) numberLines() {
	for i := range m.Lines {
		m.Lines[i].IOIID = m.IOID*20 + int64(i)
	}
}

// ID is the io_id as a string.
func (m *Movement) ID() string { return strconv.FormatInt(m.IOID, 10) }

// Document implements Record.
func (m *Movement) Document() Document { return m.Of }

// Key implements Record.
func (m *Movement) Key() int64 { return m.IOID }

// RowVersion implements Record.
func (m *Movement) RowVersion() int64 { return m.TS }

// SetRowVersion implements Record.
func (m *Movement) SetRowVersion(ts int64) { m.TS = ts }

// When implements Record. A receipt's date_type has 4 for io_date, an outbound order's 2.
func (m *Movement) When(dateType int) time.Time {
	switch {
	case dateType == 0:
		return m.Modified
	case dateType == 4 || dateType == 2 && m.Of == Outbounds:
		return m.Moved
	default:
		return m.Created
	}
}

// Value implements Record.
func (m *Movement) Value(field string) string {
	switch field {
	case "io_id":
		return m.ID()
	case "as_id":
		return idOrNone(m.AsID)
	case "o_id":
		return idOrNone(m.OID)
	case "so_id":
		return m.SoID
	case "status":
		return m.Status
	case "shop_id":
		return strconv.FormatInt(m.Shop.ID, 10)
	case "wms_co_id":
		return strconv.FormatInt(m.Warehouse.ID, 10)
	case "l_id":
		return m.parcel()
	case "wave_id":
		return m.wave()
	}
	return ""
}

func idOrNone(id int64) string {
	if id == 0 {
		return ""
	}
	return strconv.FormatInt(id, 10)
}

func (m *Movement) parcel() string { return fmt.Sprintf("YT%012d", m.IOID*3) }

func (m *Movement) wave() string { return strconv.FormatInt(m.IOID/40, 10) }

// DatedByModified implements Record: there always is an io_date.
func (m *Movement) DatedByModified() bool { return false }

// Touched implements Record.
func (m *Movement) Touched(t time.Time) Record { return m.ModifiedAt(t) }

// ModifiedAt returns the movement with only its modification time changed.
func (m *Movement) ModifiedAt(t time.Time) *Movement {
	changed := *m
	changed.Modified = t.In(Beijing)
	changed.TS++
	return &changed
}

// MoreReceived returns the movement after one more of its first line was counted: its bill
// changes.
func (m *Movement) MoreReceived(t time.Time) *Movement {
	changed := m.ModifiedAt(t)
	changed.Lines = slices.Clone(m.Lines)
	line := &changed.Lines[0]
	quantity := line.Quantity.Add(decimal.NewFromInt(1))
	// The price per piece stays, to the cent of the line.
	line.Amount = line.Amount.Mul(quantity).DivRound(line.Quantity, 2)
	line.Quantity = quantity
	return changed
}

// Remarked returns the movement with another remark, which no bill contains.
func (m *Movement) Remarked(t time.Time) *Movement {
	changed := m.ModifiedAt(t)
	changed.Remark = "仓库已复核 " + changed.Modified.Format(time.DateTime)
	return changed
}

// Renamed returns the movement with its products renamed.
func (m *Movement) Renamed(t time.Time) *Movement {
	changed := m.ModifiedAt(t)
	changed.Lines = slices.Clone(m.Lines)
	for i := range changed.Lines {
		changed.Lines[i].Name += " 新款"
	}
	return changed
}

// Withdrawn returns the movement with a status with which it is not to be booked.
func (m *Movement) Withdrawn(t time.Time, status string) *Movement {
	changed := m.ModifiedAt(t)
	changed.Status = status
	return changed
}

// AppendJSON appends the movement as a row of datas, see [Order.AppendJSON]. A receipt has
// fewer fields than an outbound order.
func (m *Movement) AppendJSON(dst []byte, seed uint64, style Style) []byte {
	w := newWire(dst, seed, m.IOID, style)
	w.integer("io_id", m.IOID)
	w.idOrNone("o_id", m.OID)
	w.text("so_id", m.SoID)
	w.integer("shop_id", m.Shop.ID)
	w.integer("wms_co_id", m.Warehouse.ID)
	w.text("warehouse", m.Warehouse.Name)
	w.moment("io_date", m.Moved)
	w.moment("modified", m.Modified)
	w.text("status", m.Status)
	w.text("l_id", PersonalData+"-"+m.parcel())
	w.text("logistics_company", "圆通速递")
	w.text("lc_id", "YTO")
	w.integer("ts", m.TS)
	if m.Of == Receipts {
		w.idOrNone("as_id", m.AsID)
		w.integer("wh_id", m.Part)
		w.text("type", m.Type)
		w.text("creator_name", PersonalData+"-仓管-"+m.ID())
		w.dirtyText("aftersale_remark", m.Remark)
		w.text("drp_co_name", "")
	} else {
		m.appendSale(w)
	}
	w.items(len(m.Lines), func(i int) { m.appendLine(w, &m.Lines[i]) })
	return append(w.dst, '}')
}

func (m *Movement) appendSale(w *wire) {
	total := decimal.Zero
	for _, line := range m.Lines {
		total = total.Add(line.Amount)
	}
	paid := total.Sub(m.Discount).Add(m.Freight)
	w.text("shop_name", m.Shop.Name)
	w.text("order_type", OrderType)
	w.moment("created", m.Created)
	w.moment("pay_date", m.Created)
	w.text("wave_id", m.wave())
	w.number("pay_amount", paid)
	w.number("paid_amount", paid)
	w.number("free_amount", m.Discount)
	w.number("freight", m.Freight)
	w.text("currency", "")
	w.dirtyText("remark", m.Remark)
	w.text("buyer_message", "")
	w.text("drp_co_id_from", "")
	w.text("labels", "")
	w.text("shop_buyer_id", PersonalData+"-buyer-"+m.ID())
	w.text("receiver_address", PersonalData+"-西湖区文三路1号-"+m.ID())
}

func (m *Movement) appendLine(w *wire, l *MovedLine) {
	w.text("ioi_id", strconv.FormatInt(l.IOIID, 10))
	w.text("sku_id", l.SKU)
	w.text("i_id", l.Style)
	w.dirtyText("name", l.Name)
	w.text("properties_value", l.Properties)
	w.number("qty", l.Quantity)
	if l.Price.Valid {
		w.number("sale_price", l.Price.Decimal)
	} else {
		w.nothing("sale_price")
	}
	w.number("sale_amount", l.Amount)
	if m.Of == Receipts {
		w.text("unit", "")
		return
	}
	w.text("combine_sku_id", l.ComboSKU)
	w.raw("is_gift", strconv.FormatBool(l.Gift))
	w.text("outer_oi_id", strconv.FormatInt(l.IOIID*3, 10))
}

// idOrNone writes an id, or no value for 0.
func (w *wire) idOrNone(name string, id int64) {
	if id == 0 {
		w.nothing(name)
		return
	}
	w.integer(name, id)
}

func byIOID(a, b *Movement) int { return cmp.Compare(a.IOID, b.IOID) }
