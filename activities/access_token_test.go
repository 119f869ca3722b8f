package activities

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/fault"
	"refundsync/internal/jushuitan"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// issuing is an open platform that gives t1, t2, and so on, each for a day.
func issuing(t *testing.T, secret string, given jushuitan.Grant) *TokenSource {
	t.Helper()
	calls := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls++
		if secret == "" {
			_, _ = fmt.Fprint(w, `{"code":21024,"msg":"仅支持自有应用"}`)
			return
		}
		_, _ = fmt.Fprintf(w, `{"code":0,"data":{"access_token":"t%d","expires_in":86400}}`, calls)
	}))
	t.Cleanup(server.Close)
	app := jushuitan.OpenApp{URL: server.URL, Key: "k", Secret: "s" + secret}
	grants, err := jushuitan.NewGrants(app, nil)
	require.NoError(t, err)
	return &TokenSource{App: app, Grants: grants, Given: given}
}

func renewed(t *testing.T, s *TokenSource, params workflows.RenewTokenParams) (workflows.SealedToken, string) {
	t.Helper()
	value, err := environment(&Activities{Tokens: s}).ExecuteActivity(workflows.RenewTokenName, params)
	require.NoError(t, err)
	var sealed workflows.SealedToken
	require.NoError(t, value.Get(&sealed))
	grant, err := s.App.Unseal(sealed.Sealed)
	require.NoError(t, err)
	require.Equal(t, jushuitan.TokenID(grant.AccessToken), sealed.ID)
	require.Equal(t, grant.Expires.Unix(), sealed.Expires.Unix())
	return sealed, grant.AccessToken
}

func TestRenewToken(t *testing.T) {
	t.Run("one's own application", func(t *testing.T) {
		s := issuing(t, "1", jushuitan.Grant{})
		first, token := renewed(t, s, workflows.RenewTokenParams{})
		require.Equal(t, "t1", token)
		_, token = renewed(t, s, workflows.RenewTokenParams{Current: &first, Rejected: true})
		require.Equal(t, "t2", token)
	})
	t.Run("the token of the settings comes first, and again once it is another", func(t *testing.T) {
		s := issuing(t, "1", jushuitan.Grant{AccessToken: "given"})
		first, token := renewed(t, s, workflows.RenewTokenParams{})
		require.Equal(t, "given", token)
		require.True(t, first.Expires.IsZero())
		second, token := renewed(t, s, workflows.RenewTokenParams{Current: &first, Rejected: true})
		require.Equal(t, "t1", token)
		s.Given.AccessToken = "given anew"
		_, token = renewed(t, s, workflows.RenewTokenParams{Current: &second, Rejected: true})
		require.Equal(t, "given anew", token)
	})
	t.Run("a service provider's application", func(t *testing.T) {
		_, err := environment(&Activities{Tokens: issuing(t, "", jushuitan.Grant{})}).ExecuteActivity(workflows.RenewTokenName, workflows.RenewTokenParams{})
		var application *temporal.ApplicationError
		require.ErrorAs(t, err, &application)
		require.Equal(t, jushuitan.NotSelfBuilt, application.Type())
		require.True(t, application.NonRetryable())
	})
	t.Run("a worker without the open platform", func(t *testing.T) {
		_, err := environment(&Activities{}).ExecuteActivity(workflows.RenewTokenName, workflows.RenewTokenParams{})
		require.ErrorContains(t, err, "JUSHUITAN_OPEN_APP_KEY")
		var application *temporal.ApplicationError
		require.ErrorAs(t, err, &application)
		require.False(t, application.NonRetryable(), "another worker may have it")
	})
}

// keeper is a Temporal client with an AccessToken workflow in memory.
type keeper struct {
	client.Client
	mu    sync.Mutex
	asked []string // what was said to be rejected
	token workflows.SealedToken
	next  func() workflows.SealedToken
	err   error
}

func (k *keeper) NewWithStartWorkflowOperation(options client.StartWorkflowOptions, _ any, _ ...any) client.WithStartWorkflowOperation {
	if options.ID != "token/q/k" || options.TaskQueue != "q" {
		k.err = errors.New("another workflow")
	}
	return nil
}

func (k *keeper) UpdateWithStartWorkflow(_ context.Context, options client.UpdateWithStartWorkflowOptions) (client.WorkflowUpdateHandle, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	rejected := options.UpdateOptions.Args[0].(workflows.AccessTokenParams).Rejected
	k.asked = append(k.asked, rejected)
	if k.token.ID == rejected {
		k.token = k.next()
	}
	return answered{token: k.token, err: k.err}, nil
}

type answered struct {
	client.WorkflowUpdateHandle
	token workflows.SealedToken
	err   error
}

func (a answered) Get(_ context.Context, value any) error {
	*value.(*workflows.SealedToken) = a.token
	return a.err
}

// sealing gives t1, t2, and so on, which expire after a life; 0 is never.
func sealing(t *testing.T, app jushuitan.OpenApp, life time.Duration) func() workflows.SealedToken {
	count := 0
	return func() workflows.SealedToken {
		count++
		grant := jushuitan.Grant{AccessToken: fmt.Sprint("t", count)}
		if life > 0 {
			grant.Expires = time.Now().Add(life)
		}
		sealed, err := app.Seal(grant)
		require.NoError(t, err)
		return workflows.SealedToken{ID: jushuitan.TokenID(grant.AccessToken), Sealed: sealed, Expires: grant.Expires}
	}
}

var openApp = jushuitan.OpenApp{URL: "https://localhost", Key: "k", Secret: "s"}

func TestSharedTokensAskOnceForAll(t *testing.T) {
	k := &keeper{next: sealing(t, openApp, 0)}
	tokens := NewSharedTokens(k, "q", openApp)
	all := func(do func() error) {
		t.Helper()
		errs := make(chan error)
		for range 20 {
			go func() { errs <- do() }()
		}
		for range 20 {
			require.NoError(t, <-errs)
		}
	}
	has := func(want string) func() error {
		return func() error {
			token, err := tokens.Token(t.Context())
			if err == nil && token != want {
				err = fmt.Errorf("%s instead of %s", token, want)
			}
			return err
		}
	}
	all(has("t1"))
	all(func() error { return tokens.Rejected(t.Context(), "t1") })
	all(has("t2"))
	all(func() error { return tokens.Rejected(t.Context(), "t1") })
	require.Equal(t, []string{"", jushuitan.TokenID("t1")}, k.asked)
}

func TestSharedTokensAreAskedForAnewBeforeTheyExpire(t *testing.T) {
	for _, life := range []time.Duration{time.Hour, time.Minute} {
		k := &keeper{next: sealing(t, openApp, life)}
		tokens := NewSharedTokens(k, "q", openApp)
		for range 3 {
			_, err := tokens.Token(t.Context())
			require.NoError(t, err)
		}
		require.Len(t, k.asked, 1)
		tokens.known.until = time.Now()
		_, err := tokens.Token(t.Context())
		require.NoError(t, err)
		require.Len(t, k.asked, 2)
	}
}

// After the secret was changed, the token that was sealed with the old one counts as rejected.
func TestATokenOfAnotherSecretIsRenewed(t *testing.T) {
	old := openApp
	old.Secret = "former"
	k := &keeper{token: sealing(t, old, 0)(), next: sealing(t, openApp, 0)}
	k.token.ID = "former"
	k.next() // t1 was the former
	token, err := NewSharedTokens(k, "q", openApp).Token(t.Context())
	require.NoError(t, err)
	require.Equal(t, "t2", token)
	require.Equal(t, []string{"", "former"}, k.asked)

	k = &keeper{token: sealing(t, old, 0)(), next: sealing(t, old, 0)}
	_, err = NewSharedTokens(k, "q", openApp).Token(t.Context())
	require.Equal(t, "no_token", fault.As(err).Reason)
	require.Equal(t, fault.Retry, fault.As(err).Class)
}

func TestFailuresOfRenewalsArrive(t *testing.T) {
	for _, final := range []bool{true, false} {
		k := &keeper{next: sealing(t, openApp, 0), err: temporal.NewApplicationErrorWithOptions("m", "not_self_built", temporal.ApplicationErrorOptions{
			NonRetryable: final, Details: []any{workflows.FailureDetails{Message: text.New("authorise it")}},
		})}
		_, err := NewSharedTokens(k, "q", openApp).Token(t.Context())
		f := fault.As(err)
		require.NotNil(t, f, "%v", err)
		require.Equal(t, final, f.Class == fault.Final)
		require.Equal(t, "not_self_built", f.Reason)
		require.ErrorContains(t, err, "authorise it")
	}
	k := &keeper{next: sealing(t, openApp, 0), err: context.DeadlineExceeded}
	_, err := NewSharedTokens(k, "q", openApp).Token(t.Context())
	require.ErrorIs(t, err, context.DeadlineExceeded)
}
