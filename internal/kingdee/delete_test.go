package kingdee

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

func TestDelete(t *testing.T) {
	for name, test := range map[string]struct {
		reply  string
		class  fault.Class
		reason string
	}{
		"deleted":                   {status(`"IsSuccess":true,"SuccessEntitys":[{"Id":100040,"Number":"RT100","DIndex":0}]`), "", ""},
		"audited meanwhile":         {status(`"MsgCode":11,"Errors":[{"Message":"单据编号为“RT100”的销售退货单，单据已经审核！","DIndex":0}]`), fault.Final, "validation_failed"},
		"a reply that says nothing": {status(`"IsSuccess":true`), fault.Retry, "unclear"},
	} {
		t.Run(name, func(t *testing.T) {
			server := serve(t, func(w http.ResponseWriter, r *http.Request, body string) {
				assert.Equal(t, "Delete", methodOf(r))
				assert.Equal(t, golden(t, "delete.json"), body)
				write(w, test.reply)
			})
			err := newClient(t, vectorConfig(server.URL)).Delete(t.Context(), returns, Bill{ID: "100040", Number: "RT100"})
			if test.reason == "" {
				require.NoError(t, err)
				return
			}
			require.Equal(t, "Delete", requireFault(t, err, test.class, test.reason).Call)
		})
	}
}
