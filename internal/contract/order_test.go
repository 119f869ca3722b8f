package contract

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
)

func TestOrderCovers(t *testing.T) {
	at := time.Date(2024, 3, 1, 8, 0, 0, 0, beijing.Zone)
	version := func(changedAt time.Time, hash, fields string) Order {
		return Order{ID: "1", ChangedAt: changedAt, BillHash: hash, Fields: json.RawMessage(fields)}
	}
	of := version(at, "a", "1")
	other := version(at, "a", "1")
	other.ID = "2"
	for _, c := range []struct {
		name      string
		of, other Order
		covers    bool
	}{
		{"the same", of, of, true},
		{"by an edited flow", of, version(at, "b", "2"), true},
		{"mapped by now", version(at, "", "1"), version(at.UTC(), "b", "1"), true},
		{"an earlier one", of, version(at.Add(-time.Second), "b", "2"), true},
		{"a later one with the same bill", of, version(at.Add(time.Second), "a", "2"), true},
		{"a later one with another bill", of, version(at.Add(time.Second), "b", "2"), false},
		{"a later one that can't be mapped, of the same content", version(at, "", "1"), version(at.Add(time.Second), "", "1"), true},
		{"a later one that can be mapped now", version(at, "", "1"), version(at.Add(time.Second), "b", "1"), false},
		{"of unknown time, the same bill", version(time.Time{}, "a", "1"), of, true},
		{"of unknown time, another bill", version(time.Time{}, "b", "1"), of, false},
		{"by one of unknown time, another bill", of, version(time.Time{}, "b", "1"), false},
		{"another order", of, other, false},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.covers, c.of.Covers(c.other)) })
	}
}
