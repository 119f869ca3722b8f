package syncworker

import (
	"errors"

	"refundsync/internal/config"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
)

// Clients makes the clients of both systems. They connect when used.
func Clients(settings config.Settings) (*jushuitan.Client, *kingdee.Client, error) {
	j := settings.Jushuitan
	source, sourceErr := jushuitan.New(jushuitan.Config{
		URL:            j.URL,
		AppKey:         j.AppKey,
		AppSecret:      j.AppSecret,
		CustomerID:     j.CustomerID,
		TargetAppKey:   j.TargetAppKey,
		Session:        j.Session,
		SignMethod:     jushuitan.SignMethod(j.SignMethod),
		CallsPerSecond: j.CallsPerSecond,
	})
	ledger, ledgerErr := KingdeeClient(settings.Kingdee)
	return source, ledger, errors.Join(sourceErr, ledgerErr)
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
