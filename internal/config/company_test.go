package config

import (
	"maps"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/catalog"
	"refundsync/internal/testkit"
)

// named gives complete settings of a company.
func named(company string) map[string]string {
	variables := map[string]string{}
	for name, value := range complete() {
		variables[Environment{companyKey: company}.SetName(name)] = value
	}
	return variables
}

func TestSettingsOfACompany(t *testing.T) {
	environment := Environment(named("north"))
	maps.Copy(environment, Environment{
		"JUSHUITAN_APP_KEY": "of nobody", "KINGDEE_SESSIONS": "7", "KINGDEE_SOUTH_SESSIONS": "8",
		"KINGDEE_NORTH_BATCH_BILLS": "50", "REFUNDSYNC_TASK_QUEUE": "q", "LOG_LEVEL": "warn",
	})
	settings, err := environment.Of("north").Load(catalog.Qimen)
	require.NoError(t, err)
	require.Equal(t, "north", settings.Company)
	require.Equal(t, "34250001", settings.Jushuitan.Qimen.AppKey)
	require.Equal(t, 4, settings.Kingdee.Sessions, "no setting is another company's")
	require.Equal(t, 50, settings.Kingdee.BatchBills)
	require.Equal(t, "q-north", settings.Worker.TaskQueue)
	for taskQueue, want := range map[string]string{"q": "", "q-north": "north", "q-south": "south"} {
		company, ok := settings.Worker.CompanyOf(taskQueue)
		require.True(t, ok, taskQueue)
		require.Equal(t, want, company)
		require.Equal(t, taskQueue, settings.Worker.TaskQueueOf(company))
	}
	_, ok := settings.Worker.CompanyOf("qq-north")
	require.False(t, ok)
	require.Equal(t, "warn", settings.Log.Level)
	require.Equal(t, environment, environment.Of(""))
}

// Problems name the variables as they are set.
func TestProblemsOfACompany(t *testing.T) {
	for _, c := range []struct{ name, variable, value, wrong string }{
		{"missing", "KINGDEE_NORTH_ACCT_ID", "", "KINGDEE_NORTH_ACCT_ID: it is not set"},
		{"wrong", "KINGDEE_NORTH_SESSIONS", "51", `KINGDEE_NORTH_SESSIONS: "51" is not valid`},
		{"misspelt", "KINGDEE_NORTH_SESSION", "3", "KINGDEE_NORTH_SESSION: there is no such setting; expected: KINGDEE_NORTH_SESSIONS (such as KINGDEE_NORTH_SESSIONS=4)"},
		{"no such file", "KINGDEE_NORTH_APP_SECRET_FILE", "/none", "KINGDEE_NORTH_APP_SECRET_FILE: KINGDEE_NORTH_APP_SECRET is set too"},
		{"misspelt without a company", "KINGDEE_SESSION", "3", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			environment := Environment(named("north"))
			environment[c.variable] = c.value
			_, err := environment.Of("north").Load(catalog.Qimen)
			if c.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.wrong)
			require.Len(t, problems(t, err), 1)
		})
	}
}

func TestSecretFilesOfACompany(t *testing.T) {
	environment := Environment(named("north"))
	delete(environment, "KINGDEE_NORTH_APP_SECRET")
	environment["KINGDEE_NORTH_APP_SECRET_FILE"] = testkit.File(t, []byte("from a file\n"))
	settings, err := environment.Of("north").Load(catalog.Qimen)
	require.NoError(t, err)
	require.Equal(t, "from a file", settings.Kingdee.AppSecret)
}

// Whatever two companies are called, neither has a setting of the other, nor of those without
// a company.
func TestLawOfCompanies(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.StringMatching(`[a-z][a-z0-9]{1,15}`).Filter(func(name string) bool { return !Reserved(name) })
		a, b := name.Draw(r, "a"), name.Draw(r, "b")
		if a == b {
			return
		}
		environment := Environment{}
		for _, company := range []string{"", a, b} {
			for s := range definitions() {
				if isSystem(s.name) {
					variable := Environment{companyKey: company}.SetName(s.name)
					require.Empty(r, environment[variable], variable)
					environment[variable] = company + "."
				}
			}
		}
		for _, company := range []string{"", a, b} {
			of := environment.Of(company)
			for s := range definitions() {
				if isSystem(s.name) {
					require.Equal(r, company+".", of[s.name], s.name)
				}
			}
			for variable := range of {
				require.False(r, company != "" && isSystem(variable) && !strings.HasPrefix(variable, "JUSHUITAN_") && !strings.HasPrefix(variable, "KINGDEE_"), variable)
			}
		}
	})
}

func TestReserved(t *testing.T) {
	for name, reserved := range map[string]bool{
		"open": true, "target": true, "qimen": true, "north": false, "kingdee": false, "session": false, "app": false,
	} {
		require.Equal(t, reserved, Reserved(name), name)
	}
}

func TestHasCompanies(t *testing.T) {
	for _, c := range []struct {
		name, variable, value string
		want                  bool
	}{
		{"a setting", "KINGDEE_NORTH_ACCT_ID", "1", true},
		{"a secret's file", "JUSHUITAN_NORTH_APP_SECRET_FILE", "/run/secrets/x", true},
		{"an empty one", "KINGDEE_NORTH_ACCT_ID", " ", false},
		{"one without a company", "JUSHUITAN_OPEN_APP_KEY", "1", false},
		{"no setting", "KINGDEE_PORT", "tcp://10.0.0.1:80", false},
		{"another program's", "OTHER_NORTH_ACCT_ID", "1", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, Environment{c.variable: c.value}.HasCompanies())
		})
	}
}
