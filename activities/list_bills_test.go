package activities

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/reconcile"
	"refundsync/workflows"
)

// shortPages is a ledger of ten bills that gives at most three a page.
type shortPages struct{ *fakeLedger }

var above = regexp.MustCompile(`FID>(\d+)`)

func (shortPages) ExecuteBillQuery(_ context.Context, query kingdee.BillQuery) (rows [][]any, err error) {
	after, err := strconv.Atoi(above.FindStringSubmatch(query.FilterString)[1])
	for id := after + 1; id <= min(10, after+3); id++ {
		rows = append(rows, []any{json.Number(fmt.Sprint(id))})
	}
	return rows, err
}

// Bills beyond a short page are not taken for not there.
func TestListBillsOfAServerWithShortPages(t *testing.T) {
	a := &Activities{Flows: flow.Flows{testFlow: loadFlow(t)}, Ledger: shortPages{newFakeLedger()}}
	value, err := environment(a).ExecuteActivity(workflows.ListBillsName, workflows.ListBillsParams{Comparison: workflows.Comparison{Flow: testFlow}})
	require.NoError(t, err)
	var result workflows.ListBillsResult
	require.NoError(t, value.Get(&result))
	require.True(t, result.Complete)
	ids, err := reconcile.UnpackIDs(result.Bills)
	require.NoError(t, err)
	require.Equal(t, []int64{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}, ids)
}
