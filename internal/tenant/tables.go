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
	// askAgain is how soon a table is asked for again before it is due: because a code is
	// missing, or because it could not be read.
	askAgain = time.Minute
	// askSooner is the same for a table that was never read: orders wait for it.
	askSooner = 10 * time.Second
	// readTimeout bounds the reading of one table.
	readTimeout = 5 * time.Minute
)

// BaseDataSource is what is needed of Kingdee; [*kingdee.Client] has it.
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

// Tables keep the tables of flows that come from Kingdee fresh, for one worker. Whoever
// needs a table that is being read waits for it with the others. One that can't be read
// stays as it was. They may be used by many goroutines at once.
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
	// Err is why it could not be read. Table is then as it was before, if it was read at
	// all.
	Err error
}

// keptTable is when a table was asked for, and what came of it.
type keptTable struct {
	asked time.Time // when the last reading began; zero for none
	err   error     // of the last one that has ended
	// done is closed when the reading under way ends; nil for none.
	done chan struct{}
}

// NewTables keeps tables by what a source gives. report is told of each reading that
// fails, and of each that changes something.
func NewTables(source BaseDataSource, report func(TableRead)) *Tables {
	t := &Tables{source: source, report: report, kept: map[*flow.KingdeeTable]*keptTable{}}
	t.ctx, t.stop = context.WithCancel(context.Background())
	return t
}

// Close ends what is being read, and waits for its end.
func (t *Tables) Close() {
	t.stop()
	t.reading.Wait()
}

// Refresh reads those tables of a flow that are older than they may be, and waits until
// they are read. One that can't be read is asked for again after a while.
func (t *Tables) Refresh(ctx context.Context, f *flow.Flow) {
	for _, table := range f.KingdeeTables {
		_, _ = t.ask(ctx, table, false) // what goes wrong is reported, or told to who needs the table
	}
}

// AskAgain reads a table that lacks a code, or was never read, unless that was done a
// moment ago. It tells whether the table was read since it was called; an error is a
// *fault.Error, or of ctx: nobody knows what the table holds now.
func (t *Tables) AskAgain(ctx context.Context, table *flow.KingdeeTable) (read bool, err error) {
	read, err = t.ask(ctx, table, true)
	if err == nil || ctx.Err() != nil {
		return read, err
	}
	return false, &fault.Error{
		Class:  fault.Retry,
		Reason: "table_unread",
		Err:    text.Errorf("table %s can't be read from %s of Kingdee, and orders that need it wait: %w", table.Name, table.Form, err),
		Advice: text.New("It is retried automatically; the cause is above, and in starter check."),
		Delay:  t.nextAsk(table),
	}
}

// nextAsk is how long a table that could not be read is not asked for.
func (t *Tables) nextAsk(table *flow.KingdeeTable) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return max(time.Second, t.age(table, true)-time.Since(t.of(table).asked))
}

// age is how long ago the last reading has to have begun for another one. It needs the
// lock.
func (t *Tables) age(table *flow.KingdeeTable, lacks bool) time.Duration {
	switch {
	case table.State() == nil:
		return askSooner
	case lacks || t.of(table).err != nil:
		return min(askAgain, table.Refresh)
	}
	return table.Refresh
}

func (t *Tables) of(table *flow.KingdeeTable) *keptTable {
	if t.kept[table] == nil {
		t.kept[table] = &keptTable{}
	}
	return t.kept[table]
}

// ask reads a table that is due, and waits for the end of that. Without a reading, the
// error is that of the last one.
func (t *Tables) ask(ctx context.Context, table *flow.KingdeeTable, lacks bool) (read bool, err error) {
	t.mu.Lock()
	k := t.of(table)
	if k.done == nil {
		if !k.asked.IsZero() && time.Since(k.asked) < t.age(table, lacks) {
			defer t.mu.Unlock()
			return false, k.err
		}
		k.asked, k.done = time.Now(), make(chan struct{})
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
