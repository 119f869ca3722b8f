package config

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
)

// What is wrong is always a setting that can be asked for, so that answering ends.
func TestWhatIsWrongCanBeAsked(t *testing.T) {
	for _, c := range []struct{ company, auth string }{{"", "signature"}, {"", "password"}, {"", "x"}, {"north", "signature"}} {
		of := Environment{companyKey: c.company}
		env := Environment{of.SetName("KINGDEE_AUTH"): c.auth, of.SetName("KINGDEE_SESSIONS"): "many"}.Of(c.company)
		wrong := append(env.Wrong("JUSHUITAN_", catalog.Qimen, catalog.Open), env.Wrong("KINGDEE_")...)
		require.NotEmpty(t, wrong)
		for _, problem := range wrong {
			question, err := env.Asked(problem.Name)
			require.NoError(t, err)
			require.Equal(t, problem.Name, question.Name)
			require.Contains(t, env.SystemNames(), problem.Name)
		}
	}
	require.Empty(t, Environment{}.Wrong("JUSHUITAN_"), "nothing reads from Jushuitan")
	require.Contains(t, Environment{}.SystemNames(), "KINGDEE_APP_SECRET_FILE")
}

func TestAskedNamesTheSettingThatWasMeant(t *testing.T) {
	for _, c := range []struct{ company, name, meant string }{
		{"", "KINGDEE_APPID", "KINGDEE_APP_ID"},
		{"", "REFUNDSYNC_FLOWS", ""},
		{"north", "KINGDEE_URL", "KINGDEE_NORTH_URL"},
		{"north", "KINGDEE_NORTH_URI", "KINGDEE_NORTH_URL"},
		{"north", "JUSHUITAN_OPEN_URL", "JUSHUITAN_NORTH_OPEN_URL"},
	} {
		_, err := Environment{}.Of(c.company).Asked(c.name)
		require.ErrorContains(t, err, c.meant)
		_, err = Environment{}.Of(c.company).Asked(c.meant)
		require.Equal(t, c.meant == "", err != nil)
	}
}

// Settings are asked for in the order in which a person has them at hand, those of one
// application together.
func TestOrderOfQuestions(t *testing.T) {
	const kingdee = "KINGDEE_URL KINGDEE_ACCT_ID KINGDEE_USERNAME KINGDEE_AUTH"
	const qimen = "JUSHUITAN_APP_KEY JUSHUITAN_APP_SECRET JUSHUITAN_CUSTOMER_ID JUSHUITAN_URL"
	const open = "JUSHUITAN_OPEN_APP_KEY JUSHUITAN_OPEN_APP_SECRET JUSHUITAN_OPEN_URL"
	answers := complete()
	answers["JUSHUITAN_OPEN_APP_KEY"], answers["JUSHUITAN_OPEN_APP_SECRET"], answers["KINGDEE_PASSWORD"] = "1", "2", "3"
	for _, c := range []struct {
		name, prefix, company string
		transport             string
		given                 map[string]string
		order                 string
	}{
		{"signed requests", "KINGDEE_", "", catalog.Qimen, nil, kingdee + " KINGDEE_APP_ID KINGDEE_APP_SECRET"},
		{"a password", "KINGDEE_", "", catalog.Qimen, map[string]string{"KINGDEE_AUTH": "password"}, "KINGDEE_URL KINGDEE_ACCT_ID KINGDEE_USERNAME KINGDEE_PASSWORD"},
		{"of a company", "KINGDEE_", "north", catalog.Qimen, map[string]string{"KINGDEE_URL": answers["KINGDEE_URL"], "KINGDEE_AUTH": ""},
			"KINGDEE_NORTH_ACCT_ID KINGDEE_NORTH_USERNAME KINGDEE_NORTH_APP_ID KINGDEE_NORTH_APP_SECRET"},
		{"a wrong one that is not asked otherwise", "KINGDEE_", "", catalog.Qimen, map[string]string{"KINGDEE_SESSIONS": "many"}, kingdee + " KINGDEE_APP_ID KINGDEE_APP_SECRET KINGDEE_SESSIONS"},
		{"Qimen before the open platform", "JUSHUITAN_", "", catalog.Qimen, nil, qimen + " " + open},
		{"the open platform left out", "JUSHUITAN_", "", catalog.Qimen, map[string]string{"JUSHUITAN_OPEN_APP_KEY": ""}, qimen},
		{"the open platform half given", "JUSHUITAN_", "", catalog.Qimen, map[string]string{"JUSHUITAN_OPEN_APP_KEY": "1"}, qimen + " JUSHUITAN_OPEN_APP_SECRET JUSHUITAN_OPEN_URL"},
		{"a flow that reads from the open platform", "JUSHUITAN_", "", catalog.Open, nil, open},
		{"one that needs what was left out", "JUSHUITAN_", "", catalog.Open, map[string]string{"JUSHUITAN_OPEN_APP_KEY": ""}, open},
		{"all given", "JUSHUITAN_", "", catalog.Qimen, map[string]string{"JUSHUITAN_OPEN_URL": "", "JUSHUITAN_OPEN_APP_KEY": "1", "JUSHUITAN_OPEN_APP_SECRET": "2",
			"JUSHUITAN_APP_KEY": "3", "JUSHUITAN_APP_SECRET": "4", "JUSHUITAN_CUSTOMER_ID": "5", "JUSHUITAN_URL": answers["JUSHUITAN_URL"]}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := Environment{}.Of(c.company)
			maps.Copy(env, c.given)
			var order []string
			for {
				name, problem := env.Next(c.prefix, c.transport)
				if name == "" {
					break
				}
				question, err := env.Asked(name, c.transport)
				require.NoError(t, err)
				require.Equal(t, question.Optional, problem == nil || name == "KINGDEE_SESSIONS", name)
				order = append(order, name)
				own := name
				if c.company != "" {
					own, _ = env.ownName(name)
				}
				env[own] = answers[own]
			}
			require.Equal(t, c.order, strings.Join(order, " "))
		})
	}
}

func TestAskedInWordsOfTheCompany(t *testing.T) {
	env := Environment{"KINGDEE_NORTH_URL": "https://tenant.ik3cloud.com/k3cloud", "KINGDEE_NORTH_AUTH": "x"}.Of("north")
	for _, c := range []struct {
		name     string
		value    string
		optional bool
		says     string
	}{
		{"KINGDEE_NORTH_URL", "https://tenant.ik3cloud.com/k3cloud", false, ""},
		{"KINGDEE_NORTH_AUTH", "signature", true, ""},
		{"KINGDEE_NORTH_USERNAME", "", false, ""},
		{"KINGDEE_NORTH_APP_ID", "", true, "KINGDEE_NORTH_AUTH=password"},
		{"JUSHUITAN_NORTH_OPEN_APP_KEY", "", true, ""},
		{"JUSHUITAN_NORTH_OPEN_REFRESH_TOKEN", "", true, "JUSHUITAN_NORTH_OPEN_ACCESS_TOKEN"},
	} {
		q, err := env.Asked(c.name, catalog.Qimen)
		require.NoError(t, err)
		require.Equal(t, []any{c.value, c.optional}, []any{q.Value, q.Optional}, c.name)
		require.Contains(t, q.Description.String(), c.says)
	}
	_, problem := env.Next("KINGDEE_")
	require.Equal(t, "KINGDEE_NORTH_ACCT_ID", problem.Name)
}
