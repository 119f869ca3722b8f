package contract

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/beijing"
)

// Law: marshalling and unmarshalling preserve an order, however long its fields are.
func TestOrderTravelsUnchanged(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fields, err := json.Marshal(map[string]string{
			"remark": strings.Repeat(rapid.String().Draw(t, "remark"), rapid.IntRange(0, 3000).Draw(t, "times")),
		})
		require.NoError(t, err)
		order := Order{
			ID: rapid.String().Draw(t, "id"), BillNumber: rapid.String().Draw(t, "number"), Shop: rapid.String().Draw(t, "shop"),
			ChangedAt: time.Date(2024, 3, 1, 8, 0, rapid.IntRange(0, 59).Draw(t, "second"), 0, beijing.Zone),
			Fields:    fields,
		}
		raw, err := json.Marshal(order)
		require.NoError(t, err)
		again, err := json.Marshal(order)
		require.NoError(t, err)
		require.Equal(t, raw, again)
		var back Order
		require.NoError(t, json.Unmarshal(raw, &back))
		require.True(t, order.Same(back))
		require.True(t, order.ChangedAt.Equal(back.ChangedAt))
		back.ChangedAt = order.ChangedAt
		require.Equal(t, order, back)
	})
}

func TestOrderWithLongFieldsTravelsCompressed(t *testing.T) {
	for _, c := range []struct {
		name  string
		order Order
		want  string
	}{
		{"short fields can be read", Order{ID: "1", Fields: json.RawMessage(`{"qty":1}`)}, `{"id":"1","fields":{"qty":1}}`},
		{"no fields", Order{ID: "1"}, `{"id":"1","fields":null}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, err := json.Marshal(c.order)
			require.NoError(t, err)
			require.JSONEq(t, c.want, string(raw))
		})
	}
	long := Order{ID: "1", Fields: json.RawMessage(`{"remark":"` + strings.Repeat("x", 1<<20) + `"}`)}
	raw, err := json.Marshal(long)
	require.NoError(t, err)
	require.Less(t, len(raw), 4<<10)
	require.NotContains(t, string(raw), `"fields":`)
}

func TestOrderThatNobodyWroteIsRefused(t *testing.T) {
	for name, fields := range map[string]string{
		"no base64": `"%%%"`,
		"no gzip":   `"aGVsbG8="`,
		"nothing":   `""`,
	} {
		t.Run(name, func(t *testing.T) {
			var order Order
			require.Error(t, json.Unmarshal([]byte(`{"id":"1","fields_gzip":`+fields+`}`), &order))
		})
	}
}
