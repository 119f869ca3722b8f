package kingdee

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
	"refundsync/internal/fault"
)

func TestSignatures(t *testing.T) {
	at := func(hour, second, nanosecond int) time.Time {
		return time.Date(2024, 3, 2, hour, 0, second, nanosecond, beijing.Zone)
	}
	for _, c := range []struct {
		name, rows string
		want       Signatures
	}{
		{"audited", `[[100040,"demo","2024-03-02T10:00:01.5","demo","2024-03-02T11:00:00","李会计","2024-03-02T12:00:00","",null]]`,
			Signatures{Created: Signature{"demo", at(10, 1, 5e8)}, Modified: Signature{"demo", at(11, 0, 0)}, Audited: Signature{"李会计", at(12, 0, 0)}}},
		{"void", `[[100040,null,null,"***","***","","x","王","2024-03-02T10:00:00"]]`,
			Signatures{Voided: Signature{"王", at(10, 0, 0)}}},
		{"gone", `[]`, Signatures{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
				assert.Equal(t, golden(t, "signatures.json"), body)
				write(w, c.rows)
			})
			signed, err := newClient(t, vectorConfig(server.URL)).Signatures(t.Context(), "SAL_RETURNSTOCK", "100040")
			require.NoError(t, err)
			require.Equal(t, c.want, signed)
		})
	}
	t.Run("a form without such a field", func(t *testing.T) {
		_, err := newClient(t, vectorConfig(always(t, unknownFieldReply).URL)).Signatures(t.Context(), "SAL_RETURNSTOCK", "100040")
		require.Equal(t, fault.Final, fault.As(err).Class)
	})
}

func TestBillsWith(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		assert.Equal(t, golden(t, "bills_with.json"), body)
		write(w, `[[2,"70002","A","A","2024-03-02T00:00:00","note"]]`)
	})
	found, err := newClient(t, vectorConfig(server.URL)).BillsWith(t.Context(), returns, "FThirdBillNo", "T'1", 5)
	require.NoError(t, err)
	require.Equal(t, []Bill{{ID: "2", Number: "70002", DocumentStatus: "A", Date: "2024-03-02", Text: "note"}}, found)
}
