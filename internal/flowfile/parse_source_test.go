package flowfile

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEveryDocumentedParameterMayStandInAFlow(t *testing.T) {
	for name, value := range map[string]string{
		"status": "Cancelled", "good_status": "BUYER_RETURNED_GOODS", "type": "拒收退货", "date_type": "0",
		"shop_id": "10001", "is_offline_shop": "true", "wms_co_id": "20001", "owner_co_id": "7",
		"as_ids": "1,2", "so_ids": "A,B", "o_ids": "3", "archive": "true",
		"order_types": "普通订单,天猫供销", "is_get_promotion": "false",
	} {
		t.Run(name, func(t *testing.T) {
			const fixed = "    status: Confirmed\n"
			require.Contains(t, base(t), fixed)
			p := parseText(strings.Replace(base(t), fixed, "    "+name+`: "`+value+"\"\n", 1), warehousesCSV)
			require.Empty(t, p.problems)
			require.Equal(t, value, p.flow.Source.Parameters[name])
		})
	}
}
