package flow_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
)

func TestValuesThatAreKnownWithoutAnOrder(t *testing.T) {
	sent := func(f *flow.Flow, name string) flow.SentField {
		for _, field := range f.SentFields() {
			if field.Name == name {
				return field
			}
		}
		require.Fail(t, "the flow does not send "+name)
		return flow.SentField{}
	}
	const status = `FStockstatusId: { expression: 'coalesce(item.defective_qty, 0) > 0 ? "KCZT08_SYS" : "KCZT01_SYS"' }`
	byExpression := func(expression string) flow.SentField {
		return sent(builtInWith(t, status, "FStockstatusId: { expression: '"+expression+"' }"), "FStockstatusId")
	}
	builtIn := builtIn(t)
	for name, test := range map[string]struct {
		field flow.SentField
		want  []string
		open  bool
	}{
		"a constant":                        {sent(builtIn, "FBillTypeID"), []string{"XSTHD01_SYS"}, false},
		"a number":                          {sent(builtIn, "FEntryTaxRate"), nil, false},
		"a table":                           {sent(builtIn, "FStockId"), []string{"CK001", "CK002", "CK003", "CK009"}, false},
		"a table with a default":            {sent(builtIn, "FUnitID"), []string{"Pcs", "kg"}, false},
		"a table that passes others on":     {sent(builtIn, "FMaterialId"), []string{"9901", "9902"}, true},
		"a table that was never read":       {sent(withKingdeeTable(t), "FRetcustId"), nil, true},
		"a field of the order":              {sent(builtIn, "FThirdBillNo"), nil, true},
		"a choice of texts":                 {sent(builtIn, "FStockstatusId"), []string{"KCZT01_SYS", "KCZT08_SYS"}, false},
		"nested choices, one of no value":   {byExpression(`type == "a" ? "A" : status == "" ? "" : "B"`), []string{"A", "B"}, false},
		"a choice of a text and of another": {byExpression(`type == "a" ? "A" : type`), []string{"A"}, true},
		"a text that is part of another":    {byExpression(`"A" + type`), nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, test.field.Values)
			assert.Equal(t, test.open, test.field.Open)
		})
	}
}
