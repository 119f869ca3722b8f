package reconcile

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
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

func TestRemark(t *testing.T) {
	end := time.Date(2024, 3, 1, 23, 59, 59, 0, beijing.Zone)
	for _, c := range []struct {
		name string
		row  Row
		want string
	}{
		{"changed after the range", Row{Kind: Missing, At: end.Add(time.Second).UTC()}, "changed only after the range, at 2024-03-02 00:00:00"},
		{"changed at its end", Row{Kind: Missing, At: end}, ""},
		{"unknown", Row{Kind: Missing}, ""},
		{"not missing", Row{Kind: Different, At: end.Add(time.Hour)}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			report := Report{To: end}
			require.Equal(t, c.want, report.Remark(c.row).String())
			require.Equal(t, c.want != "", report.ChangedLater(c.row))
		})
	}
}
