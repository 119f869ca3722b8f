package config

import (
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
)

// What is wrong is always a setting that can be asked for, so that answering ends.
func TestWhatIsWrongCanBeAsked(t *testing.T) {
	for _, auth := range []string{"signature", "password", "x"} {
		env := Environment{"KINGDEE_AUTH": auth, "KINGDEE_SESSIONS": "many"}
		wrong := append(env.Wrong("JUSHUITAN_", catalog.Qimen, catalog.Open), env.Wrong("KINGDEE_")...)
		require.NotEmpty(t, wrong)
		for _, problem := range wrong {
			question, err := Asked(problem.Name)
			require.NoError(t, err)
			require.Equal(t, problem.Name, question.Name)
			require.Contains(t, SystemNames(), problem.Name)
		}
	}
	require.Empty(t, Environment{}.Wrong("JUSHUITAN_"), "nothing reads from Jushuitan")
	_, err := Asked("KINGDEE_APPID")
	require.ErrorContains(t, err, "KINGDEE_APP_ID")
	_, err = Asked("REFUNDSYNC_FLOWS")
	require.Error(t, err)
	require.Contains(t, SystemNames(), "KINGDEE_APP_SECRET_FILE")
}
