package setup

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnswersAreKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "answers.yaml")
	none, err := ReadAnswers(path)
	require.NoError(t, err)
	require.Zero(t, none)
	yes := true
	kept := Answers{Company: "north", Template: "flows/f.yaml", Settings: map[string]string{"KINGDEE_URL": "u"}, Overwrite: &yes}
	kept.SetCode("organisation", "0100")
	kept.SetRow("customers", "007", "")
	kept.SetRow("customers", "天猫: 1", "C1")
	require.NoError(t, kept.Write(path))
	read, err := ReadAnswers(path)
	require.NoError(t, err)
	kept.Settings = nil
	require.Equal(t, kept, read)

	given := Answers{Codes: map[string]string{"organisation": "101"}}
	both := given.Under(kept)
	require.Equal(t, "101", both.Codes["organisation"])
	require.Equal(t, kept.Rows, both.Rows)
	require.Equal(t, "north", both.Company)

	require.NoError(t, os.WriteFile(path, []byte("code: {}\n"), 0o600))
	_, err = ReadAnswers(path)
	require.ErrorContains(t, err, "code")
}
