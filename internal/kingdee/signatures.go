package kingdee

import (
	"context"
	"strings"
	"time"

	"refundsync/internal/beijing"
)

// Signature is who did something to a bill, and when.
type Signature struct {
	// By is the name of a user of Kingdee; "" if nobody did it, or if the integration user
	// may not see the field.
	By string `json:"by,omitempty"`
	// At is in Beijing time; zero as By is "".
	At time.Time `json:"at,omitzero"`
}

// Signatures say who created, last changed, audited and voided a bill.
type Signatures struct {
	Created  Signature `json:"created,omitzero"`
	Modified Signature `json:"modified,omitzero"`
	Audited  Signature `json:"audited,omitzero"`
	Voided   Signature `json:"voided,omitzero"`
}

// signatureKeys are the fields of every bill of Kingdee's: 创建人, 最后修改人, 审核人 and
// 作废人, each with its date.
const signatureKeys = "FCreatorId.FName,FCreateDate,FModifierId.FName,FModifyDate,FApproverId.FName,FApproveDate,FCancellerId.FName,FCancelDate"

// Signatures reads who created, changed, audited and voided the bill with an inner id
// (FID). A bill that is not found has no signatures.
func (c *Client) Signatures(ctx context.Context, formID, id string) (Signatures, error) {
	rows, err := allRows(ctx, c, BillQuery{
		FormID: formID, FieldKeys: "FID," + signatureKeys, FilterString: "FID=" + quoteAll([]string{id}), OrderString: "FID",
	})
	if err != nil || len(rows) == 0 {
		return Signatures{}, err
	}
	cells := rows[0][1:]
	signed := func(who int) Signature {
		by := cellText(cells[who])
		if noValue(cells[who]) || by == "" {
			return Signature{}
		}
		return Signature{By: by, At: cellTime(cells[who+1])}
	}
	return Signatures{Created: signed(0), Modified: signed(2), Audited: signed(4), Voided: signed(6)}, nil
}

// cellTime reads a time such as 2024-03-02T10:11:12.5; zero if it can't be read.
func cellTime(cell any) time.Time {
	at, err := time.ParseInLocation("2006-01-02T15:04:05", strings.TrimSuffix(cellText(cell), "Z"), beijing.Zone)
	if err != nil {
		return time.Time{}
	}
	return at
}
