package kingdee

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

var warehouses = EntryQuery{FormID: "BD_STOCK", Numbers: []string{"CK'1", "CK2"}, Columns: []string{"FName", "FForbidStatus", OrganisationColumn}, Organisations: []string{"100"}}

// askedOf reads a request of ExecuteBillQuery.
func askedOf(t *testing.T, body string) BillQuery {
	t.Helper()
	var request struct{ Data BillQuery }
	assert.NoError(t, json.Unmarshal([]byte(body), &request))
	return request.Data
}

func TestEntries(t *testing.T) {
	var asked []BillQuery
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		asked = append(asked, askedOf(t, body))
		write(w, `[["CK'1","Hangzhou","A","100"],["CK2",null,"***",""],[7,"x","B","100"]]`)
	})
	got, unknown, err := newClient(t, vectorConfig(server.URL)).Entries(t.Context(), warehouses)
	require.NoError(t, err)
	require.Empty(t, unknown)
	require.Equal(t, []Entry{
		{"FNumber": "CK'1", "FName": "Hangzhou", "FForbidStatus": "A", "FUseOrgId.FNumber": "100"},
		{"FNumber": "CK2"},
		{"FNumber": "7", "FName": "x", "FForbidStatus": "B", "FUseOrgId.FNumber": "100"},
	}, got)
	require.Equal(t, []BillQuery{{FormID: "BD_STOCK", FieldKeys: "FNumber,FName,FForbidStatus,FUseOrgId.FNumber",
		FilterString: "FNumber in ('CK''1','CK2') and FUseOrgId.FNumber in ('100')", OrderString: "FNumber", Limit: findPage}}, asked)
}

func TestFirstEntries(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		assert.Empty(t, askedOf(t, body).FilterString)
		write(w, customerNumbers(findPage))
	})
	got, _, err := newClient(t, vectorConfig(server.URL)).Entries(t.Context(), EntryQuery{FormID: "BD_Customer"})
	require.NoError(t, err)
	require.Len(t, got, findPage, "a full page is enough")
}

// customerNumbers is a page of so many numbers.
func customerNumbers(count int) string {
	rows := make([]string, count)
	for i := range rows {
		rows[i] = fmt.Sprintf(`["C%d"]`, i)
	}
	return "[" + strings.Join(rows, ",") + "]"
}

// Columns that a form does not have are left out, also of the filter.
func TestEntriesOfAFormWithFewColumns(t *testing.T) {
	for name, test := range map[string]struct {
		has     []string
		unknown []string
		filter  string
	}{
		"no such state":    {[]string{"FNumber", "FName", OrganisationColumn}, []string{"FForbidStatus"}, "FNumber in ('CK''1','CK2') and FUseOrgId.FNumber in ('100')"},
		"no organisations": {[]string{"FNumber", "FName", "FForbidStatus"}, []string{OrganisationColumn}, "FNumber in ('CK''1','CK2')"},
		"its number alone": {[]string{"FNumber"}, []string{"FName", "FForbidStatus", OrganisationColumn}, "FNumber in ('CK''1','CK2')"},
	} {
		t.Run(name, func(t *testing.T) {
			var last BillQuery
			server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
				last = askedOf(t, body)
				for key := range strings.SplitSeq(last.FieldKeys, ",") {
					if !slices.Contains(test.has, key) {
						write(w, unknownFieldReply)
						return
					}
				}
				write(w, `[]`)
			})
			_, unknown, err := newClient(t, vectorConfig(server.URL)).Entries(t.Context(), warehouses)
			require.NoError(t, err)
			require.Equal(t, test.unknown, unknown)
			require.Equal(t, strings.Join(test.has, ","), last.FieldKeys)
			require.Equal(t, test.filter, last.FilterString)
		})
	}
}

// Many numbers are asked for in parts, and a page that is full in smaller ones.
func TestEntriesOfManyNumbers(t *testing.T) {
	var numbers []string
	for i := range MostNumbers + 100 {
		numbers = append(numbers, fmt.Sprintf("C%04d", i))
	}
	const organisations = 10 // each of which uses each
	calls := 0
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		calls++
		var rows []string
		for _, number := range numbers {
			for range organisations {
				if strings.Contains(askedOf(t, body).FilterString, number) && len(rows) < findPage {
					rows = append(rows, `["`+number+`"]`)
				}
			}
		}
		write(w, "["+strings.Join(rows, ",")+"]")
	})
	got, _, err := newClient(t, vectorConfig(server.URL)).Entries(t.Context(), EntryQuery{FormID: "BD_Customer", Numbers: numbers})
	require.NoError(t, err)
	require.Len(t, got, len(numbers)*organisations)
	require.Equal(t, 1+2+4+1, calls)
}

func TestEntriesThatCantBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		reply  string
		class  fault.Class
		reason string
	}{
		"no right":               {`[[` + status(`"Errors":[{"Message":"没有权限"}],"MsgCode":2`) + `]]`, fault.Final, "no_permission"},
		"an unknown form":        {`[[` + status(`"Errors":[{"Message":"业务对象不存在"}],"MsgCode":4`) + `]]`, fault.Final, "bad_query"},
		"too few cells":          {`[["CK2"]]`, fault.Retry, "malformed_reply"},
		"no right to the number": {`[[null,"x","A","100"]]`, fault.Final, "field_unreadable"},
	} {
		t.Run(name, func(t *testing.T) {
			got, _, err := newClient(t, vectorConfig(always(t, test.reply).URL)).Entries(t.Context(), warehouses)
			requireFault(t, err, test.class, test.reason)
			assert.Empty(t, got)
		})
	}
}
