package config

import (
	"strings"

	"refundsync/internal/text"
)

// Accounts say whose orders are read and into whose books they go. What may change
// while the company stays the same is no part of them: addresses, users, the
// application at Qimen, secrets.
type Accounts struct {
	// CustomerID is the merchant at Qimen.
	CustomerID string `json:"customer_id"`
	// AcctID is the data centre at Kingdee.
	AcctID string `json:"acct_id"`
	// OrgNumber is the organisation that calls act for; "" is the user's own.
	OrgNumber string `json:"org_number"`
}

// Accounts are those that the settings name.
func (s Settings) Accounts() Accounts {
	return Accounts{CustomerID: s.Jushuitan.CustomerID, AcctID: s.Kingdee.AcctID, OrgNumber: s.Kingdee.OrgNumber}
}

// LoadAccounts reads the accounts alone, for commands that call neither system; none
// of them has to be set.
func (e Environment) LoadAccounts() Accounts {
	env, _ := e.read()
	return Accounts{CustomerID: env["JUSHUITAN_CUSTOMER_ID"], AcctID: env["KINGDEE_ACCT_ID"], OrgNumber: env["KINGDEE_ORG_NUMBER"]}
}

// each gives an account's setting with its value here and there.
func (a Accounts) each(there Accounts, do func(name string, here *string, there string)) Accounts {
	do("JUSHUITAN_CUSTOMER_ID", &a.CustomerID, there.CustomerID)
	do("KINGDEE_ACCT_ID", &a.AcctID, there.AcctID)
	do("KINGDEE_ORG_NUMBER", &a.OrgNumber, there.OrgNumber)
	return a
}

// Or fills in from others what is not set.
func (a Accounts) Or(others Accounts) Accounts {
	return a.each(others, func(_ string, here *string, there string) {
		if *here == "" {
			*here = there
		}
	})
}

// Differences names the settings that are other than bound, with both values; "" for
// none.
func (a Accounts) Differences(bound Accounts) string {
	var found []string
	a.each(bound, func(name string, here *string, there string) {
		if *here != there {
			found = append(found, text.Sprintf("%s: it belongs to %q, and here it is %q", name, there, *here))
		}
	})
	return strings.Join(found, "; ")
}

// String gives the accounts on one line, merchant/data centre/organisation.
func (a Accounts) String() string {
	return strings.TrimSuffix(a.CustomerID+"/"+a.AcctID+"/"+a.OrgNumber, "/")
}
