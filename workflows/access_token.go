package workflows

import (
	"errors"
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"refundsync/internal/text"
)

// AccessTokenUpdate is the update that an AccessToken workflow answers with a [SealedToken].
const AccessTokenUpdate = "token"

// AccessTokenID is the id of the workflow that keeps the access token of an application.
func AccessTokenID(taskQueue, appKey string) string { return "token/" + taskQueue + "/" + appKey }

// SealedToken is an access token that only holders of the application's secret can open, so
// that no history holds it in clear text.
type SealedToken struct {
	// ID identifies the token without telling it.
	ID     string `json:"id"`
	Sealed []byte `json:"sealed"`
	// Expires is when the token expires; zero if unknown.
	Expires time.Time `json:"expires,omitzero"`
	// Given is the ID of the token of the settings that was used last; "" for none.
	Given string `json:"given,omitempty"`
}

// AccessTokenInput begins an AccessToken workflow.
type AccessTokenInput struct {
	// Transport says which task queue the calls for a token are made on.
	Transport string `json:"transport"`
	// Carried is nil at first, and is carried over continue-as-new.
	Carried *SealedToken `json:"carried,omitempty"`
}

// AccessTokenParams asks for the current token.
type AccessTokenParams struct {
	// Rejected is the ID of a token that was rejected; "" for none.
	Rejected string `json:"rejected,omitempty"`
}

// RenewTokenParams asks for the token that follows another. The result is a [SealedToken].
type RenewTokenParams struct {
	// Current is nil for the first token.
	Current *SealedToken `json:"current,omitempty"`
	// Rejected means that the open platform has rejected it.
	Rejected bool `json:"rejected,omitempty"`
}

const (
	// renewalPause is the least time between two renewals. If each new token is rejected, it
	// bounds them.
	renewalPause = 10 * time.Second
	// refreshPause is the time between two attempts to renew a token that is still valid.
	refreshPause = 10 * time.Minute
	// longestMargin is how long before the expiry a token is renewed at most: the platform
	// accepts a refresh only near the expiry, and a renewal may fail for some hours.
	longestMargin = 12 * time.Hour
)

// AccessToken keeps the access token of an application of the open platform for all workers
// of a task queue. There is one for each application, by its id. Whoever calls the platform
// asks with [AccessTokenUpdate], and says which token was rejected, if one was: that token is
// renewed if it is still the current one, once for all who ask meanwhile. A token whose expiry
// is known is renewed before that.
//
// An update fails with the failure of the renewal that it waited for; the next update starts
// another attempt.
func AccessToken(ctx workflow.Context, in AccessTokenInput) error {
	k := &tokenKeeper{input: in, token: in.Carried}
	if in.Carried != nil {
		k.plan(ctx)
	}
	if err := workflow.SetUpdateHandler(ctx, AccessTokenUpdate, k.answer); err != nil {
		return err
	}
	for {
		due, err := k.wait(ctx)
		switch {
		case err != nil:
			return err
		case due:
			if err := k.renew(ctx); err != nil {
				return err
			}
		case mayContinueAsNew(ctx):
			return workflow.NewContinueAsNewError(ctx, AccessTokenName, AccessTokenInput{Transport: in.Transport, Carried: k.token})
		}
	}
}

type tokenKeeper struct {
	input AccessTokenInput
	token *SealedToken // nil before the first
	// wanted is set while somebody waits for a renewal, rejected if the current token was
	// rejected.
	wanted, rejected bool
	// renewals counts the renewals that have ended, the last of which failed with failure.
	renewals int
	failure  error
	// next is when the next renewal is due if nobody asks; zero for never. earliest is when
	// it may be made.
	next, earliest time.Time
}

// answer handles an update.
func (k *tokenKeeper) answer(ctx workflow.Context, params AccessTokenParams) (SealedToken, error) {
	rejected := k.token != nil && params.Rejected == k.token.ID
	if k.token != nil && !rejected {
		return *k.token, nil
	}
	k.wanted, k.rejected = true, k.rejected || rejected
	ended := k.renewals
	if err := workflow.Await(ctx, func() bool { return k.renewals > ended }); err != nil {
		return SealedToken{}, err
	}
	if k.failure != nil {
		return SealedToken{}, k.failure
	}
	return *k.token, nil
}

// mayContinueAsNew reports whether the history is long and nobody waits for an answer.
func mayContinueAsNew(ctx workflow.Context) bool {
	return workflow.GetInfo(ctx).GetContinueAsNewSuggested() && workflow.AllHandlersFinished(ctx)
}

// wait waits until a renewal is due, or until the workflow may continue as new.
func (k *tokenKeeper) wait(ctx workflow.Context) (due bool, err error) {
	wakes := func() bool { return k.wanted || mayContinueAsNew(ctx) }
	if k.next.IsZero() {
		err := workflow.Await(ctx, wakes)
		return k.wanted, err
	}
	woken, err := workflow.AwaitWithTimeout(ctx, k.next.Sub(workflow.Now(ctx)), wakes)
	return k.wanted || !woken, err
}

// renew renews the token. Its error is only that of a cancelled workflow.
func (k *tokenKeeper) renew(ctx workflow.Context) error {
	if pause := k.earliest.Sub(workflow.Now(ctx)); pause > 0 {
		if err := workflow.Sleep(ctx, pause); err != nil {
			return err
		}
	}
	var renewed SealedToken
	err := workflow.ExecuteActivity(withTokenCall(ctx, k.input.Transport), RenewTokenName, RenewTokenParams{Current: k.token, Rejected: k.rejected}).Get(ctx, &renewed)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var application *temporal.ApplicationError
	if errors.As(err, &application) {
		err = application // without the words of Temporal around it
	}
	if k.failure = err; err == nil {
		k.token = &renewed
	}
	k.renewals++
	k.wanted, k.rejected = false, false
	k.earliest = workflow.Now(ctx).Add(renewalPause)
	k.plan(ctx)
	return nil
}

// plan says when the next renewal is due, and shows it.
func (k *tokenKeeper) plan(ctx workflow.Context) {
	now := workflow.Now(ctx)
	k.next = time.Time{}
	if k.token != nil && !k.token.Expires.IsZero() {
		life := k.token.Expires.Sub(now)
		wait := max(life-min(longestMargin, life/10), renewalPause)
		if k.failure != nil {
			wait = refreshPause
		}
		k.next = now.Add(wait)
	}
	var d details
	if k.failure != nil {
		d.entry(text.New("Renewal failed"), text.New("%s: %s", shownTime(now), MessageOf(k.failure)))
	}
	if k.token != nil {
		d.entry(text.New("Access token"), k.token.ID)
	}
	if !k.next.IsZero() {
		d.entry(text.New("Expires"), shownTime(k.token.Expires))
		d.entry(text.New("Next renewal"), shownTime(k.next))
	}
	workflow.SetCurrentDetails(ctx, d.String())
}
