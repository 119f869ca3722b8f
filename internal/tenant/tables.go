package tenant

import (
	"context"
	"sync"
	"time"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
	"refundsync/internal/text"
)

const (
	// rereadAfter is how soon a table is reread before it is due, because a code is
	// missing or the table could not be read.
	rereadAfter = time.Minute
	// firstReadRetry is the same for a table that was never read: orders wait for it.
	firstReadRetry = 10 * time.Second
	// readTimeout bounds the reading of one table.
	readTimeout = 5 * time.Minute
)

// BaseDataSource is what tables need of Kingdee: [*kingdee.Client].
type BaseDataSource interface {
	BaseData(ctx context.Context, q kingdee.BaseDataQuery) ([]kingdee.BaseData, error)
}

// ReadTable reads a flow's table from Kingdee, and sets it.
func ReadTable(ctx context.Context, source BaseDataSource, table *flow.KingdeeTable) error {
	data, err := source.BaseData(ctx, kingdee.BaseDataQuery{FormID: table.Form, Key: table.Key, By: table.By, Value: table.Value, Where: table.Where})
	if err != nil {
		return err
	}
	entries := make([]flow.TableEntry, len(data))
	for i, entry := range data {
		entries[i] = flow.TableEntry{Code: entry.By, Value: entry.Value, Disabled: entry.Disabled}
	}
	table.Set(flow.NewTableState(entries))
	return nil
}

// Tables keep the flows' tables from Kingdee fresh, for one worker. A table is read once
// for all who need it at the same time. One that can't be read stays as it was. Tables are
// safe for concurrent use.
type Tables struct {
	source BaseDataSource
	report func(TableRead)

	ctx     context.Context // of all reading
	stop    context.CancelFunc
	reading sync.WaitGroup

	mu   sync.Mutex
	kept map[*flow.KingdeeTable]*keptTable
}

// TableRead is what came of reading a table.
type TableRead struct {
	Table *flow.KingdeeTable
	// Err is why it could not be read; Table is then as it was before.
	Err error
}

// keptTable is when a table was read, and with what result.
type keptTable struct {
	begun time.Time // when the last read began; zero for none
	err   error     // of the last read that has ended
	// done is closed when the read in progress ends; nil for none.
	done chan struct{}
}

// NewTables keeps tables fresh from a source. report is called for each read that fails,
// and for each that changes something.
func NewTables(source BaseDataSource, report func(TableRead)) *Tables {
	t := &Tables{source: source, report: report, kept: map[*flow.KingdeeTable]*keptTable{}}
	t.ctx, t.stop = context.WithCancel(context.Background())
	return t
}

// Close stops all reads and waits for them to end.
func (t *Tables) Close() {
	t.stop()
	t.reading.Wait()
}

// Refresh reads those of a flow's tables that are due, and waits for that. One that can't
// be read is due again after a while.
func (t *Tables) Refresh(ctx context.Context, f *flow.Flow) {
	for _, table := range f.KingdeeTables {
		_, _ = t.readDue(ctx, table, false) // a failure is reported, and told to those who need the table
	}
}

// Reread reads a table that lacks a code or was never read, unless that was done a moment
// ago. It reports whether it has read the table. An error is a *fault.Error, Retry, or
// ctx's: what the table holds now is not known.
func (t *Tables) Reread(ctx context.Context, table *flow.KingdeeTable) (read bool, err error) {
	read, err = t.readDue(ctx, table, true)
	if err == nil || ctx.Err() != nil {
		return read, err
	}
	return false, &fault.Error{
		Class:  fault.Retry,
		Reason: "table_unread",
		Err:    text.Errorf("table %s can't be read from %s of Kingdee, and orders that need it wait: %w", table.Name, table.Form, err),
		Advice: text.New("It is retried automatically; the cause is above, and in starter check."),
		Delay:  t.nextRead(table),
	}
}

// nextRead is how long a table that could not be read is not reread.
func (t *Tables) nextRead(table *flow.KingdeeTable) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(time.Second, t.age(table, true)-time.Since(t.of(table).begun))
}

// age is how long ago the last read must have begun for a table to be due. The caller has
// the lock.
func (t *Tables) age(table *flow.KingdeeTable, lacks bool) time.Duration {
	switch {
	case table.State() == nil:
		return firstReadRetry
	case lacks || t.of(table).err != nil:
		return min(rereadAfter, table.Refresh)
	}
	return table.Refresh
}

func (t *Tables) of(table *flow.KingdeeTable) *keptTable {
	if t.kept[table] == nil {
		t.kept[table] = &keptTable{}
	}
	return t.kept[table]
}

// readDue reads a table that is due, and waits for that. If it is not due, the error is
// that of the last read.
func (t *Tables) readDue(ctx context.Context, table *flow.KingdeeTable, lacks bool) (read bool, err error) {
	t.mu.Lock()
	k := t.of(table)
	if k.done == nil {
		if !k.begun.IsZero() && time.Since(k.begun) < t.age(table, lacks) {
			defer t.mu.Unlock()
			return false, k.err
		}
		k.begun, k.done = time.Now(), make(chan struct{})
		t.reading.Go(func() { t.read(table, k) })
	}
	done := k.done
	t.mu.Unlock()
	select {
	case <-done:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return true, k.err
}

func (t *Tables) read(table *flow.KingdeeTable, k *keptTable) {
	ctx, cancel := context.WithTimeout(t.ctx, readTimeout)
	defer cancel()
	before := table.State()
	err := ReadTable(ctx, t.source, table)
	t.mu.Lock()
	recovered := k.err != nil && err == nil
	k.err = err
	close(k.done)
	k.done = nil
	t.mu.Unlock()
	if err != nil || recovered || before == nil || !before.Same(table.State()) {
		t.report(TableRead{Table: table, Err: err})
	}
}
