package kingdee

import (
	"net/http"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

func TestQuantities(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		assert.Equal(t, golden(t, "read_bill.json"), body)
		write(w, `[[1,"M1",2.5],["2","M2","1.0"],[3,"M1",0.5],[1,"M1",2.5]]`)
	})
	quantities, err := newClient(t, vectorConfig(server.URL)).ByItem(t.Context(), returns, "100040")
	require.NoError(t, err)
	require.Len(t, quantities, 2)
	for material, want := range map[string]string{"M1": "3", "M2": "1"} {
		require.True(t, quantities[material].Equal(decimal.RequireFromString(want)), "%s: %s", material, quantities[material])
	}
}

// A bill with more lines than a page has rows is read completely.
func TestQuantitiesReadsAllPages(t *testing.T) {
	line := 0
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		var rows []string
		for range min(findPage, 5000-line) {
			line++
			rows = append(rows, `[`+decimal.NewFromInt(int64(line)).String()+`,"M",1]`)
		}
		write(w, `[`+strings.Join(rows, ",")+`]`)
	})
	quantities, err := newClient(t, vectorConfig(server.URL)).ByItem(t.Context(), returns, "1")
	require.NoError(t, err)
	require.Equal(t, "5000", quantities["M"].String())
}

func TestQuantitiesFailures(t *testing.T) {
	endless := strings.TrimSuffix(strings.Repeat(`[1,"M",1],`, findPage), ",")
	for name, reply := range map[string]string{
		"the same page again and again": `[` + endless + `]`,
		"a cell missing":                `[[1,"M"]]`,
		"a quantity in words":           `[[1,"M","two"]]`,
		"a billion digits":              `[[1,"M",1e999999999],[2,"M",1]]`,
		"a billion decimals":            `[[1,"M","1e-999999999"],[2,"M",1]]`,
		"the smallest exponent":         `[[1,"M","1e-2147483648"],[2,"M",1]]`,
	} {
		t.Run(name, func(t *testing.T) {
			_, err := newClient(t, vectorConfig(always(t, reply).URL)).ByItem(t.Context(), returns, "1")
			requireFault(t, err, fault.Retry, "malformed_reply")
		})
	}
}

// A cell without a value is never read as a material or a quantity.
func TestQuantitiesWithoutRight(t *testing.T) {
	for field, reply := range map[string]string{"FMaterialId": `[[1,null,2]]`, "FRealQty": `[[1,"M","***"]]`} {
		_, err := newClient(t, vectorConfig(always(t, reply).URL)).ByItem(t.Context(), returns, "1")
		require.Equal(t, field, requireFault(t, err, fault.Final, "field_unreadable").Field)
	}
}

func TestBillsOfMoney(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		assert.Contains(t, body, `"FieldKeys":"FREFUNDBILLENTRY_FEntryID,FPURPOSEID.FNumber,FREFUNDAMOUNTFOR"`)
		write(w, `[[500001,"P1",15.5],[500002,"P2",-7],[500003,"P1","0.5"]]`)
	})
	sums, err := newClient(t, vectorConfig(server.URL)).ByItem(t.Context(), refunds, "100040")
	require.NoError(t, err)
	require.Equal(t, []string{"16", "-7"}, []string{sums["P1"].String(), sums["P2"].String()})

	server = serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		assert.Contains(t, body, `"FieldKeys":"FREFUNDBILLENTRY_FEntryID,FCONTACTUNIT.FNumber,FPURPOSEID.FNumber,FREFUNDAMOUNTFOR,FID,FBillNo,FDocumentStatus,FCancelStatus,FDATE,FREMARK"`)
		write(w, `[[500001,"C1","P1",15.5,100040,"1","C","A","2024-03-01T00:00:00","note"],[500002,"C1","P2",-7,100040,"1","C","A","2024-03-01T00:00:00","note"]]`)
	})
	whole, err := WholeBills(t.Context(), newClient(t, vectorConfig(server.URL)), refunds, []string{"1"})
	require.NoError(t, err)
	require.Len(t, whole, 1)
	require.Equal(t, "C1", whole[0].Customer)
	require.Equal(t, "2024-03-01", whole[0].Date)
	require.Len(t, whole[0].Lines, 2)
	line := whole[0].Lines[1]
	require.Equal(t, "P2", line.Item)
	require.Equal(t, "-7", line.Amount.String())
	require.True(t, line.Quantity.IsZero() && line.TaxPrice.IsZero() && line.Stock == "")
}

func TestBillsOfMoneyAreListedByTheirOwnFields(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		assert.Contains(t, body, `FDATE>='2024-03-01' and FDATE<='2024-03-02 23:59:59' and FID>0 and FBillTypeID.FNumber in ('SKTKDLX01_SYS') and FSETTLEORGID.FNumber in ('100')`)
		write(w, `[[7]]`)
	})
	ids, err := BillIDs(t.Context(), newClient(t, vectorConfig(server.URL)),
		DatedBills{Form: refunds, From: "2024-03-01", To: "2024-03-02", BillTypes: []string{"SKTKDLX01_SYS"}, Organisations: []string{"100"}}, 0, 10)
	require.NoError(t, err)
	require.Equal(t, []int64{7}, ids)
}
