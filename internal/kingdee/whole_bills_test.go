package kingdee

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

const wholeRow = `[500001,"C1","M1","W1",2,19.9,39.8,100040,"1","C","A","2024-03-01T00:00:00","note"]`

func TestWholeBills(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		assert.Equal(t, golden(t, "whole_bills.json"), body)
		write(w, `[`+wholeRow+`,[500003,"C2","M1","W1",1,1,1,100041,"2","A","B","2024-03-02T00:00:00",""],
			[500002,"C1","M2"," ",1.5,"2.0",3,100040,"1","C","A","2024-03-01T00:00:00","note"]]`)
	})
	bills, err := WholeBills(t.Context(), newClient(t, vectorConfig(server.URL)), returns, []string{"2", "1", "", "1"})
	require.NoError(t, err)
	require.Len(t, bills, 2)
	first, second := bills[0], bills[1]
	require.Equal(t, int64(100040), first.FID)
	require.Equal(t, Bill{ID: "100040", Number: "1", DocumentStatus: "C", Date: "2024-03-01", Text: "note"}, first.Bill)
	require.Equal(t, "C1", first.Customer)
	require.Len(t, first.Lines, 2)
	require.Equal(t, "M2", first.Lines[1].Item)
	require.Empty(t, first.Lines[1].Stock)
	require.Equal(t, []string{"1.5", "2", "3"}, []string{first.Lines[1].Quantity.String(), first.Lines[1].TaxPrice.String(), first.Lines[1].Amount.String()})
	require.True(t, second.Void)
}

func TestWholeBillsOfIDs(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		assert.Contains(t, body, `"FilterString":"FID in (100040,100041)"`)
		write(w, `[`+wholeRow+`]`)
	})
	bills, err := WholeBillsOf(t.Context(), newClient(t, vectorConfig(server.URL)), returns, []int64{100041, 100040})
	require.NoError(t, err)
	require.Len(t, bills, 1)
}

// What can't be read is neither empty nor zero.
func TestWholeBillsThatCannotBeRead(t *testing.T) {
	for _, c := range []struct {
		name  string
		cell  int
		value any
		field string
	}{
		{"a hidden customer", 1, nil, "FRetcustId"},
		{"a masked price", 5, "***", "FTaxPrice"},
		{"a hidden quantity", 4, nil, "FRealQty"},
		{"a masked warehouse", 3, "***", "FStockId"},
		{"a hidden amount", 6, nil, "FAllAmount"},
		{"a hidden line", 0, nil, "FEntity_FEntryID"},
		{"no line", 0, 0, "FEntity_FEntryID"},
		{"a hidden status", 9, nil, "FDocumentStatus"},
		{"a hidden date", 11, nil, "FDate"},
		{"a hidden note", 12, nil, "FHeadNote"},
		{"a quantity that is none", 4, "many", ""},
		{"a quantity of a billion digits", 4, "1e999999999", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var row []any
			require.NoError(t, json.Unmarshal([]byte(wholeRow), &row))
			row[c.cell] = c.value
			raw, err := json.Marshal([]any{row})
			require.NoError(t, err)
			server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) { write(w, string(raw)) })
			_, err = WholeBills(t.Context(), newClient(t, vectorConfig(server.URL)), returns, []string{"1"})
			require.Error(t, err)
			require.Equal(t, c.field, fault.As(err).Field)
		})
	}
}

// A person can keep a draft of which hardly anything is filled in.
func TestWholeBillsOfDrafts(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		write(w, `[[0,null,null,null,0,0,0,100050,"D1","Z","A","2024-03-01T00:00:00",""],
			[0," "," "," ",null,null,null,100051,"D2","Z","A","2024-03-01T00:00:00",""],
			[500001,null,"M1",null,2,0,null,100052,"D3","Z","A","2024-03-01T00:00:00",""]]`)
	})
	bills, err := WholeBills(t.Context(), newClient(t, vectorConfig(server.URL)), returns, []string{"D1", "D2", "D3"})
	require.NoError(t, err)
	require.Len(t, bills, 3)
	for i, lines := range []int{0, 0, 1} {
		require.Empty(t, bills[i].Customer)
		require.Len(t, bills[i].Lines, lines)
	}
}

func TestBillIDs(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		assert.Equal(t, golden(t, "bill_ids.json"), body)
		write(w, `[[100041],["100050"]]`)
	})
	ids, err := BillIDs(t.Context(), newClient(t, vectorConfig(server.URL)), DatedBills{
		Form: returns, From: "2024-03-01", To: "2024-03-02", BillTypes: []string{"XSTHD01_SYS"}, Organisations: []string{"100"},
	}, 100040, 2000)
	require.NoError(t, err)
	require.Equal(t, []int64{100041, 100050}, ids)
}

// A list out of order would leave bills out.
func TestBillIDsOutOfOrderAreRefused(t *testing.T) {
	for _, reply := range []string{`[[2],[1]]`, `[[1],[1]]`, `[[null]]`, `[["x"]]`, `[[1,2]]`} {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) { write(w, reply) })
		_, err := BillIDs(t.Context(), newClient(t, vectorConfig(server.URL)), DatedBills{Form: returns, From: "2024-03-01", To: "2024-03-02"}, 0, 2000)
		require.Error(t, err, reply)
	}
}
