package workflows

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/activity"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/workflow"
	"pgregory.net/rapid"

	"refundsync/internal/text"
)

// issuer is an open platform that gives one token after the other.
type issuer struct {
	mu       sync.Mutex
	life     time.Duration // 0 is not told
	fails    func(call int) error
	renewals []RenewTokenParams
	given    int
	at       []time.Duration
}

func (i *issuer) environment(t require.TestingT) *testsuite.TestWorkflowEnvironment {
	var suite testsuite.WorkflowTestSuite
	suite.SetLogger(log.NewStructuredLogger(slog.New(slog.DiscardHandler)))
	env := suite.NewTestWorkflowEnvironment()
	env.SetTestTimeout(time.Minute)
	env.SetStartTime(start)
	env.RegisterWorkflowWithOptions(AccessToken, workflow.RegisterOptions{Name: AccessTokenName})
	env.RegisterActivityWithOptions(func(_ context.Context, params RenewTokenParams) (SealedToken, error) {
		i.mu.Lock()
		defer i.mu.Unlock()
		i.renewals = append(i.renewals, params)
		i.at = append(i.at, env.Now().Sub(start))
		if i.fails != nil {
			if err := i.fails(len(i.renewals)); err != nil {
				return SealedToken{}, err
			}
		}
		i.given++
		token := SealedToken{ID: fmt.Sprint("t", i.given), Sealed: []byte("sealed")}
		if i.life > 0 {
			token.Expires = env.Now().Add(i.life)
		}
		return token, nil
	}, activity.RegisterOptions{Name: RenewTokenName})
	return env
}

// asked is an update and its answer.
type asked struct {
	token SealedToken
	err   error
	done  bool
	at    time.Duration
	then  func(SealedToken, error)
	now   func() time.Duration
}

func (a *asked) Accept()          {}
func (a *asked) Reject(err error) { a.err = err }
func (a *asked) Complete(success any, err error) {
	a.err, a.done, a.at = err, true, a.now()
	if err == nil {
		a.token = success.(SealedToken)
	}
	if a.then != nil {
		a.then(a.token, err)
	}
}

func ask(env *testsuite.TestWorkflowEnvironment, rejected string, then func(SealedToken, error)) *asked {
	a := &asked{then: then, now: func() time.Duration { return env.Now().Sub(start) }}
	env.UpdateWorkflow(AccessTokenUpdate, "", a, AccessTokenParams{Rejected: rejected})
	return a
}

// keep runs the workflow for so long.
func keep(env *testsuite.TestWorkflowEnvironment, span time.Duration, in AccessTokenInput) {
	env.RegisterDelayedCallback(env.CancelWorkflow, span)
	in.Transport = "open"
	env.ExecuteWorkflow(AccessTokenName, in)
}

func TestManyWhoAskAtOnceCauseOneRenewal(t *testing.T) {
	var i issuer
	env := i.environment(t)
	var first, rejections, late []*asked
	env.RegisterDelayedCallback(func() {
		for range 20 {
			first = append(first, ask(env, "", nil))
		}
	}, 0)
	env.RegisterDelayedCallback(func() {
		for range 20 {
			rejections = append(rejections, ask(env, "t1", nil))
		}
	}, time.Hour)
	env.RegisterDelayedCallback(func() { late = append(late, ask(env, "t1", nil), ask(env, "", nil)) }, 2*time.Hour)
	keep(env, 365*24*time.Hour, AccessTokenInput{})
	for want, all := range map[string][]*asked{"t1": first, "t2": append(rejections, late...)} {
		for _, a := range all {
			require.NoError(t, a.err)
			require.Equal(t, want, a.token.ID)
		}
	}
	require.Equal(t, []RenewTokenParams{{}, {Current: &SealedToken{ID: "t1", Sealed: []byte("sealed")}, Rejected: true}}, i.renewals)
}

func TestATokenIsRenewedBeforeItExpires(t *testing.T) {
	for _, c := range []struct {
		life, every time.Duration
	}{
		{30 * 24 * time.Hour, 30*24*time.Hour - longestMargin},
		{24 * time.Hour, 21*time.Hour + 36*time.Minute},
		{5 * time.Second, renewalPause}, // as soon as it may
	} {
		t.Run(c.life.String(), func(t *testing.T) {
			i := issuer{life: c.life}
			env := i.environment(t)
			env.RegisterDelayedCallback(func() { ask(env, "", nil) }, 0)
			keep(env, 3*c.every+c.every/2, AccessTokenInput{})
			require.Equal(t, []time.Duration{0, c.every, 2 * c.every, 3 * c.every}, i.at)
			require.False(t, i.renewals[1].Rejected)
			require.Equal(t, "t1", i.renewals[1].Current.ID)
		})
	}
}

func TestARenewalThatFails(t *testing.T) {
	refused := temporal.NewApplicationErrorWithOptions("authorise it", "not_self_built", temporal.ApplicationErrorOptions{
		NonRetryable: true, Details: []any{FailureDetails{Message: text.New("Expires")}},
	})
	t.Run("of the first token, is told, and attempted again for the next who asks", func(t *testing.T) {
		i := issuer{fails: func(call int) error {
			if call <= 2 {
				return refused
			}
			return nil
		}}
		env := i.environment(t)
		var all []*asked
		for n := range 3 {
			env.RegisterDelayedCallback(func() { all = append(all, ask(env, "", nil)) }, time.Duration(n)*time.Second)
		}
		env.RegisterDelayedCallback(func() { all = append(all, ask(env, "", nil)) }, time.Minute)
		keep(env, 24*time.Hour, AccessTokenInput{})
		require.Len(t, all, 4)
		var application *temporal.ApplicationError
		require.ErrorAs(t, all[0].err, &application)
		require.Equal(t, "not_self_built", application.Type())
		require.True(t, application.NonRetryable())
		require.Error(t, all[1].err)
		require.Error(t, all[2].err)
		require.NoError(t, all[3].err)
		require.Equal(t, []time.Duration{0, renewalPause, time.Minute}, i.at)
	})
	t.Run("of a token that is still valid, is not told", func(t *testing.T) {
		i := issuer{life: 30 * 24 * time.Hour, fails: func(call int) error {
			if call == 2 || call == 3 {
				return refused
			}
			return nil
		}}
		env := i.environment(t)
		env.RegisterDelayedCallback(func() { ask(env, "", nil) }, 0)
		due := i.life - longestMargin
		var meanwhile *asked
		env.RegisterDelayedCallback(func() { meanwhile = ask(env, "", nil) }, due+time.Minute)
		keep(env, i.life, AccessTokenInput{})
		require.NoError(t, meanwhile.err)
		require.Equal(t, "t1", meanwhile.token.ID)
		require.Equal(t, []time.Duration{0, due, due + refreshPause, due + 2*refreshPause}, i.at)
	})
}

func TestAnAccessTokenContinuesAsNew(t *testing.T) {
	i := issuer{life: 24 * time.Hour}
	env := i.environment(t)
	var a *asked
	env.RegisterDelayedCallback(func() { a = ask(env, "", nil) }, 10*time.Minute)
	env.RegisterDelayedCallback(func() { env.SetContinueAsNewSuggested(true) }, 30*time.Minute)
	carried := &SealedToken{ID: "t0", Sealed: []byte("s"), Expires: start.Add(24 * time.Hour)}
	env.ExecuteWorkflow(AccessTokenName, AccessTokenInput{Transport: "open", Carried: carried})
	require.Equal(t, "t0", a.token.ID)
	var again *workflow.ContinueAsNewError
	require.ErrorAs(t, env.GetWorkflowError(), &again)
	require.Equal(t, AccessTokenName, again.WorkflowType.Name)
	require.Empty(t, i.renewals)
}

func TestAnAccessTokenAnswersThoseWhoWaitBeforeItContinuesAsNew(t *testing.T) {
	for _, life := range []time.Duration{0, 24 * time.Hour} {
		t.Run(life.String(), func(t *testing.T) {
			i := issuer{life: life}
			env := i.environment(t)
			i.fails = func(int) error { env.SetContinueAsNewSuggested(true); return nil }
			var a *asked
			env.RegisterDelayedCallback(func() { a = ask(env, "", nil) }, 0)
			env.ExecuteWorkflow(AccessTokenName, AccessTokenInput{Transport: "open"})
			var again *workflow.ContinueAsNewError
			require.ErrorAs(t, env.GetWorkflowError(), &again)
			require.NoError(t, a.err)
			require.Equal(t, "t1", a.token.ID)
		})
	}
}

// Law: however many workers call at whatever times, and whenever the platform stops to accept
// tokens, each worker gets on, and the renewals are at most one for each token that the
// platform stopped to accept, and one for each that neared its expiry.
func TestLawOfAccessTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		span := 48 * time.Hour
		i := issuer{life: time.Duration(rapid.IntRange(1, 60).Draw(t, "life in hours")) * time.Hour}
		env := i.environment(t)
		accepted := 1 // the number of the first token that is accepted
		dead := 0
		for range rapid.IntRange(0, 5).Draw(t, "times that tokens die") {
			at := time.Duration(rapid.IntRange(1, int(span/time.Second)-3600).Draw(t, "at")) * time.Second
			env.RegisterDelayedCallback(func() {
				i.mu.Lock()
				defer i.mu.Unlock()
				if i.given >= accepted {
					accepted, dead = i.given+1, dead+1
				}
			}, at)
		}
		number := func(id string) (n int) {
			_, _ = fmt.Sscanf(id, "t%d", &n)
			return n
		}
		unserved := 0
		for range rapid.IntRange(1, 20).Draw(t, "workers") {
			known, calling := "", false
			var call func(rejected string)
			answered := func(token SealedToken, err error) {
				if err != nil {
					t.Fatalf("a worker got no token: %v", err)
				}
				known = token.ID
				i.mu.Lock()
				rejected := number(known) < accepted
				i.mu.Unlock()
				if !rejected {
					calling = false
					unserved--
					return
				}
				env.RegisterDelayedCallback(func() { call(known) }, time.Second)
			}
			call = func(rejected string) { ask(env, rejected, answered) }
			for range rapid.IntRange(1, 5).Draw(t, "calls") {
				env.RegisterDelayedCallback(func() {
					i.mu.Lock()
					rejected := known != "" && number(known) < accepted
					i.mu.Unlock()
					if calling || known != "" && !rejected {
						return
					}
					calling = true
					unserved++
					call(known)
				}, time.Duration(rapid.IntRange(0, int(span/time.Second)-3600).Draw(t, "at"))*time.Second)
			}
		}
		keep(env, span, AccessTokenInput{})
		require.Zero(t, unserved, "a worker waits for a token")
		margin := min(longestMargin, i.life/10)
		byTime := int(span/(i.life-margin)) + 1
		require.LessOrEqual(t, len(i.renewals), 1+dead+byTime)
	})
}
