package groupcommit

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shopspring/decimal"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/kingdee"
)

// sentCall is a call that a fakeClient received.
type sentCall struct {
	what       string
	numbers    []string
	begun, end time.Duration // since the fakeClient was made
	ctx        context.Context
}

// fakeClient records its calls, and saves every bill.
type fakeClient struct {
	start time.Time
	takes time.Duration
	// fails is the error of the whole call with these numbers.
	fails func(numbers []string) error
	// shows reports whether a look-up finds a bill of the number.
	shows func(number string) bool
	// refuses is the result of one bill.
	refuses func(number string) error

	mu    sync.Mutex
	calls []*sentCall
}

func newFakeClient() *fakeClient {
	return &fakeClient{
		start:   time.Now(),
		takes:   100 * time.Millisecond,
		fails:   func([]string) error { return nil },
		refuses: func(string) error { return nil },
		shows:   func(number string) bool { return number != "absent" },
	}
}

func newGroups(client kingdee.Ledger, sessions int, options Options) *Groups {
	options.Calls = sessions
	return New(client, options)
}

func momentNow() moment {
	monotonic, wall := machine{}.Now()
	return moment{monotonic, wall}
}

// newGroupsForNew are groups that know that no bill has a small number: its save is sent
// without a look-up.
func newGroupsForNew(client kingdee.Ledger, sessions int, options Options) *Groups {
	g := newGroups(client, sessions, options)
	later := moment{g.now().monotonic.Add(time.Hour), g.now().wall.Add(time.Hour)}
	for _, formID := range []string{"F", "G"} {
		for _, number := range append(numbered(0, 100), "A", "B", "C") {
			g.known.absent[numberOf{formID, number}] = later
		}
	}
	return g
}

func (f *fakeClient) call(ctx context.Context, what string, numbers []string) error {
	call := &sentCall{what: what, numbers: slices.Clone(numbers), begun: time.Since(f.start), ctx: ctx}
	f.mu.Lock()
	f.calls = append(f.calls, call)
	takes := f.takes
	f.mu.Unlock()
	time.Sleep(takes)
	f.mu.Lock()
	defer f.mu.Unlock()
	call.end = time.Since(f.start)
	return f.fails(numbers)
}

func (f *fakeClient) change(ctx context.Context, what string, numbers []string) ([]kingdee.BillResult, error) {
	if err := f.call(ctx, what, numbers); err != nil {
		return nil, err
	}
	results := make([]kingdee.BillResult, len(numbers))
	for i, number := range numbers {
		results[i] = kingdee.BillResult{ID: "id of " + number, Number: number, Err: f.refuses(number)}
	}
	return results, nil
}

func (f *fakeClient) BatchSave(ctx context.Context, b kingdee.BatchSave) ([]kingdee.BillResult, error) {
	var numbers []string
	for _, bill := range b.Model {
		numbers = append(numbers, formF.NumberOf(bill))
	}
	return f.change(ctx, "save "+b.Form.ID, numbers)
}

func (f *fakeClient) Submit(ctx context.Context, form kingdee.BillForm, numbers []string) ([]kingdee.BillResult, error) {
	return f.change(ctx, "submit "+form.ID, numbers)
}

func (f *fakeClient) Audit(ctx context.Context, form kingdee.BillForm, numbers []string) ([]kingdee.BillResult, error) {
	return f.change(ctx, "audit "+form.ID, numbers)
}

func (f *fakeClient) Delete(ctx context.Context, form kingdee.BillForm, bill kingdee.Bill) error {
	return f.call(ctx, "delete "+form.ID, []string{bill.Number})
}

func (f *fakeClient) FindBills(ctx context.Context, form kingdee.BillForm, numbers []string) (map[string][]kingdee.Bill, error) {
	if err := f.call(ctx, "find "+form.ID, numbers); err != nil {
		return nil, err
	}
	found := map[string][]kingdee.Bill{}
	for _, number := range numbers {
		if f.shows(number) {
			found[number] = []kingdee.Bill{{ID: "id of " + number, Number: number}}
		}
	}
	return found, nil
}

// Quantities gives every bill one of M1.
func (f *fakeClient) ByItem(ctx context.Context, form kingdee.BillForm, id string) (map[string]decimal.Decimal, error) {
	if err := f.call(ctx, "by item "+form.ID, []string{id}); err != nil {
		return nil, err
	}
	return map[string]decimal.Decimal{"M1": decimal.NewFromInt(1)}, nil
}

func (f *fakeClient) NewestBills(context.Context, kingdee.BillForm, string, int) ([]kingdee.Bill, error) {
	return nil, nil
}

func (f *fakeClient) ExecuteBillQuery(context.Context, kingdee.BillQuery) ([][]any, error) {
	return nil, nil
}

func (f *fakeClient) ReadBill(context.Context, kingdee.BillForm, string, []string) ([][]any, error) {
	return nil, nil
}

func (f *fakeClient) SourceLines(ctx context.Context, q kingdee.SourceQuery, values []string) (map[string][]kingdee.SourceLine, error) {
	if err := f.call(ctx, "sources "+q.FormID, values); err != nil {
		return nil, err
	}
	found := map[string][]kingdee.SourceLine{}
	for _, value := range values {
		if f.shows(value) {
			found[value] = []kingdee.SourceLine{{BillNumber: "of " + value}}
		}
	}
	return found, nil
}

// made are the calls so far.
func (f *fakeClient) made() (calls []sentCall) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, call := range f.calls {
		calls = append(calls, *call)
	}
	return calls
}

// groups gives the numbers of each call, with what was called.
func (f *fakeClient) groups() (groups []string) {
	for _, call := range f.made() {
		groups = append(groups, fmt.Sprintf("%s %v at %v", call.what, call.numbers, call.begun))
	}
	return groups
}

func aBill(number string) json.RawMessage {
	return json.RawMessage(fmt.Sprintf(`{"FBillNo":%q}`, number))
}

func saveOf(numbers ...string) kingdee.BatchSave {
	b := kingdee.BatchSave{Form: formF}
	for _, number := range numbers {
		b.Model = append(b.Model, aBill(number))
	}
	return b
}

// saveOne saves one bill as an activity does.
func saveOne(ctx context.Context, g *Groups, number string) error {
	results, err := g.BatchSave(ctx, saveOf(number))
	if err != nil {
		return err
	}
	return results[0].Err
}

// saving starts to save bills one by one; wait waits for their outcomes.
func saving(ctx context.Context, g *Groups, numbers ...string) (outcomes []error, wait func()) {
	outcomes = make([]error, len(numbers))
	var all sync.WaitGroup
	for i, number := range numbers {
		all.Go(func() { outcomes[i] = saveOne(ctx, g, number) })
		synctest.Wait() // they join in this order
	}
	return outcomes, all.Wait
}

func numbered(from, to int) (numbers []string) {
	for i := from; i <= to; i++ {
		numbers = append(numbers, fmt.Sprint(i))
	}
	return numbers
}

var testOptions = Options{Bills: 4, Wait: 20 * time.Millisecond}

func TestGroupsShareACall(t *testing.T) {
	for name, test := range map[string]struct {
		sessions int
		do       func(g *Groups, save func(ctx context.Context, numbers ...string))
		want     []string
	}{
		"one waits for others as long as it may": {2, func(_ *Groups, save func(context.Context, ...string)) {
			save(context.Background(), "1")
			time.Sleep(15 * time.Millisecond)
			save(context.Background(), "2")
		}, []string{"save F [1 2] at 20ms"}},
		"a full group goes at once, and the rest when it is due": {2, func(_ *Groups, save func(context.Context, ...string)) {
			save(context.Background(), numbered(1, 5)...)
		}, []string{"save F [1 2 3 4] at 0s", "save F [5] at 20ms"}},
		"groups fill up while all sessions are busy, and the first to come goes first": {1, func(g *Groups, save func(context.Context, ...string)) {
			save(context.Background(), "1")
			time.Sleep(30 * time.Millisecond)
			save(context.Background(), "2")
			time.Sleep(time.Millisecond)
			go g.Submit(context.Background(), formF, []string{"s"})
			time.Sleep(30 * time.Millisecond)
			save(context.Background(), numbered(3, 6)...)
		}, []string{"save F [1] at 20ms", "save F [2 3 4 5] at 120ms", "submit F [s] at 220ms", "save F [6] at 320ms"}},
		"one that is not full lets full ones go before it, for a while": {1, func(g *Groups, save func(context.Context, ...string)) {
			save(context.Background(), "0")
			time.Sleep(30 * time.Millisecond)
			go g.FindBills(context.Background(), formF, []string{"x"})
			for group := range 7 {
				time.Sleep(80 * time.Millisecond)
				save(context.Background(), numbered(4*group+1, 4*group+4)...)
			}
		}, []string{
			"save F [0] at 20ms", "save F [1 2 3 4] at 120ms", "save F [5 6 7 8] at 220ms", "save F [9 10 11 12] at 320ms",
			"save F [13 14 15 16] at 420ms", "save F [17 18 19 20] at 520ms", "save F [21 22 23 24] at 620ms",
			"find F [x] at 720ms", "save F [25 26 27 28] at 820ms",
		}},
		"later attempts go in smaller groups": {9, func(_ *Groups, save func(context.Context, ...string)) {
			save(WithAttempt(context.Background(), 1), "1")
			save(WithAttempt(context.Background(), 2), "2", "3")
			save(WithAttempt(context.Background(), 3), "4", "5")
		}, []string{"save F [2] at 0s", "save F [3] at 0s", "save F [4] at 0s", "save F [5] at 0s", "save F [1] at 20ms"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newFakeClient()
				g := newGroupsForNew(client, test.sessions, testOptions)
				test.do(g, func(ctx context.Context, numbers ...string) {
					outcomes, wait := saving(ctx, g, numbers...)
					t.Cleanup(func() {
						wait()
						assert.Equal(t, make([]error, len(numbers)), outcomes)
					})
				})
				time.Sleep(time.Minute)
				assert.Equal(t, test.want, client.groups())
			})
		})
	}
}

func TestGroupsKeepApartWhatCannotShareACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newFakeClient()
		g := newGroupsForNew(client, 9, testOptions)
		for i, change := range []func(*kingdee.BatchSave){
			func(*kingdee.BatchSave) {},
			func(b *kingdee.BatchSave) { b.Form.ID = "G" },
			func(b *kingdee.BatchSave) { b.Operation = "batchSave" },
			func(b *kingdee.BatchSave) { b.BatchCount = 5 },
			func(b *kingdee.BatchSave) { b.IsVerifyBaseDataField = true },
			func(b *kingdee.BatchSave) { b.IsAutoSubmitAndAudit = true },
		} {
			b := saveOf(fmt.Sprint(i))
			change(&b)
			go g.BatchSave(t.Context(), b)
		}
		go g.Submit(t.Context(), formF, []string{"1"})
		go g.Audit(t.Context(), formF, []string{"1"})
		go g.FindBills(t.Context(), formF, []string{"1"})
		time.Sleep(time.Second)
		assert.Len(t, client.groups(), 9)
	})
}

func TestGroupsGiveEachCallerItsOwnOutcome(t *testing.T) {
	refused := unknownMaterial.failure(kingdee.MethodBatchSave, "no such material")
	synctest.Test(t, func(t *testing.T) {
		client := newFakeClient()
		client.refuses = func(number string) error {
			if number == "2" {
				return refused
			}
			return nil
		}
		g := newGroupsForNew(client, 4, Options{Bills: 10, Wait: time.Millisecond})
		var all sync.WaitGroup
		for _, numbers := range [][]string{{"1"}, {"2", "3"}, {"4"}} {
			all.Go(func() {
				results, err := g.BatchSave(t.Context(), saveOf(numbers...))
				assert.NoError(t, err)
				for i, number := range numbers {
					assert.Equal(t, kingdee.BillResult{ID: "id of " + number, Number: number, Err: client.refuses(number)}, results[i])
				}
			})
			all.Go(func() {
				results, err := g.Audit(t.Context(), formF, numbers)
				assert.NoError(t, err)
				for i, number := range numbers {
					assert.Equal(t, kingdee.BillResult{ID: "id of " + number, Number: number, Err: client.refuses(number)}, results[i])
				}
			})
			all.Go(func() {
				found, err := g.FindBills(t.Context(), formF, append(numbers, "3", "absent"))
				assert.NoError(t, err)
				want := map[string][]kingdee.Bill{}
				for _, number := range append(numbers, "3") {
					want[number] = []kingdee.Bill{{ID: "id of " + number, Number: number}}
				}
				assert.Equal(t, want, found)
			})
		}
		all.Wait()
		assert.Len(t, client.groups(), 3)
	})
}

func TestLookUpsShareAQueryOf500Numbers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newFakeClient()
		g := newGroupsForNew(client, 4, testOptions)
		for i := range 11 {
			go g.FindBills(t.Context(), formF, numbered(50*i+1, 50*i+50))
			synctest.Wait()
		}
		go g.FindBills(WithAttempt(t.Context(), 3), formF, numbered(1, 700))
		time.Sleep(time.Second)
		var sizes []int
		for _, call := range client.made() {
			sizes = append(sizes, len(call.numbers))
		}
		assert.ElementsMatch(t, []int{500, 700, 50}, sizes, "what one caller asks for is not taken apart")
	})
}

// poison fails every call with one of the numbers in it.
func poison(err error, numbers ...string) func([]string) error {
	return func(sent []string) error {
		if slices.ContainsFunc(sent, func(number string) bool { return slices.Contains(numbers, number) }) {
			return err
		}
		return nil
	}
}

func TestGroupsAfterACallThatFailedAsAWhole(t *testing.T) {
	for name, test := range map[string]struct {
		err    *fault.Error
		failed []string
		calls  int
	}{
		"one bill may be the cause: it is found": {badRequest.failure(kingdee.MethodBatchSave, ""), []string{"3"}, 7},
		"the address is the cause":               {wrongAddress.failure(kingdee.MethodBatchSave, ""), numbered(1, 8), 1},
		"the account is the cause":               {licence.failure(kingdee.MethodBatchSave, ""), numbered(1, 8), 1},
		"the outcome is open":                    {connectionLost.failure(kingdee.MethodBatchSave, ""), numbered(1, 8), 1},
		"too many calls":                         {callLimit.failure(kingdee.MethodBatchSave, ""), numbered(1, 8), 1},
		"the session is lost":                    {sessionLost.failure(kingdee.MethodBatchSave, ""), numbered(1, 8), 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newFakeClient()
				client.fails = poison(test.err, "3")
				g := newGroupsForNew(client, 1, Options{Bills: 8, Wait: time.Millisecond})
				numbers := numbered(1, 8)
				outcomes, wait := saving(t.Context(), g, numbers...)
				wait()
				for i, number := range numbers {
					if slices.Contains(test.failed, number) {
						assert.Equal(t, error(test.err), outcomes[i], number)
					} else {
						assert.NoError(t, outcomes[i], number)
					}
				}
				assert.Len(t, client.made(), test.calls)
			})
		})
	}
}

// A save that submits and audits as well can be refused after it has saved: a retry
// without a look-up could create a second bill.
func TestRefusedAuditIsNotRetried(t *testing.T) {
	refused := noPermission.failure(kingdee.MethodBatchSave, "没有审核权限")
	auto := func(number string) kingdee.BatchSave {
		b := saveOf(number)
		b.IsAutoSubmitAndAudit = true
		return b
	}
	t.Run("with others", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client := newFakeClient()
			client.fails = func([]string) error { return refused }
			g := newGroupsForNew(client, 1, Options{Bills: 8, Wait: time.Millisecond})
			var all sync.WaitGroup
			for _, number := range numbered(1, 8) {
				all.Go(func() {
					results, err := g.BatchSave(t.Context(), auto(number))
					assert.NoError(t, err)
					f := requireFault(t, results[0].Err, fault.Retry, "unclear")
					assert.Contains(t, f.What().String(), "没有审核权限")
				})
			}
			all.Wait()
			assert.Len(t, client.made(), 1)
		})
	})
	t.Run("twice the same", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			client := newFakeClient()
			client.fails = func([]string) error { return refused }
			g := newGroupsForNew(client, 4, testOptions)
			var both sync.WaitGroup
			reasons := make([]string, 2)
			for i := range reasons {
				both.Go(func() {
					results, err := g.BatchSave(t.Context(), auto("1"))
					assert.NoError(t, err)
					reasons[i] = fault.As(results[0].Err).Reason
				})
			}
			both.Wait()
			assert.ElementsMatch(t, []string{"no_permission", "unclear"}, reasons)
			assert.Len(t, client.made(), 1)
		})
	})
}

func TestGroupsFindTheNumberThatALookUpFailsFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newFakeClient()
		client.fails = poison(badQuery.failure(kingdee.MethodQuery, ""), "2")
		g := newGroupsForNew(client, 1, testOptions)
		var all sync.WaitGroup
		for _, number := range numbered(1, 3) {
			all.Go(func() {
				found, err := g.FindBills(t.Context(), formF, []string{number})
				if number == "2" {
					requireFault(t, err, fault.Final, "bad_query")
					return
				}
				assert.NoError(t, err)
				assert.Contains(t, found, number)
			})
			synctest.Wait()
		}
		all.Wait()
	})
}

func TestSameBillIsNeverInTwoCallsAtOnce(t *testing.T) {
	save := func(g *Groups) error { return saveOne(context.Background(), g, "1") }
	submitOne := func(g *Groups) error {
		results, err := g.Submit(context.Background(), formF, []string{"1"})
		if err != nil {
			return err
		}
		return results[0].Err
	}
	refusal := validationFailed.failure(kingdee.MethodBatchSave, "")
	lost := connectionLost.failure(kingdee.MethodBatchSave, "")
	limited := callLimit.failure(kingdee.MethodBatchSave, "")
	for name, test := range map[string]struct {
		do      func(*Groups) error
		fails   error // of the first call as a whole
		refuses error // of the bill in the first call
		first   error
		second  string // the reason of the second's failure
		calls   int
	}{
		"saved":                      {save, nil, nil, nil, kingdee.ReasonNumberUsed, 1},
		"save's outcome open":        {save, lost, nil, lost, "connection", 1},
		"bill's outcome open":        {save, nil, lost, lost, "connection", 1},
		"save refused":               {save, nil, refusal, refusal, "", 2},
		"save's call limited":        {save, limited, nil, limited, "", 2},
		"submitted":                  {submitOne, nil, nil, nil, "", 1},
		"submit's outcome open":      {submitOne, lost, nil, lost, "connection", 1},
		"submit refused":             {submitOne, nil, refusal, refusal, "", 2},
		"submit's call failed whole": {submitOne, limited, nil, limited, "", 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newFakeClient()
				client.fails = func([]string) error {
					if len(client.calls) == 1 {
						return test.fails
					}
					return nil
				}
				client.refuses = func(string) error {
					if len(client.made()) == 1 {
						return test.refuses
					}
					return nil
				}
				g := newGroupsForNew(client, 4, testOptions)
				var first, second error
				var both sync.WaitGroup
				both.Go(func() { first = test.do(g) })
				time.Sleep(50 * time.Millisecond) // the first is in flight
				both.Go(func() { second = test.do(g) })
				both.Wait()
				assert.Equal(t, test.first, first)
				if test.second == "" {
					assert.NoError(t, second)
				} else {
					assert.Equal(t, test.second, fault.As(second).Reason)
				}
				calls := client.made()
				require.Len(t, calls, test.calls)
				if test.calls == 2 {
					assert.GreaterOrEqual(t, calls[1].begun, calls[0].end)
				}
			})
		})
	}
}

func TestCallerThatGivesUpReturnsAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		after time.Duration
		sent  []string
	}{
		"before its bill is sent": {10 * time.Millisecond, []string{"2"}},
		"while it is being saved": {70 * time.Millisecond, []string{"1", "2"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newFakeClient()
				g := newGroupsForNew(client, 1, testOptions)
				type key struct{}
				ctx, cancel := context.WithCancel(context.WithValue(t.Context(), key{}, "kept"))
				first, waitFirst := saving(ctx, g, "1")
				second, waitSecond := saving(t.Context(), g, "2")
				behind, waitBehind := saving(t.Context(), g, "1")
				start := time.Now()
				time.Sleep(test.after)
				cancel()
				waitFirst()
				assert.Equal(t, test.after, time.Since(start))
				assert.ErrorIs(t, first[0], context.Canceled)
				waitSecond()
				assert.NoError(t, second[0])
				call := client.made()[0]
				assert.NoError(t, call.ctx.Err(), "the call goes on")
				waitBehind()
				if slices.Contains(test.sent, "1") {
					assert.Equal(t, test.sent, call.numbers)
					assert.Equal(t, "kept", call.ctx.Value(key{}))
					assert.Equal(t, kingdee.ReasonNumberUsed, fault.As(behind[0]).Reason, "it was saved all the same")
				} else {
					assert.NoError(t, behind[0], "the bill was free again")
				}
				synctest.Wait()
				assert.Empty(t, g.claims)
			})
		})
	}
	t.Run("which time-out it is", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			g := newGroupsForNew(newFakeClient(), 1, testOptions)
			for after, reason := range map[time.Duration]string{10 * time.Millisecond: "no_session", 70 * time.Millisecond: "timeout", -1: "no_session"} {
				ctx, cancel := context.WithTimeout(t.Context(), after)
				requireFault(t, saveOne(ctx, g, "1"), fault.Retry, reason)
				cancel()
				time.Sleep(time.Second)
			}
		})
	})
}

func TestGroupsLeaveNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which fails if a goroutine remains
		client := newFakeClient()
		client.takes = 0
		g := newGroupsForNew(client, 2, Options{Bills: 3, Wait: time.Millisecond})
		impatient, release := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for i := range 100 {
			ctx := t.Context()
			if i%2 == 0 {
				ctx = impatient
			}
			all.Go(func() { _ = saveOne(ctx, g, fmt.Sprint(i%40)) })
		}
		release()
		all.Wait()
		time.Sleep(time.Second) // for the calls whose callers gave up
		synctest.Wait()
		assert.Zero(t, g.underWay)
		assert.Empty(t, g.queues)
		assert.Empty(t, g.claims)
		assert.Nil(t, g.wake)
	})
}

// Over HTTP, three callers share a look-up and a save, and each gets what the reply says of
// its own bill.
func TestGroupsOverHTTP(t *testing.T) {
	var sent []string
	server := serve(t, func(w http.ResponseWriter, _ *http.Request, body string) {
		sent = append(sent, body)
		if strings.Contains(body, "FilterString") {
			write(w, `[]`)
			return
		}
		write(w, status(`"MsgCode":11,"Errors":[{"FieldName":"FMaterialId","Message":"物料不存在","DIndex":1}],"SuccessEntitys":[{"Id":12,"Number":"C","DIndex":2},{"Id":10,"Number":"A","DIndex":0}]`))
	})
	// Full with three bills, the group does not wait for the clock.
	g := New(clientOf(t, server, kingdee.AuthSignature), Options{Calls: 1, Bills: 3, Wait: time.Hour})
	outcomes := map[string]kingdee.BillResult{}
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, number := range []string{"A", "B", "C"} {
		all.Go(func() {
			results, err := g.BatchSave(t.Context(), saveOf(number))
			assert.NoError(t, err)
			mu.Lock()
			defer mu.Unlock()
			outcomes[number] = results[0]
		})
		require.Eventually(t, func() bool { return g.has(number) || number == "C" }, time.Minute, time.Millisecond)
	}
	all.Wait()
	require.Len(t, sent, 2)
	assert.Contains(t, sent[0], `FBillNo in ('A','B','C')`, "none was looked up yet")
	assert.Equal(t, kingdee.BillResult{ID: "10", Number: "A"}, outcomes["A"])
	requireFault(t, outcomes["B"].Err, fault.Final, "unknown_material")
	assert.Equal(t, kingdee.BillResult{ID: "12", Number: "C"}, outcomes["C"])
}

// has reports whether a bill with the number waits or is being saved.
func (g *Groups) has(number string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	_, ok := g.claims[claim{kingdee.MethodBatchSave, numberOf{"F", number}}]
	return ok
}

// A reply that makes the decoder panic leaves the outcome open for each member of the
// call, and does not affect other calls.
func TestPanicIsAnOpenOutcome(t *testing.T) {
	g := newGroupsForNew(panickingClient{}, 1, Options{Bills: 20})
	for range 2 { // the session was released
		results, err := g.BatchSave(t.Context(), kingdee.BatchSave{Form: formF, Model: []json.RawMessage{[]byte(`{"FBillNo":"1"}`), []byte(`{"FBillNo":"2"}`)}})
		require.NoError(t, err)
		require.Len(t, results, 2)
		for _, result := range results {
			requireFault(t, result.Err, fault.Retry, "malformed_reply")
		}
	}
}

type panickingClient struct{ kingdee.Ledger }

func (panickingClient) BatchSave(context.Context, kingdee.BatchSave) ([]kingdee.BillResult, error) {
	panic("index out of range")
}
