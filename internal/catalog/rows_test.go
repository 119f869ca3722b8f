package catalog

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestRows(t *testing.T) {
	for _, c := range []struct {
		name, raw, want string
		ok              bool
	}{
		{"a list", `[{"id":1},{"id":2}]`, `[{"id":1},{"id":2}]`, true},
		{"a list of nothing", `[]`, `[]`, true},
		{"a list of anything", `[null,"x"]`, `[null,"x"]`, true},
		{"one record", `{"id":1,"a":[]}`, `[{"id":1,"a":[]}]`, true},
		{"one record of its key alone", `{"id":[1]}`, `[{"id":[1]}]`, true},
		{"wrapped", `{"data":[{"id":1},{"id":2}]}`, `[{"id":1},{"id":2}]`, true},
		{"wrapped in a list", `[[{"id":1},{"id":2}]]`, `[{"id":1},{"id":2}]`, true},
		{"one record, wrapped", `{"data":{"id":1}}`, `[{"id":1}]`, true},
		{"nothing, wrapped", `{"data":[]}`, `[]`, true},
		{"null", `null`, `null`, true},
		{"empty text", `""`, `null`, true},
		{"empty object", `{}`, `null`, true},
		{"text", `"[]"`, ``, false},
		{"a number", `0`, ``, false},
		{"an object that is no record", `{"a":1,"b":2}`, ``, false},
		{"an object that wraps no list", `{"data":"x"}`, ``, false},
		{"wrapped twice", `{"data":{"data":[]}}`, ``, false},
		{"two lists", `{"a":[],"b":[]}`, ``, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var raw any
			require.NoError(t, json.Unmarshal([]byte(c.raw), &raw))
			rows, ok := Rows(raw, "id")
			require.Equal(t, c.ok, ok)
			if ok {
				got, err := json.Marshal(rows)
				require.NoError(t, err)
				require.JSONEq(t, c.want, string(got))
			}
		})
	}
}
