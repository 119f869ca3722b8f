package main

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/flowfile"
	"refundsync/workflows"
)

// A range names an order of each outcome, to be previewed by itself.
func TestARangeNamesAnOrderOfEachOutcome(t *testing.T) {
	f, err := flowfile.Load(filepath.Join("..", "flows", "library", "freight_to_other_receivable.yaml"))
	require.NoError(t, err)
	p := newRangePreview(workflows.Window{}, nil, "")
	for _, o := range []struct{ id, status, shop, freight string }{
		{"1", "Confirmed", "天猫旗舰店", "8"},
		{"2", "Archive", "天猫旗舰店", "7"},
		{"3", "Delete", "天猫旗舰店", "8"},
		{"4", "Confirmed", "new", "8"},
		{"5", "Confirmed", "new", "8"},
	} {
		require.NoError(t, p.take(f, map[string]any{
			"io_id": o.id, "status": o.status, "shop_name": o.shop, "freight": o.freight, "io_date": "2024-03-02 10:00:00", "items": []any{},
		}))
	}
	require.Equal(t, 2, p.Booked)
	require.Equal(t, "15", p.Amount.String())
	require.Equal(t, "1", p.Example)
	require.Equal(t, map[string]string{"已取消或作废 (cancelled)": "3", "unknown_code customers new": "4"}, p.Examples)
	var out bytes.Buffer
	p.print(&out)
	require.Regexp(t, `would be booked +│ +2 │ +15\.00 │ 1 `, out.String())
}
