package tenant

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
)

// ledger is a source of base data that takes a while.
type ledger struct {
	mu    sync.Mutex
	data  []kingdee.BaseData
	err   error
	takes time.Duration
	asked []kingdee.BaseDataQuery
}

func (l *ledger) BaseData(ctx context.Context, q kingdee.BaseDataQuery) ([]kingdee.BaseData, error) {
	l.mu.Lock()
	l.asked = append(l.asked, q)
	data, err, takes := l.data, l.err, l.takes
	l.mu.Unlock()
	select {
	case <-time.After(takes):
		return data, err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (l *ledger) set(err error, data ...kingdee.BaseData) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.data, l.err = data, err
}

func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.asked)
}

// bench is a flow with one table from Kingdee, and what keeps it.
type bench struct {
	ledger
	flow    *flow.Flow
	table   *flow.KingdeeTable
	tables  *Tables
	reports []TableRead
}

// withTable runs a test on a clock of its own.
func withTable(t *testing.T, test func(t *testing.T, b *bench)) {
	table := &flow.KingdeeTable{Name: "customers", Form: "BD_Customer", Key: "FCUSTID", By: "FName", Value: "FNumber", Where: "FNumber <> ''", Refresh: 15 * time.Minute}
	b := &bench{flow: &flow.Flow{KingdeeTables: []*flow.KingdeeTable{table}}, table: table}
	b.ledger.data, b.ledger.takes = []kingdee.BaseData{{By: "天猫", Value: "C1"}}, time.Second
	synctest.Test(t, func(t *testing.T) {
		b.tables = NewTables(&b.ledger, func(read TableRead) { b.reports = append(b.reports, read) })
		defer b.tables.Close()
		test(t, b)
	})
}

func TestATableIsReadOnceForAllWhoNeedIt(t *testing.T) {
	withTable(t, func(t *testing.T, b *bench) {
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { b.tables.Refresh(t.Context(), b.flow) })
		}
		all.Wait()
		require.Equal(t, []kingdee.BaseDataQuery{{FormID: "BD_Customer", Key: "FCUSTID", By: "FName", Value: "FNumber", Where: "FNumber <> ''"}}, b.asked)
		require.Equal(t, 1, b.table.State().Codes())
		b.tables.Refresh(t.Context(), b.flow)
		require.Equal(t, 1, b.count(), "it is fresh")
		synctest.Wait()
		require.Len(t, b.reports, 1)
		require.NoError(t, b.reports[0].Err)
	})
}

func TestATableIsReadAnewWhenItIsDue(t *testing.T) {
	withTable(t, func(t *testing.T, b *bench) {
		b.tables.Refresh(t.Context(), b.flow)
		time.Sleep(b.table.Refresh)
		b.tables.Refresh(t.Context(), b.flow)
		require.Equal(t, 2, b.count())
		synctest.Wait()
		require.Len(t, b.reports, 1, "nothing has changed")
		b.set(nil, kingdee.BaseData{By: "天猫", Value: "C2"})
		time.Sleep(b.table.Refresh)
		b.tables.Refresh(t.Context(), b.flow)
		synctest.Wait()
		require.Len(t, b.reports, 2)
	})
}

func TestATableThatCantBeReadStaysAsItWas(t *testing.T) {
	withTable(t, func(t *testing.T, b *bench) {
		b.tables.Refresh(t.Context(), b.flow)
		before := b.table.State()
		b.set(errors.New("away"))
		time.Sleep(b.table.Refresh)
		b.tables.Refresh(t.Context(), b.flow)
		b.tables.Refresh(t.Context(), b.flow)
		require.Equal(t, 2, b.count(), "not again at once")
		require.Same(t, before, b.table.State())
		synctest.Wait()
		require.Len(t, b.reports, 2)
		require.EqualError(t, b.reports[1].Err, "away")

		// A code that is missing is not known to be missing.
		read, err := b.tables.Reread(t.Context(), b.table)
		require.False(t, read)
		require.Equal(t, fault.Retry, fault.As(err).Class)
		require.Equal(t, "table_unread", fault.As(err).Reason)
		require.ErrorContains(t, err, "away")
		require.Positive(t, fault.As(err).Delay)

		b.set(nil, kingdee.BaseData{By: "天猫", Value: "C1"})
		time.Sleep(rereadAfter)
		b.tables.Refresh(t.Context(), b.flow)
		synctest.Wait()
		require.Len(t, b.reports, 3, "it can be read again, and that is said")
		require.NoError(t, b.reports[2].Err)
	})
}

func TestAMissingCodeIsAskedForOnceAMinute(t *testing.T) {
	withTable(t, func(t *testing.T, b *bench) {
		b.tables.Refresh(t.Context(), b.flow)
		time.Sleep(rereadAfter)
		var reads, all sync.Map
		var group sync.WaitGroup
		for i := range 10 {
			group.Go(func() {
				read, err := b.tables.Reread(t.Context(), b.table)
				all.Store(i, err)
				if read {
					reads.Store(i, true)
				}
			})
		}
		group.Wait()
		all.Range(func(_, err any) bool { require.Nil(t, err); return true })
		require.Equal(t, 2, b.count(), "together")
		read, err := b.tables.Reread(t.Context(), b.table)
		require.NoError(t, err)
		require.False(t, read, "the table is known to lack the code")
		require.Equal(t, 2, b.count())
		time.Sleep(rereadAfter)
		read, err = b.tables.Reread(t.Context(), b.table)
		require.NoError(t, err)
		require.True(t, read)
		require.Equal(t, 3, b.count())
	})
}

func TestATableThatWasNeverReadIsAskedForSooner(t *testing.T) {
	withTable(t, func(t *testing.T, b *bench) {
		b.set(&fault.Error{Class: fault.Final, Reason: "no_permission", Message: "没有权限"})
		b.tables.Refresh(t.Context(), b.flow)
		read, err := b.tables.Reread(t.Context(), b.table)
		require.False(t, read)
		require.Equal(t, fault.Retry, fault.As(err).Class, "orders wait")
		require.ErrorContains(t, err, "没有权限")
		require.LessOrEqual(t, fault.As(err).Delay, firstReadRetry)
		require.Equal(t, 1, b.count())
		b.set(nil, kingdee.BaseData{By: "天猫", Value: "C1"})
		time.Sleep(fault.As(err).Delay)
		read, err = b.tables.Reread(t.Context(), b.table)
		require.NoError(t, err)
		require.True(t, read)
		require.Equal(t, 1, b.table.State().Codes())
	})
}

func TestWhoWaitsForATableMayGiveUp(t *testing.T) {
	withTable(t, func(t *testing.T, b *bench) {
		b.takes = time.Hour
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err := b.tables.Reread(ctx, b.table)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Nil(t, fault.As(err))
		require.Nil(t, b.table.State())
		time.Sleep(readTimeout)
		synctest.Wait()
		require.Len(t, b.reports, 1, "the reading ends by itself")
		require.ErrorIs(t, b.reports[0].Err, context.DeadlineExceeded)
	})
}
