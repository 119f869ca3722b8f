package preview

import (
	"testing"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/tally"
)

// linking is the built-in flow, which requires a link to an outbound bill with the order's
// so_id.
func linking(t *testing.T) *flow.Flow {
	f := loadFlow(t)
	link := catalog.All()["SAL_RETURNSTOCK"].Form.Link
	value, mistakes := flow.Compile(f.Source.Interface, "so_id", flow.OrderScope)
	require.Empty(t, mistakes)
	f.SourceBill = &flow.SourceBill{
		FormID: "SAL_OUTSTOCK", Source: link.Sources["SAL_OUTSTOCK"], Link: link, Field: "FThirdBillNo", Rule: "OutStock-SalReturnStock", Required: true,
		Value: &flow.Mapping{Target: catalog.Field{Name: "FThirdBillNo", Type: catalog.Text}, Value: value},
	}
	return f
}

func TestLinksAreShown(t *testing.T) {
	f, order := linking(t), record(map[string]any{"so_id": "SO1"}, line("A", 2, 10))
	one := decimal.NewFromInt(1)
	sources := func(more ...kingdee.SourceLine) *books {
		all := append([]kingdee.SourceLine{{BillID: "7", BillNumber: "XSCK7", ID: "71", Item: "A", Unit: "Pcs", Quantity: one, Base: one}}, more...)
		return &books{sources: map[string][]kingdee.SourceLine{"SO1": all}}
	}
	o := look(t, f, sources(kingdee.SourceLine{BillID: "8", BillNumber: "XSCK8", ID: "81", Item: "A", Unit: "Pcs", Quantity: one, Base: one}), order)
	require.Equal(t, "saved", o.Outcome)
	require.Len(t, o.Links, 2)
	require.Equal(t, flow.LinkedLine{Item: "A", Quantity: o.Links[0].Quantity, SourceBill: "XSCK7", SourceLine: "71"}, o.Links[0])
	require.Equal(t, "XSCK8", o.Links[1].SourceBill)
	require.Contains(t, string(o.Request), `"FEntity_Link_FSId":"81"`)

	o = look(t, f, sources(), order)
	require.Equal(t, string(tally.Parked), o.Outcome)
	require.Equal(t, tally.SourceBillMissing, o.Reason)
	require.Empty(t, o.Links)

	o = look(t, f, nil, order)
	require.Equal(t, "saved", o.Outcome, "Kingdee was not asked, so what it holds is unknown")
	require.Empty(t, o.Links)
}
