package e2e

import (
	"testing"

	"github.com/stretchr/testify/require"
	historypb "go.temporal.io/api/history/v1"
	"google.golang.org/protobuf/encoding/protojson"

	"refundsync/activities"
	"refundsync/internal/jushuitan"
	"refundsync/internal/simulator"
	"refundsync/workflows"
)

// openApp is the application at the simulated open platform.
func (w *world) openApp() jushuitan.OpenApp {
	return jushuitan.OpenApp{URL: w.env["JUSHUITAN_OPEN_URL"], Key: w.env["JUSHUITAN_OPEN_APP_KEY"], Secret: w.env["JUSHUITAN_OPEN_APP_SECRET"]}
}

// Those who call the open platform share a token that is kept sealed. When the platform has
// ended it, and all of them find out at once, it is renewed once. It outlives the worker.
func TestTheAccessTokenIsShared(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulator.Options{Orders: 5})
	worker := w.startWorkerProcess(t)
	c, app := w.temporal(t), w.openApp()
	callers := make([]*activities.SharedTokens, 5)
	for i := range callers {
		callers[i] = activities.NewSharedTokens(c, "refundsync", app)
	}
	all := func(do func(*activities.SharedTokens) (string, error)) string {
		t.Helper()
		type answer struct {
			token string
			err   error
		}
		answers := make(chan answer)
		for _, caller := range callers {
			go func() {
				token, err := do(caller)
				answers <- answer{token, err}
			}()
		}
		tokens := map[string]bool{}
		var last string
		for range callers {
			a := <-answers
			require.NoError(t, a.err)
			last = a.token
			tokens[a.token] = true
		}
		require.Len(t, tokens, 1)
		return last
	}
	current := func(s *activities.SharedTokens) (string, error) { return s.Token(t.Context()) }
	first := all(current)
	require.Positive(t, w.EndTokens())
	second := all(func(s *activities.SharedTokens) (string, error) {
		if err := s.Rejected(t.Context(), first); err != nil {
			return "", err
		}
		return s.Token(t.Context())
	})
	require.NotEqual(t, first, second)

	worker.Terminate(t)
	w.startWorkerProcess(t)
	callers = []*activities.SharedTokens{activities.NewSharedTokens(c, "refundsync", app)}
	require.Equal(t, second, all(current))

	history := events(t, c, workflows.AccessTokenID("refundsync", app.Key), "")
	renewals := 0
	for _, event := range history {
		if event.GetActivityTaskScheduledEventAttributes() != nil {
			renewals++
		}
	}
	require.Equal(t, 2, renewals)
	raw, err := protojson.Marshal(&historypb.History{Events: history})
	require.NoError(t, err)
	for _, secret := range []string{first, second, app.Secret} {
		require.NotContains(t, string(raw), secret)
	}
}

func recordAccessToken(t *testing.T, r recorder) {
	w := newWorld(t, simulator.Options{Orders: 5})
	w.startWorkerProcess(t)
	c, app := w.temporal(t), w.openApp()
	tokens := activities.NewSharedTokens(c, "refundsync", app)
	token, err := tokens.Token(t.Context())
	require.NoError(t, err)
	require.Positive(t, w.EndTokens())
	require.NoError(t, tokens.Rejected(t.Context(), token))
	r.ofType(t, c, workflows.AccessTokenName, "access_token")
}
