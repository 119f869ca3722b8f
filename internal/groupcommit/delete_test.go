package groupcommit

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/kingdee"
)

// Delete is that of a tenant.
func (c *ledgerClient) Delete(ctx context.Context, form kingdee.BillForm, bill kingdee.Bill) error {
	if err := c.call(ctx, "delete "+form.ID, []string{bill.Number}); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.bills, bill.Number)
	return nil
}

// A bill is looked up in the call's own place, and deleted if it is unchanged. Its number
// is then free for a caller that looks it up.
func TestGroupsDeleteWhatIsAsItWas(t *testing.T) {
	bill := kingdee.Bill{ID: "of this worker", Number: "1", DocumentStatus: "A"}
	for name, test := range map[string]struct {
		now     kingdee.Bill
		deletes bool
	}{
		"as it was":          {bill, true},
		"submitted since":    {kingdee.Bill{ID: "of this worker", Number: "1", DocumentStatus: "B"}, false},
		"saved over since":   {kingdee.Bill{ID: "of this worker", Number: "1", DocumentStatus: "A", Text: "[mark]"}, false},
		"another by that no": {kingdee.Bill{ID: "another", Number: "1", DocumentStatus: "A"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newLedgerClient()
				g := newGroups(client, 4, testOptions)
				require.NoError(t, saveOne(t.Context(), g, "1"))
				client.replace(test.now)
				err := g.Delete(t.Context(), formF, bill)
				if !test.deletes {
					require.Equal(t, kingdee.ReasonNumberUsed, fault.As(err).Reason)
					require.Equal(t, []kingdee.Bill{test.now}, client.bills["1"])
					return
				}
				require.NoError(t, err)
				require.Empty(t, client.bills["1"])
				require.NoError(t, saveOne(t.Context(), g, "1"), "right after it was saved, its number is free")
				require.Len(t, client.bills["1"], 1)
			})
		})
	}
}

// A save of the number waits for the deletion, whatever its outcome, and is sent by a
// later look-up.
func TestASaveWaitsForADeletion(t *testing.T) {
	for _, lost := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			client := newLedgerClient()
			g := newGroups(client, 4, testOptions)
			require.NoError(t, saveOne(t.Context(), g, "1"))
			bill := client.bills["1"][0]
			deleted := make(chan error)
			client.take(time.Second)
			go func() { deleted <- g.Delete(t.Context(), formF, bill) }()
			time.Sleep(1500 * time.Millisecond) // while it is in flight
			client.losing.Store(lost)
			saved := make(chan error)
			go func() { saved <- saveOne(t.Context(), g, "1") }()
			time.Sleep(time.Second)
			client.losing.Store(false)
			require.Equal(t, lost, <-deleted != nil)
			if err := <-saved; lost {
				require.Equal(t, kingdee.ReasonNumberUsed, fault.As(err).Reason, "it is still there, as a look-up shows")
			} else {
				require.NoError(t, err)
			}
			require.Len(t, client.bills["1"], 1)
		})
	}
}
