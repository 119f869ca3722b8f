package merchant

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/shopspring/decimal"
)

const (
	firstAsID  = 700000001
	firstAsiID = 810000001
	// leftOutEvery: for this many orders that the customary filter returns, one more is
	// made that it excludes.
	leftOutEvery = 12
)

type generator struct {
	rng         *rand.Rand
	options     Options
	asID, asiID int64
}

// oneIn is true once in n times.
func (g *generator) oneIn(n int) bool { return g.rng.IntN(n) == 0 }

// ago returns a whole number of seconds, up to longest.
func (g *generator) ago(longest time.Duration) time.Duration {
	return time.Duration(g.rng.Int64N(int64(longest/time.Second)+1)) * time.Second
}

// moments returns n modification times with second precision, as at the source. Some
// orders share a second, some fall on a whole hour, where windows meet, and the first and
// the last second of the range are used.
func (g *generator) moments(n int) []time.Time {
	seconds := int64(g.options.To().Sub(g.options.From) / time.Second)
	moments := make([]time.Time, n)
	for i := range moments {
		switch {
		case i == 0:
			moments[i] = g.options.From
		case i == 1:
			moments[i] = g.options.To().Add(-time.Second)
		case g.oneIn(20):
			moments[i] = moments[i-1]
		case g.oneIn(25):
			hours := g.rng.Int64N(seconds / 3600)
			moments[i] = g.options.From.Add(time.Duration(hours) * time.Hour)
		default:
			moments[i] = g.options.From.Add(time.Duration(g.rng.Int64N(seconds)) * time.Second)
		}
		moments[i] = moments[i].In(Beijing)
	}
	return moments
}

// order makes an order of a kind that the customary filter returns.
func (g *generator) order(kind Kind, modified time.Time) *Order {
	o := g.header(kind, modified)
	g.lines(o)
	for i := range o.Lines {
		if line := &o.Lines[i]; !line.Sent {
			o.Refund = o.Refund.Add(line.amount())
		}
	}
	return o
}

// leftOut makes an order that the customary filter excludes by status or good_status.
func (g *generator) leftOut(modified time.Time) *Order {
	o := g.order(Returned, modified)
	for o.Customary() {
		o.Status = Statuses[g.rng.IntN(len(Statuses))]
		o.GoodStatus = GoodStatuses[g.rng.IntN(len(GoodStatuses))]
	}
	return o
}

func (g *generator) header(kind Kind, modified time.Time) *Order {
	g.asID += 1 + g.rng.Int64N(3)
	confirmed := modified.Add(-g.ago(36 * time.Hour))
	o := &Order{
		Kind:             kind,
		AsID:             g.asID,
		OID:              g.asID - 300000000,
		TS:               g.asID*7 + 11,
		OuterAsID:        fmt.Sprintf("R%d%06d", 2024, g.asID-firstAsID),
		SoID:             fmt.Sprintf("%d%08d", 24030, (g.asID-firstAsID)*13),
		Created:          confirmed.Add(-time.Hour - g.ago(5*24*time.Hour)),
		Modified:         modified,
		ConfirmDate:      confirmed,
		Type:             orderType(kind),
		Status:           StatusConfirmed,
		GoodStatus:       GoodStatusReceived,
		ShopStatus:       "WAIT_SELLER_AGREE",
		QuestionType:     pick(g, "七天无理由退换货", "商品质量问题", "尺码拍错", "少发漏发"),
		Remark:           pick(g, "", "", "已联系客户", "客户说\"尺码偏小\"\n要求换大一号", "包装破损 \\ 已拍照", "优先处理😀"),
		Shop:             g.shop(),
		ShopIDAbsent:     g.oneIn(20),
		Warehouse:        g.warehouse(),
		LogisticsCompany: pick(g, "顺丰速运", "中通快递", "圆通速递", "京东物流"),
		LogisticsID:      fmt.Sprintf("SF%010d", g.rng.IntN(1_000_000_000)),
	}
	if g.oneIn(12) {
		o.ConfirmDate = time.Time{}
	}
	if g.oneIn(15) {
		o.Freight = decimal.NewFromInt(8)
	}
	if kind == NewShop {
		o.Shop = newShop
	}
	return o
}

func orderType(kind Kind) string {
	switch kind {
	case Rejected:
		return TypeRejected
	case Other:
		return TypeOther
	case Exchanged, ExchangeSent, WrongGoods:
		return TypeExchange
	case RefundOnly, RefundOnlyReceived:
		return TypeRefundOnly
	case Repair:
		return TypeRepair
	case Resent:
		return TypeResend
	default:
		return TypeReturn
	}
}

// lines adds the lines that the order's kind is about.
func (g *generator) lines(o *Order) {
	switch o.Kind {
	case ExchangeSent, Resent:
		for range 1 + g.rng.IntN(2) {
			g.addSent(o)
		}
		return
	case PartlyReceived:
		g.addReturned(o, 2+g.rng.IntN(3))
	default:
		g.addReturned(o, 1+g.rng.IntN(3))
	}
	last := &o.Lines[len(o.Lines)-1]
	switch o.Kind {
	case PartlyReceived:
		first := &o.Lines[0]
		first.Quantity = first.Quantity.Add(decimal.NewFromInt(2))
		last.Received = decimal.Zero
	case Gift:
		g.addGift(o)
	case Combo:
		g.addReturned(o, 1)
		combo := fmt.Sprintf("COMBO-%03d", 1+g.rng.IntN(9))
		for i := range o.Lines {
			o.Lines[i].ComboSKU = combo
		}
	case Exchanged:
		g.addSent(o)
		// Some shops copy the quantity into r_qty, although nothing was returned.
		if sent := &o.Lines[len(o.Lines)-1]; g.oneIn(4) {
			sent.Received = sent.Quantity
		}
	case WrongGoods:
		last.Received = decimal.Zero
		g.addSent(o)
		o.Lines[len(o.Lines)-1].Received = decimal.NewFromInt(1)
	case Discounted:
		share := decimal.New(30+g.rng.Int64N(65), -2)
		last.Amount = decimal.NewNullDecimal(last.amount().Mul(share).Round(2))
	case Damaged:
		last.Quantity = last.Quantity.Add(decimal.NewFromInt(1))
		last.Received = last.Quantity
		last.Damaged = decimal.NewFromInt(1)
	case UnknownLine:
		last.Type = "退货换新"
	case QuantityMissing:
		last.ReceivedAbsent = true
	case RefundOnly, NothingReceived:
		for i := range o.Lines {
			o.Lines[i].Received = decimal.Zero
			o.Lines[i].ReceiveDate = time.Time{}
		}
	case UnknownMaterial:
		last.SKU = pick(g, newSKUs...)
		last.Style = last.SKU
	case MalformedQuantity:
		last.MalformedReceived = pick(g, "3件", "两件", "1.2.3")
	case PriceMissing:
		last.Price, last.Amount = decimal.NullDecimal{}, decimal.NewNullDecimal(decimal.Zero)
	}
}

// addReturned adds n lines of goods that came back in full, in one parcel.
func (g *generator) addReturned(o *Order, n int) {
	var received time.Time
	if len(o.Lines) > 0 {
		received = o.Lines[0].ReceiveDate
	} else if !g.oneIn(6) {
		received = o.Modified.Add(-g.ago(30 * time.Hour))
	}
	for range n {
		line := g.line()
		line.Received = line.Quantity
		line.ReceiveDate = received
		switch {
		case o.Type == TypeRejected || o.Type == TypeOther:
			line.Type = o.Type
		case g.oneIn(8):
			line.Type = "" // some shops' orders have no type on the line
		default:
			line.Type = lineReturned
		}
		o.Lines = append(o.Lines, line)
	}
}

// addSent adds a line of goods sent out to the buyer.
func (g *generator) addSent(o *Order) {
	line := g.line()
	line.Sent = true
	line.Type = o.Type
	o.Lines = append(o.Lines, line)
}

// addGift adds a returned gift: one of the SKUs whose material has another number, or
// anything else at price 0.
func (g *generator) addGift(o *Order) {
	g.addReturned(o, 1)
	line := &o.Lines[len(o.Lines)-1]
	line.Price = decimal.NewNullDecimal(decimal.Zero)
	if !g.oneIn(4) {
		gift := gifts[g.rng.IntN(len(gifts))]
		line.SKU, line.Style, line.Name, line.Properties = gift.sku, gift.sku, gift.name, ""
		line.Quantity, line.Received = decimal.NewFromInt(1), decimal.NewFromInt(1)
	}
}

func (g *generator) line() Line {
	g.asiID += 1 + g.rng.Int64N(4)
	p := products[g.rng.IntN(len(products))]
	v := p.variants[g.rng.IntN(len(p.variants))]
	line := Line{
		AsiID:      g.asiID,
		SKU:        p.sku(v),
		Style:      p.style,
		Name:       p.name,
		Properties: v.properties,
		Quantity:   decimal.NewFromInt(1),
		Price:      decimal.NewNullDecimal(g.price(p)),
	}
	switch {
	case p.byWeight:
		line.Quantity = decimal.New(1+g.rng.Int64N(40), -2).Mul(decimal.NewFromInt(5))
	case g.oneIn(4):
		line.Quantity = decimal.NewFromInt(2 + g.rng.Int64N(4))
	}
	return line
}

// price is the list price less a discount; a share of a discount on the whole order can
// have four decimal places.
func (g *generator) price(p product) decimal.Decimal {
	price := decimal.RequireFromString(p.price).Mul(decimal.New(60+g.rng.Int64N(41), -2))
	if g.oneIn(10) {
		return price.Round(4)
	}
	return price.Round(2)
}

func (g *generator) shop() Shop {
	n := g.rng.IntN(100)
	for _, s := range shops {
		if n -= s.share; n < 0 {
			return s.Shop
		}
	}
	panic("merchant: the shops' shares do not add up to 100")
}

func (g *generator) warehouse() Warehouse {
	n := g.rng.IntN(100)
	for _, w := range warehouses {
		if n -= w.share; n < 0 {
			return w.Warehouse
		}
	}
	panic("merchant: the warehouses' shares do not add up to 100")
}

func pick(g *generator, from ...string) string { return from[g.rng.IntN(len(from))] }
