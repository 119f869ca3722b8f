package kingdee

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"refundsync/internal/text"
)

// mostWhole is how many bills one query of whole bills asks for: they come with their lines.
const mostWhole = 100

// WholeBill is a bill with its lines.
type WholeBill struct {
	Bill
	// FID is [Bill.ID] as a number.
	FID int64
	// Customer is the number of FRetcustId (退货客户).
	Customer string
	Lines    []Line
}

// Line is a line of a bill.
type Line struct {
	// Material and Stock are the numbers of FMaterialId and FStockId; Stock is "" for none.
	Material string `json:"material"`
	Stock    string `json:"stock"`
	// Quantity is FRealQty, TaxPrice FTaxPrice, and Amount FAllAmount (价税合计).
	Quantity decimal.Decimal `json:"quantity"`
	TaxPrice decimal.Decimal `json:"price"`
	Amount   decimal.Decimal `json:"amount"`
}

// WholeBills gives all bills of the numbers, in no particular order. Empty numbers are
// ignored. It fails if a field of a bill can't be read.
func WholeBills(ctx context.Context, queries Queries, formID, textField string, numbers []string) ([]WholeBill, error) {
	return wholeBills(ctx, queries, formID, textField, numbers, func(numbers []string) string {
		return "FBillNo in (" + quoteAll(numbers) + ")"
	})
}

// WholeBillsOf gives the bills of the ids (FID) that exist.
func WholeBillsOf(ctx context.Context, queries Queries, formID, textField string, ids []int64) ([]WholeBill, error) {
	var texts []string
	for _, id := range ids {
		texts = append(texts, strconv.FormatInt(id, 10))
	}
	return wholeBills(ctx, queries, formID, textField, texts, func(ids []string) string {
		return "FID in (" + strings.Join(ids, ",") + ")"
	})
}

func wholeBills(ctx context.Context, queries Queries, formID, textField string, keys []string, filter func([]string) string) (bills []WholeBill, err error) {
	keys = slices.Compact(slices.DeleteFunc(slices.Sorted(slices.Values(keys)), func(key string) bool { return key == "" }))
	for chunk := range slices.Chunk(keys, mostWhole) {
		rows, err := allRowsBy(ctx, queries, BillQuery{
			FormID:       formID,
			FieldKeys:    "FEntity_FEntryID,FRetcustId.FNumber,FMaterialId.FNumber,FStockId.FNumber,FRealQty,FTaxPrice,FAllAmount," + billKeys(textField),
			FilterString: filter(chunk),
			OrderString:  "FEntity_FEntryID",
		}, func(row []any) string {
			if id := entryOf(row); id != "" {
				return id
			}
			return "FID " + cellText(row[beforeHead])
		})
		if err != nil {
			return nil, err
		}
		read, err := readWhole(rows, textField)
		if err != nil {
			return nil, err
		}
		bills = append(bills, read...)
	}
	return bills, nil
}

// beforeHead is how many fields of the line come before those of the bill.
const beforeHead = 7

// entryOf is the id of the line in a row; "" for the row of a bill without lines.
func entryOf(row []any) string {
	if id := cellText(row[0]); id != "0" {
		return id
	}
	return ""
}

// readWhole reads rows, one per line. A draft (Z) may lack anything, as Kingdee keeps it
// unchecked: what it has no value of is empty or zero, and it may have no lines.
func readWhole(rows [][]any, textField string) (bills []WholeBill, err error) {
	places := map[string]int{}
	for _, row := range rows {
		heads, err := readBills([][]any{row[beforeHead:]}, textField)
		if err != nil {
			return nil, err
		}
		head := heads[0]
		if head.Unreadable != "" {
			return nil, Unreadable(head.Unreadable, head.ID)
		}
		if head.Date == "" {
			return nil, Unreadable("FDate", head.ID)
		}
		draft := head.DocumentStatus == "Z"
		if entryOf(row) == "" && !draft {
			return nil, Unreadable("FEntity_FEntryID", head.ID)
		}
		for i, field := range []string{"FRetcustId", "FMaterialId", "FStockId", "FRealQty", "FTaxPrice", "FAllAmount"} {
			masked := noValue(row[1+i]) && row[1+i] != nil
			if blank := cellText(row[1+i]) == ""; blank && field != "FStockId" && !draft || masked {
				return nil, Unreadable(field, head.ID)
			}
		}
		line := Line{Material: strings.TrimSpace(cellText(row[2])), Stock: strings.TrimSpace(cellText(row[3]))}
		for i, number := range []*decimal.Decimal{&line.Quantity, &line.TaxPrice, &line.Amount} {
			cell := cellText(row[4+i])
			if cell == "" {
				continue // of a draft
			}
			*number, err = decimal.NewFromString(cell)
			if err != nil || number.Exponent() < -maxExponent || number.Exponent() > maxExponent {
				return nil, malformed(MethodQuery, text.Errorf("%s of the bill with FID %s is not a number", []string{"FRealQty", "FTaxPrice", "FAllAmount"}[i], head.ID))
			}
		}
		place, known := places[head.ID]
		if !known {
			id, err := strconv.ParseInt(head.ID, 10, 64)
			if err != nil {
				return nil, malformed(MethodQuery, text.Errorf("FID %q is not a number", head.ID))
			}
			place = len(bills)
			places[head.ID] = place
			bills = append(bills, WholeBill{Bill: head, FID: id, Customer: strings.TrimSpace(cellText(row[1]))})
		}
		if entryOf(row) != "" {
			bills[place].Lines = append(bills[place].Lines, line)
		}
	}
	return bills, nil
}

// DatedBills says which bills [BillIDs] lists.
type DatedBills struct {
	FormID string
	// From and To are days (FDate), as 2006-01-02, both included.
	From, To string
	// BillTypes and SaleOrgs are numbers; empty for any.
	BillTypes, SaleOrgs []string
}

// BillIDs lists up to limit ids (FID) of bills above after, in order. Void bills are among
// them.
func BillIDs(ctx context.Context, queries Queries, which DatedBills, after int64, limit int) ([]int64, error) {
	filter := "FDate>=" + quoteAll([]string{which.From}) + " and FDate<=" + quoteAll([]string{which.To + " 23:59:59"}) +
		" and FID>" + strconv.FormatInt(after, 10)
	for _, in := range []struct {
		key     string
		numbers []string
	}{{"FBillTypeID.FNumber", which.BillTypes}, {"FSaleOrgId.FNumber", which.SaleOrgs}} {
		if len(in.numbers) > 0 {
			filter += " and " + in.key + " in (" + quoteAll(in.numbers) + ")"
		}
	}
	rows, err := queries.ExecuteBillQuery(ctx, BillQuery{FormID: which.FormID, FieldKeys: "FID", FilterString: filter, OrderString: "FID", Limit: limit})
	if err != nil {
		return nil, err
	}
	ids := make([]int64, len(rows))
	last := after
	for i, row := range rows {
		if len(row) != 1 {
			return nil, malformed(MethodQuery, text.Errorf("a row has %d cells instead of %d", len(row), 1))
		}
		if ids[i], err = strconv.ParseInt(cellText(row[0]), 10, 64); err != nil || ids[i] <= last {
			return nil, malformed(MethodQuery, text.Errorf("the ids (FID) of the rows are not ascending numbers above %d", after))
		}
		last = ids[i]
	}
	return ids, nil
}
