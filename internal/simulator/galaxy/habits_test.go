package galaxy

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// saved returns a bill as stored when it is sent with a number and a note.
func (f *fixture) saved(number, note string) []any {
	f.t.Helper()
	status := f.form("BatchSave", `{"Model":[{"FBillNo":"`+number+`","FHeadNote":"`+note+`","FSaleOrgId":{"FNumber":"100"},"FStockOrgId":{"FNumber":"100"},"FRetcustId":{"FNumber":"C1"},
		"FEntity":[{"FMaterialId":{"FNumber":"M1"},"FRealQty":1,"FTaxPrice":1.4,"FStockId":{"FNumber":"CK1"}}]}]}`)
	require.Empty(f.t, status.Errors)
	b := f.tenant.State(true).Bills[0]
	require.Equal(f.t, b.Number, status.SuccessEntitys[0].Number, "the reply tells the number that the bill has")
	return []any{b.Number, b.Fields["FHeadNote"], b.Entries[0].Fields["FTaxPrice"]}
}

func TestHabits(t *testing.T) {
	for _, c := range []struct {
		name   string
		habits Habits
		saved  []any
	}{
		{"none", Habits{}, []any{"th70001", "x [7@1#2.3]", "1.4"}},
		{"a coding rule", Habits{Renumber: true}, []any{"XSTHD000001", "x [7@1#2.3]", "1.4"}},
		{"capitals", Habits{UpperCaseNumbers: true}, []any{"TH70001", "x [7@1#2.3]", "1.4"}},
		{"short numbers", Habits{NumberLength: 5}, []any{"th700", "x [7@1#2.3]", "1.4"}},
		{"clean notes", Habits{CleanNotes: true}, []any{"th70001", "x 7123", "1.4"}},
		{"whole prices", Habits{RoundPrices: true}, []any{"th70001", "x [7@1#2.3]", "1"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := start(t, func(o *Options) { o.Habits = c.habits })
			require.Equal(t, c.saved, f.saved("th70001", "x [7@1#2.3]"))
		})
	}
}

func TestHabitsOfLookUps(t *testing.T) {
	f := start(t, nil)
	f.saved("R1", "x")
	query := func() string {
		return strings.TrimSpace(f.post(formPath+"ExecuteBillQuery.common.kdsvc", `{"data":{"FormId":"SAL_RETURNSTOCK","FieldKeys":"FID,FBillNo,FCancelStatus","FilterString":"FBillNo in ('R1')"}}`))
	}
	require.Equal(t, `[[100001,"R1","A"]]`, query())
	f.tenant.SetHabits(Habits{NoRight: []string{"FBillNo"}})
	require.Equal(t, `[[100001,null,"A"]]`, query())
	f.tenant.SetHabits(Habits{HideBills: true})
	require.Equal(t, `[]`, query())
	f.tenant.SetHabits(Habits{})
	require.NoError(t, f.tenant.VoidBills("R1"))
	require.Error(t, f.tenant.VoidBills("R2"))
	require.Equal(t, `[[100001,"R1","B"]]`, query())
}

func TestReadHabits(t *testing.T) {
	h, err := ReadHabits(strings.NewReader(`{"renumber":true,"no_right":["FBillNo"]}`))
	require.NoError(t, err)
	require.Equal(t, Habits{Renumber: true, NoRight: []string{"FBillNo"}}, h)
	_, err = ReadHabits(strings.NewReader(`{"renumbered":true}`))
	require.Error(t, err)
}
