package e2e

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/simulator"
	"refundsync/internal/simulator/galaxy"
)

// Fields that the merchant added to Kingdee's form are saved like any other, and check
// reports those that Kingdee does not have.
func TestTheMerchantsOwnFieldsAreSavedAndChecked(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 40})
	const fields, material = "  fields:\n    FBillTypeID:", "      FMaterialId:"
	declared := `  own_fields:
    head:
      F_DEMO_OnlineOrder: { type: text }
      F_DEMO_Shop: { type: base_data }
      F_DEMO_Lines: { type: integer }
    FEntity:
      F_DEMO_Wanted: { type: decimal }
`
	mapped := `  fields:
    F_DEMO_OnlineOrder: { field: so_id }
    F_DEMO_Shop: { field: shop_name, table: customers }
    F_DEMO_Lines: { expression: len(lines) }
    FBillTypeID:`
	w.env["REFUNDSYNC_FLOWS"] = changedFlows(t, fields, declared+mapped, material, "      F_DEMO_Wanted: { field: item.qty }\n"+material)
	w.startWorker(t)
	requireTruth(t, w, w.sync(t))
	state := w.State().Kingdee
	require.NotEmpty(t, state.Bills)
	require.Empty(t, state.UnknownFields)
	for _, bill := range state.Bills {
		require.NotEmpty(t, bill.Fields["F_DEMO_OnlineOrder"])
		require.Equal(t, bill.Fields["FRetcustId"], bill.Fields["F_DEMO_Shop"])
		require.NotEmpty(t, bill.Entries[0].Fields["F_DEMO_Wanted"])
		require.Equal(t, strconv.Itoa(len(bill.Entries)), bill.Fields["F_DEMO_Lines"])
	}

	e := w.starter(t, 0, "check")
	require.Contains(t, e.stdout, "✓ Kingdee form ("+builtInFlow+")")

	misspelt := changedFlows(t, fields, `  own_fields:
    head:
      F_DEMO_OnlineOrdre: { type: text }
      F_DEMO_OnlineOrder: { type: base_data }
  fields:
    F_DEMO_OnlineOrdre: { field: so_id }
    F_DEMO_OnlineOrder: { field: so_id }
    FBillTypeID:`)
	e = w.with("REFUNDSYNC_FLOWS", misspelt).starter(t, 1, "check")
	require.Contains(t, e.stdout, "✗ Kingdee form")
	require.Contains(t, e.stdout, "has no field F_DEMO_OnlineOrdre, ")
	require.Contains(t, e.stdout, "! Kingdee form ("+builtInFlow+"): F_DEMO_OnlineOrder")

	// Without the right to the metadata, a query reveals the merchant's own fields.
	w.SetHabits(galaxy.Habits{NoFormRight: true})
	e = w.with("REFUNDSYNC_FLOWS", misspelt).starter(t, 1, "check")
	require.Contains(t, e.stdout, "! Kingdee form")
	require.Contains(t, e.stdout, "has no field F_DEMO_OnlineOrdre, F_DEMO_OnlineOrder.FNumber,")
	e = w.starter(t, 0, "check")
	require.Contains(t, e.stdout, "✓ Kingdee own fields")
}

// The tenant's own form is authoritative: check reports how a flow differs from it, and
// so does the log of a worker, which starts nevertheless.
func TestTheFormOfTheTenantDecides(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 20})
	yes := true
	w.SetHabits(galaxy.Habits{Form: map[string]galaxy.FieldHabit{
		"F_DEMO_Department": {Part: "FBillHead", Required: &yes},
		"FOwnerTypeId":      {Values: []string{"BD_Supplier"}},
		"FNote":             {Gone: true},
	}})
	worker := w.startWorker(t)
	worker.waitFor(t, `"form checked"`)
	e := w.starter(t, 1, "check")
	for _, output := range []string{worker.output(), e.stdout} {
		require.Contains(t, output, "F_DEMO_Department")
		require.Contains(t, output, "BD_OwnerOrg")
		require.Contains(t, output, "FNote")
	}
	require.Contains(t, e.stdout, "✗ Kingdee form")
	require.Contains(t, e.stdout, "! Kingdee form")
	requireTruth(t, w, w.sync(t))
}
