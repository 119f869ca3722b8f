package kingdee

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

var customers = BaseDataQuery{FormID: "BD_Customer", Key: "FCUSTID", By: "FName", Value: "FNumber", Where: "FUseOrgId.FNumber = '100'"}

// customerRows are a number of rows from a key on.
func customerRows(from, count int) string {
	rows := make([]string, count)
	for i := range rows {
		rows[i] = fmt.Sprintf(`[%d,"A","C","shop %d","C%d"]`, from+i, from+i, from+i)
	}
	return "[" + strings.Join(rows, ",") + "]"
}

func TestBaseData(t *testing.T) {
	var bodies []string
	server := serve(t, func(w http.ResponseWriter, r *http.Request, body string) {
		assert.Equal(t, "ExecuteBillQuery", methodOf(r))
		if bodies = append(bodies, body); len(bodies) == 1 {
			write(w, customerRows(100, findPage))
		} else {
			write(w, `[[5000,"A","C","x",7],["5001","B","C","y","C2"],[5002,"A","A","z","C3"],[5003,"A","C",null,"C4"],[5004,"A","C","",""]]`)
		}
	})
	got, err := newClient(t, vectorConfig(server.URL)).BaseData(t.Context(), customers)
	require.NoError(t, err)
	assert.Equal(t, golden(t, "base_data.json"), bodies[0])
	assert.Equal(t, golden(t, "base_data_next.json"), bodies[1])
	assert.Len(t, bodies, 2)
	require.Len(t, got, findPage+5)
	assert.Equal(t, BaseData{By: "shop 100", Value: "C100"}, got[0])
	assert.Equal(t, []BaseData{{"x", "7", false}, {"y", "C2", true}, {"z", "C3", true}, {"", "C4", false}, {"", "", false}}, got[findPage:])
}

func TestBaseDataByTheFieldThatIsTheValue(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		var request struct{ Data BillQuery }
		assert.NoError(t, json.Unmarshal([]byte(body), &request))
		assert.Equal(t, "FMATERIALID,FForbidStatus,FDocumentStatus,FNumber", request.Data.FieldKeys)
		assert.Empty(t, request.Data.FilterString)
		write(w, `[["a'1","A","C","M1"]]`)
	})
	got, err := newClient(t, vectorConfig(server.URL)).BaseData(t.Context(), BaseDataQuery{FormID: "BD_MATERIAL", Key: "FMATERIALID", By: "FNumber", Value: "FNumber"})
	require.NoError(t, err)
	assert.Equal(t, []BaseData{{"M1", "M1", false}}, got)
	assert.Equal(t, "'a''1'", filterLiteral("a'1"))
	assert.Equal(t, "7", filterLiteral(json.Number("7")))
}

func TestBaseDataThatCantBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		reply  string
		class  fault.Class
		reason string
	}{
		"no right":                      {`[[` + status(`"Errors":[{"Message":"没有权限"}],"MsgCode":2`) + `]]`, fault.Final, "no_permission"},
		"unknown field":                 {`[[` + status(`"Errors":[{"Message":"元数据中标识为X的字段不存在"}],"MsgCode":9`) + `]]`, fault.Final, "bad_query"},
		"no key":                        {`[[null,"A","C","x","C1"]]`, fault.Retry, "malformed_reply"},
		"too few cells":                 {`[[1,"A","C","x"]]`, fault.Retry, "malformed_reply"},
		"no right to the code":          {`[[1,"A","C",null,"C1"],[2,"A","C",null,"C2"]]`, fault.Final, "field_unreadable"},
		"a masked code":                 {`[[1,"A","C","***","C1"],[2,"A","C","x","C2"]]`, fault.Final, "field_unreadable"},
		"a masked value":                {`[[1,"A","C","x","***"]]`, fault.Final, "field_unreadable"},
		"whether it is forbidden":       {`[[1,null,"C","x","C1"]]`, fault.Final, "field_unreadable"},
		"whether it is audited":         {`[[1,"A","","x","C1"]]`, fault.Final, "field_unreadable"},
		"an entry for each of its rows": {`[[1,"A","C","x","C1"],[1,"A","C","y","C1"]]`, fault.Final, "bad_query"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := newClient(t, vectorConfig(always(t, test.reply).URL)).BaseData(t.Context(), customers)
			requireFault(t, err, test.class, test.reason)
			assert.Empty(t, got)
		})
	}
}

// A server that repeats a page for ever is detected, and too much base data refused.
func TestBaseDataIsBounded(t *testing.T) {
	_, err := newClient(t, vectorConfig(always(t, customerRows(1, findPage)).URL)).BaseData(t.Context(), customers)
	requireFault(t, err, fault.Final, "bad_query")
	calls := 0
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) {
		write(w, customerRows(1+calls*findPage, findPage))
		calls++
	})
	_, err = newClient(t, vectorConfig(server.URL)).BaseData(t.Context(), customers)
	require.ErrorContains(t, err, "over 100000 entries")
	assert.Equal(t, mostBaseData/findPage, calls)
}

// An entry added or deleted between two pages displaces no other.
func TestBaseDataIsWholeWhileItChanges(t *testing.T) {
	keys := map[int]bool{}
	for key := 1000; key < 1000+3*findPage+100; key++ {
		keys[key] = true
	}
	throughout := maps.Clone(keys)
	pages := 0
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		var request struct{ Data BillQuery }
		assert.NoError(t, json.Unmarshal([]byte(body), &request))
		after := 0
		if _, key, ok := strings.Cut(request.Data.FilterString, "FCUSTID > "); ok {
			_, err := fmt.Sscan(key, &after)
			assert.NoError(t, err)
		}
		var rows []string
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if key > after && len(rows) < request.Data.Limit {
				rows = append(rows, fmt.Sprintf(`[%d,"A","C","%[1]d","C"]`, key))
			}
		}
		write(w, "["+strings.Join(rows, ",")+"]")
		pages++
		for i := range 7 { // some already read, some not
			for _, gone := range []int{1000 + 100*pages + i, 1000 + 3*findPage - 10*pages + i} {
				delete(keys, gone)
				delete(throughout, gone)
			}
			keys[100*pages+i] = true
		}
	})
	entries, err := newClient(t, vectorConfig(server.URL)).BaseData(t.Context(), customers)
	require.NoError(t, err)
	read := map[string]int{}
	for _, entry := range entries {
		read[entry.By]++
	}
	for key := range throughout {
		require.Equal(t, 1, read[strconv.Itoa(key)], key)
	}
	require.Equal(t, 4, pages)
}
