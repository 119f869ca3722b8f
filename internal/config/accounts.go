package config

import (
	"slices"
	"strings"

	"refundsync/internal/text"
)

// Accounts identify the company whose orders are read and booked. Settings that can
// change while the company stays the same are no part of them: URLs, users, the
// application at Qimen, secrets.
type Accounts struct {
	// CustomerID is the merchant at Qimen; "" if nothing is read through it.
	CustomerID string `json:"customer_id"`
	// AcctID is the data centre at Kingdee.
	AcctID string `json:"acct_id"`
	// OrgNumber is the organisation that calls act for; "" is the user's default.
	OrgNumber string `json:"org_number"`
	// OpenAppKey is the application at Jushuitan's open platform, which stands for the
	// merchant there; "" if nothing is read from it.
	OpenAppKey string `json:"open_app_key,omitempty"`
	// Company is the name of these settings; "" for those without.
	Company string `json:"company,omitempty"`
}

// Accounts gives the accounts of the settings.
func (s Settings) Accounts() Accounts {
	return Accounts{CustomerID: s.Jushuitan.Qimen.CustomerID, AcctID: s.Kingdee.AcctID, OrgNumber: s.Kingdee.OrgNumber, OpenAppKey: s.Jushuitan.Open.AppKey, Company: s.Company}
}

// LoadAccounts reads only the accounts, for commands that call neither system; none of
// them has to be set.
func (e Environment) LoadAccounts() Accounts {
	env, _ := e.read()
	return Accounts{CustomerID: env["JUSHUITAN_CUSTOMER_ID"], AcctID: env["KINGDEE_ACCT_ID"], OrgNumber: env["KINGDEE_ORG_NUMBER"], OpenAppKey: env["JUSHUITAN_OPEN_APP_KEY"], Company: e.Company()}
}

// each calls do with the name of each setting and its values here and there.
func (a Accounts) each(there Accounts, do func(name string, here *string, there string)) Accounts {
	do("JUSHUITAN_CUSTOMER_ID", &a.CustomerID, there.CustomerID)
	do("KINGDEE_ACCT_ID", &a.AcctID, there.AcctID)
	do("KINGDEE_ORG_NUMBER", &a.OrgNumber, there.OrgNumber)
	do("JUSHUITAN_OPEN_APP_KEY", &a.OpenAppKey, there.OpenAppKey)
	return a
}

// Or fills in settings that are empty from others.
func (a Accounts) Or(others Accounts) Accounts {
	return a.each(others, func(_ string, here *string, there string) {
		if *here == "" {
			*here = there
		}
	})
}

// Differences describes the settings that differ from bound, with both values; "" if
// none does. A merchant may come to be read through another transport as well, or no longer:
// an account at Jushuitan that is set on one side only is no difference.
func (a Accounts) Differences(bound Accounts) string {
	var found []string
	a.each(bound, func(name string, here *string, there string) {
		oneSided := strings.HasPrefix(name, "JUSHUITAN_") && (*here == "" || there == "")
		if *here != there && !oneSided {
			set := Environment{companyKey: a.Company}.SetName(name)
			found = append(found, text.Sprintf("%s: bound to %q, but here it is %q", set, there, *here))
		}
	})
	return strings.Join(found, "; ")
}

// String gives the accounts as merchant/data centre/organisation/open platform's application,
// without those that are not set.
func (a Accounts) String() string {
	parts := []string{a.CustomerID, a.AcctID, a.OrgNumber, a.OpenAppKey}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "/")
}
