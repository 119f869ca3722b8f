package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"refundsync/internal/fault"
	"refundsync/internal/flow"
	"refundsync/internal/kingdee"
)

// ledger is Kingdee in memory.
type ledger struct {
	*life
	bills []*bill // by FID
	// refusing are the materials that it currently does not know.
	refusing map[string]bool
}

// bill is a bill with its history of states.
type bill struct {
	states []state
	// byPerson says that somebody made it, or continued with it, by hand.
	byPerson bool
	// raced says that two changes of it were in flight at the same time. Kingdee has no
	// conditional change, so the one that arrived last won.
	raced bool
}

// state is a bill from an instant on.
type state struct {
	kingdee.Bill
	at    time.Time
	model map[string]any
}

func (b *bill) now() state { return b.states[len(b.states)-1] }

// shown returns the bill as a stale look-up shows it; false if it does not show it yet.
func (b *bill) shown(behind time.Duration) (state, bool) {
	for _, s := range slices.Backward(b.states) {
		if !s.at.After(time.Now().Add(-behind)) {
			return s, true
		}
	}
	return state{}, false
}

func (l *ledger) set(b *bill, s state) {
	s.at = time.Now()
	b.states = append(b.states, s)
}

func (l *ledger) under(number string) (bills []*bill) {
	for _, b := range l.bills {
		if b.now().Number == number {
			bills = append(bills, b)
		}
	}
	return bills
}

// behind is how stale a look-up is.
func (l *ledger) behind() time.Duration {
	if l.settings.behind > 0 && l.chance(3) {
		l.strike("a look-up is behind")
		return l.between(0, l.settings.behind)
	}
	return 0
}

func (l *ledger) find(numbers []string) map[string][]kingdee.Bill {
	found, behind := map[string][]kingdee.Bill{}, l.behind()
	for _, b := range l.bills {
		if s, ok := b.shown(behind); ok && slices.Contains(numbers, s.Number) {
			found[s.Number] = append(found[s.Number], s.Bill)
		}
	}
	return found
}

func (l *ledger) newest(limit int) (newest []kingdee.Bill) {
	behind := l.behind()
	for _, b := range slices.Backward(l.bills) {
		s, ok := b.shown(behind)
		if _, marked := flow.FindMark(s.Text); ok && marked && len(newest) < limit {
			newest = append(newest, s.Bill)
		}
	}
	return newest
}

func (l *ledger) read(id string, keys []string) (rows [][]any) {
	behind := l.behind()
	for _, b := range l.bills {
		s, ok := b.shown(behind)
		if !ok || s.ID != id {
			continue
		}
		for _, line := range s.model["FEntity"].([]any) {
			var cells []any
			for _, key := range keys {
				cells = append(cells, s.cell(key, line.(map[string]any)))
			}
			rows = append(rows, cells)
		}
	}
	return rows
}

func (s state) cell(key string, line map[string]any) any {
	switch key {
	case "FBillNo":
		return s.Number
	case "FHeadNote":
		return s.Text
	case "FDocumentStatus":
		return s.DocumentStatus
	case "FCancelStatus":
		return "A"
	}
	name, number, _ := strings.Cut(key, ".")
	value, ok := line[name]
	if !ok {
		value = s.model[name]
	}
	if base, ok := value.(map[string]any); ok && number != "" {
		return base[number]
	}
	return value
}

func (l *ledger) quantities(id string) map[string]decimal.Decimal {
	quantities := map[string]decimal.Decimal{}
	for _, row := range l.read(id, []string{"FMaterialId.FNumber", "FRealQty"}) {
		quantity, _ := decimal.NewFromString(row[1].(json.Number).String())
		quantities[row[0].(string)] = quantities[row[0].(string)].Add(quantity)
	}
	return quantities
}

func numberOf(model json.RawMessage) string {
	var m struct{ FBillNo string }
	if err := json.Unmarshal(model, &m); err != nil {
		panic(err)
	}
	return m.FBillNo
}

func refused(reason string) error {
	return &fault.Error{Class: fault.Final, Reason: reason, Message: reason}
}

// save is BatchSave; written is when the request was written.
func (l *ledger) save(request kingdee.BatchSave, written time.Time) []kingdee.BillResult {
	results := make([]kingdee.BillResult, len(request.Model))
	for i, model := range request.Model {
		results[i] = l.saveOne(request, model, written)
		if results[i].Err == nil && l.chance(l.settings.faults*3) {
			l.strike("a bill is in neither list of a reply")
			results[i] = kingdee.BillResult{Err: &fault.Error{Class: fault.Retry, Reason: "unclear", Message: "unclear"}}
		}
	}
	return results
}

func (l *ledger) saveOne(request kingdee.BatchSave, raw json.RawMessage, written time.Time) kingdee.BillResult {
	s := state{}
	decoder := json.NewDecoder(strings.NewReader(string(raw)))
	decoder.UseNumber()
	if err := decoder.Decode(&s.model); err != nil {
		panic(err)
	}
	id, _ := s.model["FID"].(string)
	date, _ := s.model["FDate"].(string)
	s.Bill = kingdee.Bill{ID: id, Number: s.model["FBillNo"].(string), DocumentStatus: "A", Date: date[:len(time.DateOnly)], Text: s.model["FHeadNote"].(string)}
	for _, line := range s.model["FEntity"].([]any) {
		if l.refusing[line.(map[string]any)["FMaterialId"].(map[string]any)["FNumber"].(string)] {
			l.strike("Kingdee refuses a bill")
			return kingdee.BillResult{Err: refused("unknown_material")}
		}
	}
	if request.IsAutoSubmitAndAudit {
		s.DocumentStatus = "C"
	}
	if id != "" {
		return l.saveOver(s, written)
	}
	taken := l.under(s.Number)
	if len(taken) > 0 && l.settings.unique {
		l.strike("a number is used already")
		if l.without.used {
			return kingdee.BillResult{ID: taken[0].now().ID, Number: s.Number}
		}
		return kingdee.BillResult{Err: refused(kingdee.ReasonNumberUsed)}
	}
	s.ID = fmt.Sprint(100001 + len(l.bills))
	b := &bill{}
	l.bills = append(l.bills, b)
	l.set(b, s)
	l.note("ledger: bill %s is saved, %s", s.Number, s.Text)
	for _, other := range taken {
		l.duplicate(other, b, written)
	}
	return kingdee.BillResult{ID: s.ID, Number: s.Number}
}

// saveOver saves a bill over the one with its FID.
func (l *ledger) saveOver(s state, written time.Time) kingdee.BillResult {
	for _, b := range l.bills {
		before := b.now()
		if before.ID != s.ID {
			continue
		}
		if !slices.Contains([]string{"Z", "A"}, before.DocumentStatus) {
			return kingdee.BillResult{Err: refused("not_editable")}
		}
		was, _ := flow.FindMark(before.Text)
		is, _ := flow.FindMark(s.Text)
		if older := is.ChangedAt.Before(was.ChangedAt); before.at.After(written) {
			b.raced = true
			l.strike("two changes of a bill race")
		} else if older {
			l.violate("bill %s: an older version is saved over a newer one, %s over %s", s.Number, s.Text, before.Text)
		}
		l.set(b, s)
		l.note("ledger: bill %s is changed, %s", s.Number, s.Text)
		return kingdee.BillResult{ID: s.ID, Number: s.Number}
	}
	return kingdee.BillResult{Err: refused("no_such_bill")}
}

// duplicate checks a second bill under a number. It is allowed if a person entered the
// first by hand just now, because nobody could know of it yet.
func (l *ledger) duplicate(earlier, later *bill, written time.Time) {
	if earlier.byPerson && earlier.states[0].at.After(written.Add(-time.Minute)) {
		later.byPerson = true // a person will deal with the two
		return
	}
	l.violate("there are two bills %s: %s, and then %s", earlier.now().Number, earlier.now().Text, later.now().Text)
}

// operate submits or audits.
func (l *ledger) operate(numbers []string, from []string, to string) []kingdee.BillResult {
	results := make([]kingdee.BillResult, len(numbers))
	for i, number := range numbers {
		bills := l.under(number)
		if len(bills) != 1 || !slices.Contains(from, bills[0].now().DocumentStatus) {
			results[i].Err = &fault.Error{Class: fault.Retry, Reason: "not_operable", Message: "not operable"}
			continue
		}
		s := bills[0].now()
		s.DocumentStatus = to
		l.set(bills[0], s)
		results[i] = kingdee.BillResult{ID: s.ID, Number: number}
	}
	return results
}

// audit has a person submit and audit a bill.
func (l *ledger) audit() {
	if len(l.bills) == 0 {
		return
	}
	b := l.bills[l.rand.IntN(len(l.bills))]
	if s := b.now(); s.DocumentStatus == "A" {
		l.strike("a person audits a bill")
		s.DocumentStatus, b.byPerson = "C", true
		l.set(b, s)
	}
}

// enter has a person enter a bill by hand under an order's number.
func (l *ledger) enter(number string) {
	if len(l.under(number)) > 0 {
		return
	}
	l.strike("a person enters a bill by hand")
	b := &bill{byPerson: true}
	line := map[string]any{"FMaterialId": map[string]any{"FNumber": "M1"}, "FRealQty": json.Number("9")}
	l.bills = append(l.bills, b)
	l.set(b, state{
		Bill:  kingdee.Bill{ID: fmt.Sprint(100000 + len(l.bills)), Number: number, DocumentStatus: "A", Date: "1999-12-20", Text: "by hand"},
		model: map[string]any{"FEntity": []any{line}},
	})
}

// client is the client below a worker's groups: it carries each call to the ledger and
// back.
type client struct{ w *worker }

// reply is the result of a call.
type reply struct {
	value any
	err   error
}

// ask makes a call: it waits for a session, is written, takes effect and is answered,
// each at a time and with a fate drawn by the life. number identifies the first bill, or
// the page.
func ask[T any](ctx context.Context, w *worker, method, number string, do func(written time.Time) (T, error)) (none T, err error) {
	key := "call " + taskOf(ctx) + " " + method + " " + number
	changes := method == "save"
	gone := w.park(key, func(a *arrival) {
		w.on(w, w.latency(), func() { a.answer(nil) })
		if changes && w.chance(w.settings.suspensions) {
			w.standStill(w)
		}
		if changes && w.chance(w.settings.entries) {
			w.ledger.enter(number)
		}
	})
	if gone != nil {
		return none, gone.(error)
	}
	if err := kingdee.MaySend(ctx); err != nil && !w.without.maySend {
		return none, err
	}
	switch answer := w.park(key, func(a *arrival) {
		written := time.Now()
		w.send(a, method, changes, func() reply {
			value, err := do(written)
			return reply{value, err}
		})
	}).(type) {
	case reply:
		if answer.err != nil {
			return none, answer.err
		}
		return answer.value.(T), nil
	default:
		return none, answer.(error)
	}
}

// latency is how long something is in flight.
func (l *life) latency() time.Duration { return l.between(5*time.Millisecond, l.settings.latency) }

// send draws the fate of a call that has been written.
func (w *worker) send(a *arrival, method string, changes bool, do func() reply) {
	answer := func(d time.Duration, r reply) { w.on(w, d, func() { a.answer(r) }) }
	lost := reply{err: &fault.Error{Class: fault.Retry, Reason: "connection", Message: method + ": connection lost"}}
	timedOut := reply{err: &fault.Error{Class: fault.Retry, Reason: "timeout", Message: method + ": no answer in time"}}
	switch n := w.settings.faults; {
	case w.down[method == "list" || method == "time"]:
		answer(w.latency(), lost)
	case w.chance(2 * n):
		w.strike("a request is lost: " + method)
		answer(w.latency(), lost)
	case w.chance(2 * n):
		w.strike("a reply is lost: " + method)
		w.after(w.latency(), func() { do() })
		answer(2*w.settings.latency, lost)
	case w.chance(4 * n):
		w.strike("a call exceeds the limit: " + method)
		answer(w.latency(), reply{err: &fault.Error{Class: fault.RateLimited, Reason: "call_limit", Message: "call limit", Delay: 30 * time.Second}})
	case changes && w.settings.late > 0 && w.chance(3*n):
		w.strike("a save lands late")
		w.after(w.between(time.Second, w.settings.late), func() { do() })
		answer(w.between(time.Second, 2*time.Minute), timedOut)
	default:
		w.after(w.latency(), func() { answer(w.latency(), do()) })
	}
}

func (c client) FindBills(ctx context.Context, _ kingdee.BillForm, numbers []string) (map[string][]kingdee.Bill, error) {
	return ask(ctx, c.w, "find", numbers[0], func(time.Time) (map[string][]kingdee.Bill, error) { return c.w.ledger.find(numbers), nil })
}

func (c client) NewestBills(ctx context.Context, _ kingdee.BillForm, _ string, limit int) ([]kingdee.Bill, error) {
	return ask(ctx, c.w, "newest", "", func(time.Time) ([]kingdee.Bill, error) { return c.w.ledger.newest(limit), nil })
}

func (c client) ReadBill(ctx context.Context, _ kingdee.BillForm, id string, keys []string) ([][]any, error) {
	return ask(ctx, c.w, "read", id, func(time.Time) ([][]any, error) { return c.w.ledger.read(id, keys), nil })
}

func (c client) ExecuteBillQuery(ctx context.Context, _ kingdee.BillQuery) ([][]any, error) {
	return ask(ctx, c.w, "query", "", func(time.Time) ([][]any, error) { return nil, nil })
}

func (c client) ByItem(ctx context.Context, _ kingdee.BillForm, id string) (map[string]decimal.Decimal, error) {
	return ask(ctx, c.w, "quantities", id, func(time.Time) (map[string]decimal.Decimal, error) { return c.w.ledger.quantities(id), nil })
}

func (c client) SourceLines(ctx context.Context, q kingdee.SourceQuery, values []string) (map[string][]kingdee.SourceLine, error) {
	return kingdee.SourceLines(ctx, c, q, values)
}

func (c client) BatchSave(ctx context.Context, request kingdee.BatchSave) ([]kingdee.BillResult, error) {
	return ask(ctx, c.w, "save", numberOf(request.Model[0]), func(written time.Time) ([]kingdee.BillResult, error) {
		return c.w.ledger.save(request, written), nil
	})
}

func (c client) Submit(ctx context.Context, _ kingdee.BillForm, numbers []string) ([]kingdee.BillResult, error) {
	return ask(ctx, c.w, "submit", numbers[0], func(time.Time) ([]kingdee.BillResult, error) {
		return c.w.ledger.operate(numbers, []string{"Z", "A"}, "B"), nil
	})
}

func (c client) Audit(ctx context.Context, _ kingdee.BillForm, numbers []string) ([]kingdee.BillResult, error) {
	return ask(ctx, c.w, "audit", numbers[0], func(time.Time) ([]kingdee.BillResult, error) {
		return c.w.ledger.operate(numbers, []string{"B"}, "C"), nil
	})
}

// Delete is not used by this flow.
func (c client) Delete(context.Context, kingdee.BillForm, kingdee.Bill) error {
	panic("a bill is deleted")
}
