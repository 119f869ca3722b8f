package merchant

import "slices"

// Kind is why an order was made: each kind is a case that a sync meets in practice, with
// a known outcome.
type Kind string

// The kinds of orders.
const (
	Returned           Kind = "returned"           // all lines received in full
	Rejected           Kind = "rejected"           // refused at the door, comes back whole
	Other              Kind = "other"              // of type 其它 (other)
	PartlyReceived     Kind = "partly_received"    // less than announced, one line missing entirely
	Gift               Kind = "gift"               // with a gift at price 0 beside the purchase
	Combo              Kind = "combo"              // lines that were sold as one combination
	Exchanged          Kind = "exchanged"          // one line came back, another was sent
	ExchangeSent       Kind = "exchange_sent"      // the order has only the line sent
	RefundOnly         Kind = "refund_only"        // money back, goods kept
	Resent             Kind = "resent"             // something forgotten was sent later
	NothingReceived    Kind = "nothing_received"   // the parcel was empty or is lost
	UnknownMaterial    Kind = "unknown_material"   // a SKU that Kingdee has no material for
	MalformedQuantity  Kind = "malformed_quantity" // an r_qty that is no number
	PriceMissing       Kind = "price_missing"      // a received line without a price
	Discounted         Kind = "discounted"         // the refund is less than the price
	Damaged            Kind = "damaged"            // some of the goods came back damaged
	RefundOnlyReceived Kind = "refund_received"    // of type 仅退款 (refund only), but the goods came back
	NewShop            Kind = "new_shop"           // from a shop unknown to the sync
	Repair             Kind = "repair"             // goods sent in for repair
	UnknownLine        Kind = "unknown_line"       // a line of an undocumented type
	QuantityMissing    Kind = "quantity_missing"   // a received line without an r_qty
	WrongGoods         Kind = "wrong_goods"        // received under the line that was sent out
)

// kindsPerBlock is the number of each kind in every block of 200 orders, so that each
// kind occurs in a small merchant too and proportions do not depend on chance.
var kindsPerBlock = []struct {
	kind  Kind
	count int
}{
	{Returned, 80},
	{Rejected, 14},
	{Other, 6},
	{PartlyReceived, 14},
	{Gift, 12},
	{Combo, 8},
	{Exchanged, 14},
	{ExchangeSent, 3},
	{RefundOnly, 12},
	{Resent, 6},
	{NothingReceived, 4},
	{UnknownMaterial, 2},
	{MalformedQuantity, 1},
	{PriceMissing, 1},
	{Discounted, 10},
	{Damaged, 5},
	{RefundOnlyReceived, 2},
	{NewShop, 2},
	{Repair, 1},
	{UnknownLine, 1},
	{QuantityMissing, 1},
	{WrongGoods, 1},
}

// kindsInBlock is the length of a block.
const kindsInBlock = 200

// Kinds returns all kinds.
func Kinds() []Kind {
	kinds := make([]Kind, 0, len(kindsPerBlock))
	for _, k := range kindsPerBlock {
		kinds = append(kinds, k.kind)
	}
	return kinds
}

// kinds returns n kinds: whole blocks, each shuffled.
func (g *generator) kinds(n int) []Kind {
	var kinds []Kind
	for len(kinds) < n {
		var block []Kind
		for _, k := range kindsPerBlock {
			if len(g.options.Kinds) > 0 && !slices.Contains(g.options.Kinds, k.kind) {
				continue
			}
			for range k.count {
				block = append(block, k.kind)
			}
		}
		g.rng.Shuffle(len(block), func(i, j int) { block[i], block[j] = block[j], block[i] })
		kinds = append(kinds, block...)
	}
	return kinds[:n]
}
