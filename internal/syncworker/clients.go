package syncworker

import (
	"errors"

	"go.temporal.io/sdk/client"

	"refundsync/internal/config"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
)

// Clients makes the clients of both systems. They connect when used. The access token of the
// open platform is the one that the workers share, which is asked for through a Temporal
// client; nil, or one that can't be asked, has this process get its own.
func Clients(settings config.Settings, temporal client.Client) (*jushuitan.Client, *kingdee.Client, error) {
	tokens, tokensErr := anyTokens(settings, temporal)
	source, sourceErr := sourceClient(settings.Jushuitan, tokens)
	ledger, ledgerErr := KingdeeClient(settings.Kingdee)
	return source, ledger, errors.Join(tokensErr, sourceErr, ledgerErr)
}

// sourceClient makes the client of Jushuitan. tokens are nil if nothing is read from the open
// platform.
func sourceClient(j config.Jushuitan, tokens jushuitan.Tokens) (*jushuitan.Client, error) {
	source := jushuitan.Config{CallsPerSecond: j.CallsPerSecond}
	if q := j.Qimen; q.AppKey != "" {
		source.Qimen = &jushuitan.Qimen{
			URL:          q.URL,
			AppKey:       q.AppKey,
			AppSecret:    q.AppSecret,
			CustomerID:   q.CustomerID,
			TargetAppKey: q.TargetAppKey,
			Session:      q.Session,
			SignMethod:   jushuitan.SignMethod(q.SignMethod),
		}
	}
	if tokens != nil {
		source.Open = &jushuitan.Open{OpenApp: openApp(j.Open), Tokens: tokens}
	}
	return jushuitan.New(source)
}

// KingdeeClient makes the client of Kingdee. It connects when used.
func KingdeeClient(k config.Kingdee) (*kingdee.Client, error) {
	return kingdee.New(kingdee.Config{
		URL:       k.URL,
		Auth:      kingdee.Auth(k.Auth),
		AcctID:    k.AcctID,
		Username:  k.Username,
		Password:  k.Password,
		AppID:     k.AppID,
		AppSecret: k.AppSecret,
		LCID:      k.LCID,
		OrgNumber: k.OrgNumber,
		RootCAs:   k.RootCAs,
		Sessions:  k.Sessions,
	})
}
