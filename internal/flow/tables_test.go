package flow

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTablesTranslateCodes(t *testing.T) {
	rows := map[string]string{"a": "A", "": "NONE"}
	for _, test := range []struct {
		name  string
		table Table
		code  string
		want  string
	}{
		{"a row", Table{Rows: rows}, "a", "A"},
		{"a row for what is absent", Table{Rows: rows, Default: "X"}, "", "NONE"},
		{"default", Table{Default: "X"}, "b", "X"},
		{"default for what is absent", Table{Default: "X"}, "", "X"},
		{"pass", Table{Pass: true}, "b", "b"},
		{"pass for what is absent", Table{Pass: true}, "", ""},
		{"none for what is absent", Table{}, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := test.table.translate(test.code, false)
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
	_, err := (&Table{Name: "t", Rows: rows}).translate("b", false)
	assert.EqualError(t, err, "table t has no code “b” and no default")
}

func TestCodesAreComparedAsTheyAreSeen(t *testing.T) {
	for _, test := range []struct{ one, other string }{
		{"Ａ店１", "A店1"}, {"A店\u200b", "A店"}, {"\ufeffA\u2060店", "A店"}, {" A店\u3000", "A店"}, {"A\u00a0店", "A 店"}, {"A（店）", "A(店)"}, {"e\u0301", "é"}, {"A\t店", "A店"},
	} {
		assert.Equal(t, PlainCode(test.one), PlainCode(test.other), "%q", test.one)
	}
	assert.NotEqual(t, PlainCode("A 店"), PlainCode("A店"))
	assert.NotEqual(t, PlainCode("a店"), PlainCode("A店"))
	// A code that is passed on keeps its width: Kingdee may tell them apart.
	passed, err := (&Table{Pass: true}).translate(" Ａ\u200b1 ", false)
	require.NoError(t, err)
	assert.Equal(t, "Ａ1", passed)
}
