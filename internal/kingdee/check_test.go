package kingdee

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/version"
)

const unknownFieldReply = `[[{"Result":{"ResponseStatus":{"ErrorCode":500,"IsSuccess":false,"Errors":[{"FieldName":null,"Message":"字段不存在","DIndex":0}],"MsgCode":9}}}]]`

func TestUnknownFields(t *testing.T) {
	known := []string{"F_ABCD_Text", "F_ABCD_Shop", "F_ABCD_Shop.FNumber"}
	for _, c := range []struct {
		name    string
		keys    []string
		unknown []string
		calls   int
	}{
		{"none asked for", nil, nil, 0},
		{"all known", []string{"F_ABCD_Text", "F_ABCD_Shop.FNumber"}, nil, 1},
		{"one misspelt", []string{"F_ABCD_Text", "F_ABCD_Txet", "F_ABCD_Shop"}, []string{"F_ABCD_Txet"}, 4},
		{"text taken for base data", []string{"F_ABCD_Text.FNumber"}, []string{"F_ABCD_Text.FNumber"}, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			calls := 0
			server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
				calls++
				var request struct{ Data BillQuery }
				assert.NoError(t, json.Unmarshal([]byte(body), &request))
				assert.Equal(t, "SAL_RETURNSTOCK", request.Data.FormID)
				for key := range strings.SplitSeq(request.Data.FieldKeys, ",") {
					if !slices.Contains(known, key) {
						write(w, unknownFieldReply)
						return
					}
				}
				write(w, `[]`)
			})
			unknown, err := newClient(t, vectorConfig(server.URL)).UnknownFields(t.Context(), "SAL_RETURNSTOCK", "FID", c.keys)
			require.NoError(t, err)
			require.Equal(t, c.unknown, unknown)
			require.Equal(t, c.calls, calls)
		})
	}
}

// A failure with another cause says nothing about the fields.
func TestUnknownFieldsFailures(t *testing.T) {
	t.Run("Kingdee is down", func(t *testing.T) {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request, _ string) { w.WriteHeader(http.StatusBadGateway) })
		_, err := newClient(t, vectorConfig(server.URL)).UnknownFields(t.Context(), "SAL_RETURNSTOCK", "FID", []string{"F_ABCD_Text"})
		require.Equal(t, fault.Retry, fault.As(err).Class)
	})
	t.Run("refused together and not alone", func(t *testing.T) {
		server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
			if strings.Contains(body, `"A,B"`) {
				write(w, unknownFieldReply)
				return
			}
			write(w, `[]`)
		})
		_, err := newClient(t, vectorConfig(server.URL)).UnknownFields(t.Context(), "SAL_RETURNSTOCK", "FID", []string{"A", "B"})
		requireFault(t, err, fault.Final, badQuery.reason)
	})
}

// Kingdee's log names the program and its version.
func TestUserAgent(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request, _ string) {
		assert.Equal(t, version.UserAgent(), r.Header.Get("User-Agent"))
		write(w, `[]`)
	})
	require.NoError(t, newClient(t, vectorConfig(server.URL)).Check(t.Context(), "SAL_RETURNSTOCK"))
}

func TestUnreadableFields(t *testing.T) {
	for _, c := range []struct {
		name, marked, any string
		id                string
		unreadable        []string
	}{
		{"all are read", `[[7,"70001","note",2]]`, "", "7", nil},
		{"without right, and masked", `[["7",null,null,"***"]]`, "", "7", []string{"FBillNo", "FHeadNote", "FRealQty"}},
		{"no bill of ours", `[]`, `[[8,null,null,2]]`, "8", []string{"FBillNo"}},
		{"no bill", `[]`, `[]`, "", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
				if strings.Contains(body, " like '%]'") {
					write(w, c.marked)
					return
				}
				write(w, c.any)
			})
			id, unreadable, err := newClient(t, vectorConfig(server.URL)).UnreadableFields(t.Context(), returns, "%]", []string{"FBillNo", "FHeadNote", "FRealQty"})
			require.NoError(t, err)
			require.Equal(t, c.id, id)
			require.Equal(t, c.unreadable, unreadable)
		})
	}
	_, _, err := newClient(t, vectorConfig(always(t, `[[7]]`).URL)).UnreadableFields(t.Context(), returns, "%]", []string{"FBillNo"})
	requireFault(t, err, fault.Retry, "malformed_reply")
}
