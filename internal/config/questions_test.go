package config

import (
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
	} {
		_, err := Environment{}.Of(c.company).Asked(c.name)
		require.ErrorContains(t, err, c.meant)
		_, err = Environment{}.Of(c.company).Asked(c.meant)
		require.Equal(t, c.meant == "", err != nil)
	}
}
