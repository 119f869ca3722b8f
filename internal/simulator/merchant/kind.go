package merchant

import "slices"

// Kind says why an order was made: each is a case that a sync meets in real
// life, with a known outcome.
type Kind string

// The kinds of orders.
const (
	Returned           Kind = "returned"           // all lines received in full
	Rejected           Kind = "rejected"           // refused at the door, comes back whole
	Other              Kind = "other"              // of type 其它
	PartlyReceived     Kind = "partly_received"    // less than announced, one line not at all
	Gift               Kind = "gift"               // with a gift, price 0, beside what was bought
	Combo              Kind = "combo"              // lines that were sold as one combination
	Exchanged          Kind = "exchanged"          // one line came back, another was sent
	ExchangeSent       Kind = "exchange_sent"      // only the line sent is in the order
	RefundOnly         Kind = "refund_only"        // money back, goods kept
	Resent             Kind = "resent"             // something forgotten was sent later
	NothingReceived    Kind = "nothing_received"   // the parcel was empty or is lost
	UnknownMaterial    Kind = "unknown_material"   // a SKU that Kingdee has no material for
	MalformedQuantity  Kind = "malformed_quantity" // an r_qty that is no number
	PriceMissing       Kind = "price_missing"      // a received line without a price
	Discounted         Kind = "discounted"         // refunded with less than the price
	Damaged            Kind = "damaged"            // some of the goods came back damaged
	RefundOnlyReceived Kind = "refund_received"    // of type 仅退款, and yet the goods came back
	NewShop            Kind = "new_shop"           // from a shop that the sync does not know
	Repair             Kind = "repair"             // goods that came in to be repaired
	UnknownLine        Kind = "unknown_line"       // a line of a type that is not documented
	QuantityMissing    Kind = "quantity_missing"   // a received line without an r_qty
	WrongGoods         Kind = "wrong_goods"        // received under the line that was sent
)

// kindsPerBlock is how many of each kind every block of 200 orders holds, so
// that each kind occurs in a small merchant too and shares do not depend on
// luck.
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

// Kinds are all kinds.
func Kinds() []Kind {
	kinds := make([]Kind, 0, len(kindsPerBlock))
	for _, k := range kindsPerBlock {
		kinds = append(kinds, k.kind)
	}
	return kinds
}

// kinds gives n kinds: whole blocks, each in an order of its own.
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
