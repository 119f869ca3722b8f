package groupcommit

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
	"refundsync/internal/kingdee"
)

// ledgerClient is a tenant without the rule that numbers are unique.
type ledgerClient struct {
	*fakeClient
	mu     sync.Mutex
	bills  map[string][]kingdee.Bill
	losing atomic.Bool // calls end without an outcome
}

func newLedgerClient() *ledgerClient {
	c := &ledgerClient{fakeClient: newFakeClient(), bills: map[string][]kingdee.Bill{}}
	c.refuses = func(number string) error {
		c.put(kingdee.Bill{ID: "of this worker", Number: number, DocumentStatus: "A"})
		return nil
	}
	c.fails = func([]string) error {
		if c.losing.Load() {
			return connectionLost.failure(kingdee.MethodBatchSave, "")
		}
		return nil
	}
	return c
}

// lose makes a save whose outcome stays open.
func (c *ledgerClient) lose(g *Groups) {
	c.losing.Store(true)
	_ = saveOne(context.Background(), g, "1")
	c.losing.Store(false)
}

// take sets how long calls take that begin from now on.
func (c *ledgerClient) take(d time.Duration) {
	c.fakeClient.mu.Lock()
	defer c.fakeClient.mu.Unlock()
	c.takes = d
}

func (c *ledgerClient) put(bill kingdee.Bill) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bills[bill.Number] = append(c.bills[bill.Number], bill)
}

func (c *ledgerClient) replace(bill kingdee.Bill) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bills[bill.Number] = []kingdee.Bill{bill}
}

func (c *ledgerClient) FindBills(ctx context.Context, form kingdee.BillForm, numbers []string) (map[string][]kingdee.Bill, error) {
	if err := c.call(ctx, "find "+form.ID, numbers); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	found := map[string][]kingdee.Bill{}
	for _, number := range numbers {
		if bills := c.bills[number]; len(bills) > 0 {
			found[number] = bills
		}
	}
	return found, nil
}

// asleep is a clock whose monotonic part stops during a suspension.
type asleep struct {
	machine
	wall atomic.Int64
}

func (a *asleep) sleep(d time.Duration) { a.wall.Add(int64(d)) }

func (a *asleep) Now() (monotonic, wall time.Time) {
	monotonic, wall = a.machine.Now()
	return monotonic, wall.Add(time.Duration(a.wall.Load()))
}

// Three runs look a page up at one moment, and save its orders one after the other: the
// first saves, and the others learn of it though their look-ups are fresh.
func TestRunsThatOverlapSaveOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := newLedgerClient()
		g := newGroups(client, 4, testOptions)
		var looks sync.WaitGroup
		for range 3 {
			looks.Go(func() {
				found, err := g.FindBills(t.Context(), formF, numbered(1, 20))
				assert.NoError(t, err)
				assert.Empty(t, found)
			})
		}
		looks.Wait()
		for run := range 3 {
			outcomes, wait := saving(t.Context(), g, numbered(1, 20)...)
			wait()
			for _, err := range outcomes {
				if run == 0 {
					require.NoError(t, err)
				} else {
					require.Equal(t, kingdee.ReasonNumberUsed, fault.As(err).Reason)
				}
			}
			time.Sleep(15 * time.Second)
		}
		for number, bills := range client.bills {
			require.Len(t, bills, 1, number)
		}
		require.Len(t, client.made(), 1+5, "one look-up, and what the first run saved")
	})
}

// A saved number is remembered for longer than any look-up is fresh; a look-up that does
// not show it lags behind.
func TestSavedNumberIsRemembered(t *testing.T) {
	for name, test := range map[string]struct {
		after time.Duration
		calls []string // from then on
	}{
		"at once":                    {0, nil},
		"while a look-up may hold":   {lookUpTTL, nil},
		"a little before it is past": {savedTTL - time.Second, nil},
		"when it is past":            {savedTTL, []string{"find F [1]"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newLedgerClient()
				g := newGroups(client, 1, testOptions)
				require.NoError(t, saveOne(t.Context(), g, "1"))
				client.mu.Lock()
				bills := client.bills
				client.bills = nil // not shown yet
				client.mu.Unlock()
				_, err := g.FindBills(t.Context(), formF, []string{"1"})
				require.NoError(t, err)
				client.mu.Lock()
				client.bills = bills
				client.mu.Unlock()
				before := len(client.made())
				time.Sleep(test.after)
				require.Equal(t, kingdee.ReasonNumberUsed, fault.As(saveOne(t.Context(), g, "1")).Reason)
				var calls []string
				for _, call := range client.made()[before:] {
					calls = append(calls, fmt.Sprint(call.what, " ", call.numbers))
				}
				require.Equal(t, test.calls, calls)
			})
		})
	}
}

// A look-up allows a save for a minute from its beginning. After a save whose outcome is
// open, only a later look-up does.
func TestHowLongALookUpAllowsASave(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(*ledgerClient, *Groups, *asleep)
		want string
	}{
		"never looked up":   {func(*ledgerClient, *Groups, *asleep) {}, "find, save"},
		"just looked up":    {func(_ *ledgerClient, g *Groups, _ *asleep) { find(g) }, "find, save"},
		"almost a minute":   {func(_ *ledgerClient, g *Groups, _ *asleep) { find(g); time.Sleep(lookUpTTL - time.Second) }, "find, save"},
		"a minute":          {func(_ *ledgerClient, g *Groups, _ *asleep) { find(g); time.Sleep(lookUpTTL) }, "find, find, save"},
		"the machine slept": {func(_ *ledgerClient, g *Groups, a *asleep) { find(g); a.sleep(longestNap) }, "find, find, save"},
		"the machine slept after a while": {func(_ *ledgerClient, g *Groups, a *asleep) {
			find(g)
			time.Sleep(20 * time.Second)
			a.sleep(longestNap)
			time.Sleep(20 * time.Second)
		}, "find, find, save"},
		"the machine stuttered": {func(_ *ledgerClient, g *Groups, a *asleep) {
			find(g)
			for range 10 {
				a.sleep(longestNap / 2)
				time.Sleep(2 * time.Second)
			}
		}, "find, save"},
		"the clock was set back": {func(_ *ledgerClient, g *Groups, a *asleep) {
			find(g)
			a.sleep(-time.Hour)
			time.Sleep(lookUpTTL)
		}, "find, find, save"},
		"a save ended without an outcome": {func(c *ledgerClient, g *Groups, _ *asleep) {
			find(g)
			c.lose(g)
		}, "find, save, find, save"},
		"a look-up from before such a save ends after it": {func(c *ledgerClient, g *Groups, _ *asleep) {
			find(g)
			c.take(30 * time.Second)
			go find(g)
			time.Sleep(time.Second) // it is in flight
			c.take(time.Second)
			c.lose(g)
			time.Sleep(40 * time.Second)
		}, "find, find, save, find, save"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, clock := newLedgerClient(), &asleep{}
				g := newGroups(client, 2, testOptions)
				g.options.Clock = clock
				test.do(client, g, clock)
				require.NoError(t, saveOne(t.Context(), g, "1"))
				var calls []string
				for _, call := range client.made() {
					calls = append(calls, strings.TrimSuffix(call.what, " F"))
				}
				require.Equal(t, test.want, strings.Join(calls, ", "))
			})
		})
	}
}

func find(g *Groups) { _, _ = g.FindBills(context.Background(), formF, []string{"1"}) }

// While saves wait for the only session, the machine is suspended, and another worker
// continues. What waited is looked up before it is sent.
func TestWhatWaitedWhileTheMachineSlept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client, clock := newLedgerClient(), &asleep{}
		g := newGroups(client, 1, Options{Bills: 1})
		g.options.Clock = clock
		_, err := g.FindBills(t.Context(), formF, numbered(1, 3))
		require.NoError(t, err)
		outcomes, wait := saving(t.Context(), g, numbered(1, 3)...)
		clock.sleep(10 * time.Second) // with the first on its way
		client.put(kingdee.Bill{ID: "of another worker", Number: "2"})
		wait()
		require.NoError(t, outcomes[0])
		require.Equal(t, kingdee.ReasonNumberUsed, fault.As(outcomes[1]).Reason)
		require.NoError(t, outcomes[2])
		require.Equal(t, []string{
			"find F [1 2 3] at 0s", "save F [1] at 100ms", "find F [2] at 200ms", "find F [3] at 300ms", "save F [3] at 400ms",
		}, client.groups())
		for number, bills := range client.bills {
			require.Len(t, bills, 1, number)
		}
	})
}

// A bill is overwritten only if a look-up right before shows it as its caller saw it.
func TestSaveOverABillThatHasChanged(t *testing.T) {
	seen := kingdee.Bill{ID: "7", Number: "1", DocumentStatus: "A", Date: "2024-03-01", Text: "of the first version"}
	changed := func(change func(*kingdee.Bill)) kingdee.Bill {
		bill := seen
		change(&bill)
		return bill
	}
	for name, test := range map[string]struct {
		there []kingdee.Bill
		sent  bool
	}{
		"the same":          {[]kingdee.Bill{seen}, true},
		"a newer version":   {[]kingdee.Bill{changed(func(b *kingdee.Bill) { b.Text = "of the second version" })}, false},
		"taken further":     {[]kingdee.Bill{changed(func(b *kingdee.Bill) { b.DocumentStatus = "B" })}, false},
		"of another date":   {[]kingdee.Bill{changed(func(b *kingdee.Bill) { b.Date = "2024-04-01" })}, false},
		"saved anew":        {[]kingdee.Bill{changed(func(b *kingdee.Bill) { b.ID = "8" })}, false},
		"deleted":           {nil, false},
		"with a double now": {[]kingdee.Bill{seen, changed(func(b *kingdee.Bill) { b.ID = "8" })}, false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := newLedgerClient()
				g := newGroups(client, 1, testOptions)
				client.bills["1"] = test.there
				b := saveOf("1")
				b.Over = &seen
				results, err := g.BatchSave(t.Context(), b)
				require.NoError(t, err)
				if test.sent {
					require.NoError(t, results[0].Err)
					require.Equal(t, []string{"find F [1] at 20ms", "save F [1] at 120ms"}, client.groups())
					return
				}
				require.Equal(t, kingdee.ReasonNumberUsed, fault.As(results[0].Err).Reason)
				require.Equal(t, []string{"find F [1] at 20ms"}, client.groups())
			})
		})
	}
}

// A submit or an audit that has waited for over a minute is sent if the bill's state is
// unchanged.
func TestSubmitAndAuditThatWaited(t *testing.T) {
	for name, test := range map[string]struct {
		status string
		audits bool
		slept  time.Duration
		want   []string
		reason string
	}{
		"submit at once":               {"A", false, 0, []string{"save", "submit"}, ""},
		"submit, created":              {"A", false, lookUpTTL, []string{"save", "find", "submit"}, ""},
		"submit, a draft":              {"Z", false, lookUpTTL, []string{"save", "find", "submit"}, ""},
		"submit, submitted meanwhile":  {"B", false, lookUpTTL, []string{"save", "find"}, "not_operable"},
		"submit, re-opened meanwhile":  {"D", false, lookUpTTL, []string{"save", "find"}, "not_operable"},
		"audit at once":                {"B", true, 0, []string{"save", "audit"}, ""},
		"audit, under review":          {"B", true, lookUpTTL, []string{"save", "find", "audit"}, ""},
		"audit, audited meanwhile":     {"C", true, lookUpTTL, []string{"save", "find"}, "not_operable"},
		"audit, re-opened by a person": {"D", true, lookUpTTL, []string{"save", "find"}, "not_operable"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client, clock := newLedgerClient(), &asleep{}
				client.replace(kingdee.Bill{ID: "7", Number: "s", DocumentStatus: test.status})
				client.refuses = func(string) error { return nil }
				g := newGroups(client, 1, Options{Bills: 1})
				g.options.Clock = clock
				g.known.absent[numberOf{"F", "1"}] = g.now()
				_, wait := saving(t.Context(), g, "1") // takes the only session
				operate := g.Submit
				if test.audits {
					operate = g.Audit
				}
				var results []kingdee.BillResult
				var err error
				var operated sync.WaitGroup
				operated.Go(func() { results, err = operate(t.Context(), formF, []string{"s"}) })
				synctest.Wait()
				clock.sleep(test.slept)
				wait()
				operated.Wait()
				require.NoError(t, err)
				if test.reason != "" {
					requireFault(t, results[0].Err, fault.Retry, test.reason)
				} else {
					require.NoError(t, results[0].Err)
				}
				var calls []string
				for _, call := range client.made() {
					calls = append(calls, strings.TrimSuffix(call.what, " F"))
				}
				require.Equal(t, test.want, calls)
			})
		})
	}
}

// The check is made when the request is written: whatever the client does before it, such
// as a login and a retry, nothing is sent by an expired look-up.
func TestRequestIsNotWrittenByAnOldLookUp(t *testing.T) {
	for name, test := range map[string]struct {
		auth kingdee.Auth
		// sleeps suspends the machine while the server processes a request.
		sleeps func(path string, saves int) bool
		reply  func(w http.ResponseWriter, saves int)
		saves  int // that the server received
	}{
		"awake":                      {kingdee.AuthSignature, func(string, int) bool { return false }, nil, 1},
		"while it logs in":           {kingdee.AuthPassword, func(path string, _ int) bool { return strings.Contains(path, "AuthService") }, nil, 0},
		"with the call on its way":   {kingdee.AuthPassword, func(_ string, saves int) bool { return saves == 1 }, nil, 1},
		"before the call once more":  {kingdee.AuthPassword, func(_ string, saves int) bool { return saves == 2 }, lostSession, 2},
		"in the login for that call": {kingdee.AuthPassword, func(path string, saves int) bool { return saves == 2 && strings.Contains(path, "AuthService") }, lostSession, 2},
	} {
		t.Run(name, func(t *testing.T) {
			clock := &asleep{}
			saves := 0
			var mu sync.Mutex
			server := serve(t, func(w http.ResponseWriter, r *http.Request, body string) {
				mu.Lock()
				defer mu.Unlock()
				saved := strings.Contains(body, `"Model"`)
				if saved {
					saves++
				}
				if test.sleeps(r.URL.Path, saves) {
					clock.sleep(10 * time.Minute)
				}
				switch {
				case strings.Contains(r.URL.Path, "AuthService"):
					http.SetCookie(w, &http.Cookie{Name: "kdservice-sessionid", Value: fmt.Sprint(saves)})
					write(w, `{"LoginResultType":1}`)
				case saved && test.reply != nil:
					test.reply(w, saves)
				case saved:
					write(w, status(`"IsSuccess":true,"SuccessEntitys":[{"Id":10,"Number":"1","DIndex":0}]`))
				default:
					write(w, `[]`)
				}
			})
			g := newGroups(clientOf(t, server, test.auth), 1, Options{Bills: 1})
			g.options.Clock = clock
			for _, number := range []string{"0", "1"} {
				g.known.absent[numberOf{"F", number}] = g.now()
			}
			if test.reply != nil {
				require.NoError(t, saveOne(t.Context(), g, "0")) // logs in
			}
			err := saveOne(t.Context(), g, "1")
			if test.saves == 1 {
				require.NoError(t, err)
			} else {
				requireFault(t, err, fault.Retry, "look_up_too_old")
			}
			mu.Lock()
			defer mu.Unlock()
			require.Equal(t, test.saves, saves)
		})
	}
}

// lostSession accepts the first save, and reports a lost session for the second.
func lostSession(w http.ResponseWriter, saves int) {
	if saves == 1 {
		write(w, status(`"IsSuccess":true,"SuccessEntitys":[{"Id":10,"Number":"0","DIndex":0}]`))
		return
	}
	write(w, status(`"IsSuccess":false,"Errors":[{"Message":"会话信息已丢失，请重新登录","DIndex":0}],"MsgCode":1`))
}
