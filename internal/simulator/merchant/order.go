package merchant

import (
	"time"

	"github.com/shopspring/decimal"
)

// The values of status and good_status with a meaning here; the customary filter asks for
// StatusConfirmed and GoodStatusReceived.
const (
	StatusWaits        = "WaitConfirm"
	StatusConfirmed    = "Confirmed"
	StatusCancelled    = "Cancelled"
	StatusMerged       = "Merged"
	GoodStatusReceived = "SELLER_RECEIVED"
)

// Statuses and GoodStatuses are all values that Jushuitan documents.
var (
	Statuses     = []string{StatusWaits, StatusConfirmed, StatusCancelled, StatusMerged}
	GoodStatuses = []string{"BUYER_NOT_RECEIVED", "BUYER_RECEIVED", "BUYER_RETURNED_GOODS", GoodStatusReceived}
)

// The types of an after-sales order. Lines use some of the same words.
const (
	TypeReturn     = "普通退货"
	TypeOther      = "其它"
	TypeRejected   = "拒收退货"
	TypeRefundOnly = "仅退款"
	TypeComplaint  = "投诉"
	TypeResend     = "补发"
	TypeExchange   = "换货"
	TypeRepair     = "维修"
)

// Types are all order types that Jushuitan documents.
var Types = []string{TypeReturn, TypeOther, TypeRejected, TypeRefundOnly, TypeComplaint, TypeResend, TypeExchange, TypeRepair}

// OrderType is the type of every order with returned goods.
const OrderType = "普通订单"

// lineReturned is the usual type of a line of returned goods.
const lineReturned = "退货"

// Order is one after-sales order as the source knows it, before it is encoded. Times are
// Beijing time; a zero time is absent.
type Order struct {
	Kind                             Kind
	AsID, OID, TS                    int64
	OuterAsID, SoID                  string
	Created, Modified, ConfirmDate   time.Time
	Type, Status, GoodStatus         string
	ShopStatus, QuestionType, Remark string
	Shop                             Shop
	ShopIDAbsent                     bool
	Warehouse                        Warehouse
	Refund, Freight                  decimal.Decimal
	LogisticsCompany, LogisticsID    string
	Lines                            []Line

	// merged: another order was merged into it, and has its receipts and outbound order.
	// arrived: it came while the merchant was in use.
	merged, arrived bool
}

// Line is one line of goods. If Sent, the goods were sent out to the buyer and are no
// return, whatever r_qty says.
type Line struct {
	AsiID                int64
	Sent                 bool
	Type                 string
	SKU, Style, ComboSKU string
	Name, Properties     string
	Quantity             decimal.Decimal // qty, what the buyer announced
	Received             decimal.Decimal // r_qty, what the warehouse actually received
	MalformedReceived    string          // r_qty as sent if it is not a number
	ReceivedAbsent       bool            // the line has no r_qty
	Damaged              decimal.Decimal // defective_qty, part of Received
	Price                decimal.NullDecimal
	Amount               decimal.NullDecimal // what is refunded; price × quantity if null
	ReceiveDate          time.Time
}

// amount is the refund for the whole quantity of the line.
func (l *Line) amount() decimal.Decimal {
	if l.Amount.Valid {
		return l.Amount.Decimal
	}
	return l.Price.Decimal.Mul(l.Quantity).Round(2)
}

// returned reports whether goods of the line came back.
func (l *Line) returned() bool { return !l.Sent && l.Received.IsPositive() }
