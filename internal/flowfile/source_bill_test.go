package flowfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
)

const beforeSourceBill = "  fields:\n    FBillNo: { field: as_id }\n"

// withSourceBill is testdata/base.yaml with these keys of source_bill.
func withSourceBill(t *testing.T, keys string) *parser {
	t.Helper()
	require.Contains(t, base(t), beforeSourceBill)
	return parseText(strings.Replace(base(t), beforeSourceBill, "  source_bill:\n"+keys+beforeSourceBill, 1), warehousesCSV)
}

func TestSourceBill(t *testing.T) {
	link := catalog.All()["SAL_RETURNSTOCK"].Form.Link
	p := withSourceBill(t, "    FormId: SAL_OUTSTOCK\n    where: { FThirdBillNo: { field: outer_as_id } }\n")
	require.Empty(t, p.allProblems())
	source := p.flow.SourceBill
	assert.Equal(t, "SAL_OUTSTOCK", source.FormID)
	assert.Equal(t, "FThirdBillNo", source.Field)
	assert.Equal(t, "OutStock-SalReturnStock", source.Rule, "the default")
	assert.False(t, source.Required)
	assert.Same(t, link, source.Link)
	assert.Same(t, link.Sources["SAL_OUTSTOCK"], source.Source)

	p = withSourceBill(t, "    FormId: SAL_OUTSTOCK\n    where: { FBillNo: { expression: '\"CK\" + so_id' } }\n    rule: own-rule\n    required: true\n")
	require.Empty(t, p.allProblems(), "FBillNo is that of the source bill")
	source = p.flow.SourceBill
	assert.Equal(t, "own-rule", source.Rule)
	assert.True(t, source.Required)
	without := parseText(base(t), warehousesCSV).flow
	assert.NotEqual(t, without.PickVersion, p.flow.PickVersion, "orders are picked with so_id")
	assert.Nil(t, without.SourceBill)
}

func TestMistakesInSourceBill(t *testing.T) {
	const form, where = "    FormId: SAL_OUTSTOCK\n", "    where: { FThirdBillNo: { field: so_id } }\n"
	for _, c := range []struct{ name, keys, what string }{
		{"no form", where, "source_bill lacks the key FormId"},
		{"another form", "    FormId: SAL_OUTSTOK\n" + where, "FormId can't be SAL_OUTSTOK. Did you mean SAL_OUTSTOCK?"},
		{"no where", form, "source_bill lacks the key where"},
		{"no field", form + "    where: {}\n", "where takes one field of SAL_OUTSTOCK"},
		{"two fields", form + "    where: { FThirdBillNo: { field: so_id }, FBillNo: { field: so_id } }\n", "found 2"},
		{"no key of Kingdee's", form + "    where: { third: { field: so_id } }\n", "where takes the key of a field in Kingdee"},
		{"no value", form + "    where: { FThirdBillNo: {} }\n", "FThirdBillNo needs one value: field or expression"},
		{"two values", form + "    where: { FThirdBillNo: { field: so_id, expression: so_id } }\n", "FThirdBillNo needs one value: field or expression"},
		{"a constant", form + "    where: { FThirdBillNo: { constant: x } }\n", "FThirdBillNo has no key constant"},
		{"an unknown field", form + "    where: { FThirdBillNo: { field: so_ids } }\n", "so_ids"},
		{"a field of a line", form + "    where: { FThirdBillNo: { field: item.sku_id } }\n", "item"},
		{"a number", form + "    where: { FThirdBillNo: { expression: len(items) } }\n", "FThirdBillNo should be text"},
		{"a field for an expression", form + "    where: { FThirdBillNo: { field: 'upper(so_id)' } }\n", "field takes the name of a field"},
		{"an empty rule", form + where + "    rule: ' '\n", "rule is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			problems := withSourceBill(t, c.keys).allProblems()
			require.NotEmpty(t, problems)
			assert.Contains(t, problems.Error(), c.what)
		})
	}
	t.Run("the link is mapped too", func(t *testing.T) {
		p := parseText(strings.Replace(strings.Replace(base(t), beforeSourceBill, "  source_bill:\n"+form+where+beforeSourceBill, 1),
			"      FMaterialId:", "      FSrcBillNo: { field: so_id }\n      FMaterialId:", 1), warehousesCSV)
		assert.Contains(t, p.allProblems().Error(), "source_bill fills in FSrcBillNo（源单编号）; take it out of fields")
	})
}
