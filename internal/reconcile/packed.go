package reconcile

import (
	"encoding/json"
	"fmt"
	"slices"

	"refundsync/internal/packed"
)

// PackRows compresses rows for Temporal's payloads; nil for none.
func PackRows(rows []Row) []byte {
	if len(rows) == 0 {
		return nil
	}
	// Rows can always be marshalled.
	raw, _ := json.Marshal(rows)
	return packed.Pack(raw)
}

// UnpackRows reverses PackRows.
func UnpackRows(compressed []byte) (rows []Row, err error) {
	err = unpack(compressed, &rows)
	return rows, err
}

// PackIDs compresses ids of bills, in order; nil for none.
func PackIDs(ids []int64) []byte {
	if len(ids) == 0 {
		return nil
	}
	// Most ids follow each other, so their differences take a few bits each.
	steps, last := make([]int64, len(ids)), int64(0)
	for i, id := range slices.Sorted(slices.Values(ids)) {
		steps[i], last = id-last, id
	}
	raw, _ := json.Marshal(steps)
	return packed.Pack(raw)
}

// UnpackIDs reverses PackIDs.
func UnpackIDs(compressed []byte) (ids []int64, err error) {
	err = unpack(compressed, &ids)
	for i := 1; i < len(ids); i++ {
		ids[i] += ids[i-1]
	}
	return ids, err
}

func unpack(compressed []byte, into any) error {
	if compressed == nil {
		return nil
	}
	raw, err := packed.Unpack(compressed)
	if err == nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		return fmt.Errorf("a packed list of a reconciliation: %w", err)
	}
	return nil
}
