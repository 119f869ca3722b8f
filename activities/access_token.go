package activities

import (
	"context"
	"errors"
	"sync"
	"time"

	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/temporal"

	"refundsync/internal/catalog"
	"refundsync/internal/fault"
	"refundsync/internal/jushuitan"
	"refundsync/internal/text"
	"refundsync/workflows"
)

// TokenSource renews the access token of the open platform.
type TokenSource struct {
	App    jushuitan.OpenApp
	Grants *jushuitan.Grants
	// Given is the token from the settings, used first; the zero Grant if there is none.
	Given jushuitan.Grant
}

// RenewToken gives the access token that follows another. A token that was sealed with another
// secret counts as none.
func (a *Activities) RenewToken(ctx context.Context, params workflows.RenewTokenParams) (workflows.SealedToken, error) {
	defer keepAlive(ctx)()
	if a.Tokens == nil {
		// Another worker may have it: one from before the settings may run beside it.
		return workflows.SealedToken{}, toTemporal(&fault.Error{
			Class: fault.Retry, Reason: "no_access", Err: text.Errorf("this worker has no access to Jushuitan's open platform"),
			Advice: text.New("Set JUSHUITAN_OPEN_APP_KEY and JUSHUITAN_OPEN_APP_SECRET for all workers of the task queue"),
		})
	}
	token, err := a.Tokens.renew(ctx, params)
	return token, toTemporal(err)
}

func (s *TokenSource) renew(ctx context.Context, params workflows.RenewTokenParams) (workflows.SealedToken, error) {
	given := jushuitan.TokenID(s.Given.AccessToken)
	var current jushuitan.Grant
	used := ""
	if params.Current != nil {
		used = params.Current.Given
		current, _ = s.App.Unseal(params.Current.Sealed)
	}
	if given != "" && given != used {
		return s.seal(s.Given, given)
	}
	next, err := s.Grants.Renew(ctx, current, params.Rejected)
	if err != nil {
		return workflows.SealedToken{}, err
	}
	return s.seal(next, used)
}

func (s *TokenSource) seal(grant jushuitan.Grant, given string) (workflows.SealedToken, error) {
	sealed, err := s.App.Seal(grant)
	return workflows.SealedToken{ID: jushuitan.TokenID(grant.AccessToken), Sealed: sealed, Expires: grant.Expires, Given: given}, err
}

// SharedTokens asks the AccessToken workflow for the token, which all workers share, and
// remembers it. It implements [jushuitan.Tokens].
type SharedTokens struct {
	client    client.Client
	taskQueue string
	app       jushuitan.OpenApp

	asking chan struct{} // holds an element while the workflow is asked

	mu    sync.Mutex // never held during a call
	known token
}

type token struct {
	value, id string
	until     time.Time // zero if it is not known to expire
}

// NewSharedTokens asks through a client, in a workflow of the task queue.
func NewSharedTokens(c client.Client, taskQueue string, app jushuitan.OpenApp) *SharedTokens {
	return &SharedTokens{client: c, taskQueue: taskQueue, app: app, asking: make(chan struct{}, 1)}
}

const (
	// askedBefore is how long before its expiry a remembered token is asked for anew.
	askedBefore = 5 * time.Minute
	// askedAgain is how long a token is remembered at least, even if it expires sooner.
	askedAgain = time.Minute
)

// Token gives the remembered token or asks for it.
func (t *SharedTokens) Token(ctx context.Context) (string, error) { return t.token(ctx, "") }

// Rejected has the token renewed if it is still the current one.
func (t *SharedTokens) Rejected(ctx context.Context, token string) error {
	_, err := t.token(ctx, jushuitan.TokenID(token))
	return err
}

// token gives the remembered token unless it is the rejected one. Of several that ask at
// once, one asks the workflow, and the others get its answer.
func (t *SharedTokens) token(ctx context.Context, rejected string) (string, error) {
	if known, ok := t.remembered(rejected); ok {
		return known, nil
	}
	select {
	case t.asking <- struct{}{}:
		defer func() { <-t.asking }()
	case <-ctx.Done():
		return "", ctx.Err()
	}
	if known, ok := t.remembered(rejected); ok {
		return known, nil
	}
	sealed, grant, err := t.ask(ctx, rejected)
	if err != nil {
		return "", err
	}
	now := time.Now()
	next := token{value: grant.AccessToken, id: sealed.ID}
	if !sealed.Expires.IsZero() {
		next.until = sealed.Expires.Add(-askedBefore)
		if soon := now.Add(askedAgain); next.until.Before(soon) {
			next.until = soon
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.known = next
	return next.value, nil
}

func (t *SharedTokens) remembered(rejected string) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.known
	valid := k.value != "" && k.id != rejected && (k.until.IsZero() || time.Now().Before(k.until))
	return k.value, valid
}

// ask asks the workflow. A token that was sealed with another secret counts as rejected, and
// is asked for once more.
func (t *SharedTokens) ask(ctx context.Context, rejected string) (sealed workflows.SealedToken, grant jushuitan.Grant, err error) {
	for range 2 {
		if sealed, err = t.update(ctx, rejected); err != nil {
			return sealed, grant, err
		}
		if grant, err = t.app.Unseal(sealed.Sealed); err == nil {
			return sealed, grant, nil
		}
		rejected = sealed.ID
	}
	return sealed, grant, &fault.Error{Class: fault.Retry, Reason: "no_token", System: text.New("Jushuitan"), Err: err,
		Advice: text.New("Retried automatically; set the same JUSHUITAN_OPEN_APP_SECRET for all workers")}
}

func (t *SharedTokens) update(ctx context.Context, rejected string) (sealed workflows.SealedToken, err error) {
	id := workflows.AccessTokenID(t.taskQueue, t.app.Key)
	start := t.client.NewWithStartWorkflowOperation(client.StartWorkflowOptions{
		ID: id, TaskQueue: t.taskQueue, WorkflowIDConflictPolicy: enumspb.WORKFLOW_ID_CONFLICT_POLICY_USE_EXISTING,
		StaticSummary: text.Sprintf("Access token of Jushuitan's open platform"),
		StaticDetails: text.Sprintf("Keeps the access token of the application %s for all workers, encrypted with its secret, and renews it. It does not end.", t.app.Key),
	}, workflows.AccessTokenName, workflows.AccessTokenInput{Transport: catalog.Open})
	handle, err := t.client.UpdateWithStartWorkflow(ctx, client.UpdateWithStartWorkflowOptions{
		StartWorkflowOperation: start,
		UpdateOptions: client.UpdateWorkflowOptions{
			WorkflowID: id, UpdateName: workflows.AccessTokenUpdate, Args: []any{workflows.AccessTokenParams{Rejected: rejected}},
			WaitForStage: client.WorkflowUpdateStageCompleted,
		},
	})
	if err == nil {
		err = handle.Get(ctx, &sealed)
	}
	return sealed, renewalFailure(err)
}

// renewalFailure restores the fault that the worker at work on the renewal has reported.
func renewalFailure(err error) error {
	var application *temporal.ApplicationError
	if !errors.As(err, &application) {
		return err
	}
	class := fault.Retry
	if application.NonRetryable() {
		class = fault.Final
	}
	return &fault.Error{Class: class, Reason: application.Type(), Delay: application.NextRetryDelay(), Err: text.Errorf("no access token: %s", workflows.MessageOf(err))}
}
