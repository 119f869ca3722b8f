package reconcile

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryKindIsExplained(t *testing.T) {
	labels := map[string]bool{}
	for _, kind := range Kinds {
		require.False(t, kind.Label().IsZero(), kind)
		require.False(t, labels[kind.Label().String()], "two kinds are called %s", kind.Label())
		labels[kind.Label().String()] = true
		require.False(t, kind.Meaning().IsZero(), kind)
		require.False(t, kind.Differs() && kind.Advice().IsZero(), "%s says what to do", kind)
	}
	require.Len(t, textsOfKinds, len(Kinds))
	require.Equal(t, "a_newer_kind", Kind("a_newer_kind").Label().String())
}

func TestFieldsAreNamed(t *testing.T) {
	for _, c := range []struct {
		field, label  string
		number, money bool
	}{
		{FieldQuantity, "quantity", true, false},
		{FieldPrice, "price with tax", true, true},
		{FieldAmount, "amount with tax", true, true},
		{FieldTotal, "the bill's total with tax", true, true},
		{FieldCustomer, "customer", false, false},
		{"F_ABCD_Own", "F_ABCD_Own", false, false},
	} {
		require.Equal(t, c.label, FieldLabel(c.field).String())
		require.Equal(t, c.number, IsNumber(c.field), c.field)
		require.Equal(t, c.money, IsMoney(c.field), c.field)
	}
	require.Equal(t, "audited (已审核)", StatusLabel("C").String())
	require.Equal(t, "", StatusLabel("").String())
}

func TestVerdict(t *testing.T) {
	require.Equal(t, "Both systems agree.", Report{}.Verdict().String())
	require.Equal(t, "The two systems differ: 2 differences, 1 bills not audited.", Report{Sums: Sums{Differences: 2, NotAudited: 1}}.Verdict().String())
}
