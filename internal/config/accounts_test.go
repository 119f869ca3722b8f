package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAccountsDiffer(t *testing.T) {
	bound := Accounts{CustomerID: "c1", AcctID: "d1", OrgNumber: "100", OpenAppKey: "a1"}
	for _, c := range []struct {
		name  string
		here  Accounts
		names []string
	}{
		{"the same", bound, nil},
		{"no open platform", Accounts{"c1", "d1", "100", "", ""}, nil},
		{"no Qimen", Accounts{"", "d1", "100", "a1", ""}, nil},
		{"another application", Accounts{"c1", "d1", "100", "a2", ""}, []string{"JUSHUITAN_OPEN_APP_KEY", `"a1"`, `"a2"`}},
		{"another merchant", Accounts{"c2", "d1", "100", "", ""}, []string{"JUSHUITAN_CUSTOMER_ID", `"c1"`, `"c2"`}},
		{"another data centre", Accounts{"c1", "d2", "100", "", ""}, []string{"KINGDEE_ACCT_ID", `"d1"`, `"d2"`}},
		{"another organisation", Accounts{"c1", "d1", "101", "", ""}, []string{"KINGDEE_ORG_NUMBER", `"100"`, `"101"`}},
		{"no organisation", Accounts{"c1", "d1", "", "", ""}, []string{"KINGDEE_ORG_NUMBER", `"100"`, `""`}},
		{"another company", Accounts{"c2", "d2", "", "", ""}, []string{"JUSHUITAN_CUSTOMER_ID", "KINGDEE_ACCT_ID", "KINGDEE_ORG_NUMBER"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			differences := c.here.Differences(bound)
			if c.names == nil {
				require.Empty(t, differences)
			}
			for _, name := range c.names {
				require.Contains(t, differences, name)
			}
			for _, setting := range []string{"JUSHUITAN_CUSTOMER_ID", "KINGDEE_ACCT_ID", "KINGDEE_ORG_NUMBER", "JUSHUITAN_OPEN_APP_KEY"} {
				require.Equal(t, slices.Contains(c.names, setting), strings.Contains(differences, setting), "%s in %q", setting, differences)
			}
		})
	}
}

// The settings of a company with a name are named as they are set.
func TestAccountsOfACompanyDiffer(t *testing.T) {
	bound := Accounts{CustomerID: "c1", AcctID: "d1", Company: "north"}
	here := Environment{"JUSHUITAN_NORTH_CUSTOMER_ID": "c2", "KINGDEE_NORTH_ACCT_ID": "d1", "JUSHUITAN_CUSTOMER_ID": "c1"}.Of("north").LoadAccounts()
	require.Equal(t, `JUSHUITAN_NORTH_CUSTOMER_ID: bound to "c1", but here it is "c2"`, here.Differences(bound))
}

// A command with only some of the settings compares those.
func TestAccountsThatAreNotSetAreNotCompared(t *testing.T) {
	bound := Accounts{CustomerID: "c1", AcctID: "d1", OrgNumber: "100"}
	for _, c := range []struct {
		name string
		env  Environment
		want string
	}{
		{"none", Environment{}, ""},
		{"blank", Environment{"KINGDEE_ACCT_ID": " "}, ""},
		{"one that is the same", Environment{"JUSHUITAN_CUSTOMER_ID": "c1"}, ""},
		{"one that is not", Environment{"JUSHUITAN_CUSTOMER_ID": "c2"}, "JUSHUITAN_CUSTOMER_ID"},
	} {
		t.Run(c.name, func(t *testing.T) {
			differences := c.env.LoadAccounts().Or(bound).Differences(bound)
			if c.want == "" {
				require.Empty(t, differences)
			}
			require.Contains(t, differences, c.want)
		})
	}
}

func TestAccountsOnOneLine(t *testing.T) {
	require.Equal(t, "c1/d1/100", Accounts{"c1", "d1", "100", "", ""}.String())
	require.Equal(t, "d1/a1", Accounts{"", "d1", "", "a1", ""}.String())
	require.Equal(t, "c1/d1", Accounts{"c1", "d1", "", "", ""}.String())
}
