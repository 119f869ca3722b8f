package syncworker

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"go.temporal.io/sdk/client"

	"refundsync/activities"
	"refundsync/internal/config"
	"refundsync/internal/fault"
	"refundsync/internal/jushuitan"
)

func openApp(o config.OpenPlatform) jushuitan.OpenApp {
	return jushuitan.OpenApp{URL: o.URL, Key: o.AppKey, Secret: o.AppSecret}
}

func givenToken(o config.OpenPlatform) jushuitan.Grant {
	return jushuitan.Grant{AccessToken: o.AccessToken, RefreshToken: o.RefreshToken}
}

// newTokenSource gives nil if nothing is read from the open platform.
func newTokenSource(o config.OpenPlatform) (*activities.TokenSource, error) {
	if o.AppKey == "" {
		return nil, nil
	}
	grants, err := jushuitan.NewGrants(openApp(o), nil)
	if err != nil {
		return nil, err
	}
	return &activities.TokenSource{App: openApp(o), Grants: grants, Given: givenToken(o)}, nil
}

// sharedTokens gives nil if nothing is read from the open platform.
func sharedTokens(c client.Client, settings config.Settings) jushuitan.Tokens {
	if settings.Jushuitan.Open.AppKey == "" {
		return nil
	}
	return activities.NewSharedTokens(c, settings.Worker.TaskQueue, openApp(settings.Jushuitan.Open))
}

// anyTokens gives the tokens that the workers share, or others if these can't be had.
func anyTokens(settings config.Settings, c client.Client) (jushuitan.Tokens, error) {
	if settings.Jushuitan.Open.AppKey == "" {
		return nil, nil
	}
	source, err := newTokenSource(settings.Jushuitan.Open)
	if err != nil {
		return nil, err
	}
	own := jushuitan.TokensInMemory(source.Grants, source.Given)
	if c == nil {
		return own, nil
	}
	return &tokensOrOwn{shared: sharedTokens(c, settings), own: own}, nil
}

// sharedPatience is how long a command waits for the token that workers share: there may be
// no worker yet.
const sharedPatience = 10 * time.Second

// tokensOrOwn gives the shared tokens until they can't be had, and its own from then on.
type tokensOrOwn struct {
	shared, own jushuitan.Tokens
	alone       atomic.Bool
}

func (t *tokensOrOwn) Token(ctx context.Context) (token string, err error) {
	err = t.try(ctx, func(ctx context.Context, tokens jushuitan.Tokens) (err error) {
		token, err = tokens.Token(ctx)
		return err
	})
	return token, err
}

func (t *tokensOrOwn) Rejected(ctx context.Context, token string) error {
	return t.try(ctx, func(ctx context.Context, tokens jushuitan.Tokens) error { return tokens.Rejected(ctx, token) })
}

// try asks the shared tokens. A fault is the open platform's answer, which counts; any other
// error is Temporal's.
func (t *tokensOrOwn) try(ctx context.Context, ask func(context.Context, jushuitan.Tokens) error) error {
	if !t.alone.Load() {
		limited, cancel := context.WithTimeout(ctx, sharedPatience)
		defer cancel()
		err := ask(limited, t.shared)
		if err == nil || fault.As(err) != nil || errors.Is(ctx.Err(), context.Canceled) {
			return err
		}
		t.alone.Store(true)
	}
	return ask(ctx, t.own)
}
