package spelling

import (
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/text"
)

func TestClosest(t *testing.T) {
	known := []string{"field", "all", "FStockId", "shop_id"}
	for _, test := range []struct{ name, misspelt, want string }{
		{"letters in another order", "feild", "field"},
		{"another case", "FSTOCKID", "FStockId"},
		{"full-width letters", "ｓｈｏｐ＿id", "shop_id"},
		{"a short name with two wrong letters", "abs", ""},
		{"one letter", "a", ""},
		{"nothing alike", "warehouse", ""},
		{"nothing", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) { require.Equal(t, test.want, Closest(test.misspelt, known)) })
	}
}

func TestSuggest(t *testing.T) {
	said := text.New("There is no field %s.", "feild")
	require.Equal(t, "There is no field feild. Did you mean field?", Suggest(said, "field").String())
	require.Equal(t, "There is no field feild.", Suggest(said, "").String())
}
