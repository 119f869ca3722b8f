package config

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/testkit"
)

// secretNames gives the names of all secret settings.
func secretNames() []string {
	var names []string
	for setting := range definitions() {
		if setting.secret {
			names = append(names, setting.name)
		}
	}
	return names
}

func TestEverySecretCanBeInAFile(t *testing.T) {
	setenv(t, complete())
	t.Setenv("REFUNDSYNC_CODEC_UI_ORIGIN", "https://temporal.example.com")
	t.Setenv("JUSHUITAN_OPEN_APP_KEY", "1")
	want := map[string]string{}
	for _, name := range secretNames() {
		want[name] = "marker-of-" + name
		switch name {
		case "KINGDEE_APP_ID":
			want[name] = complete()[name]
		case "REFUNDSYNC_ENCRYPTION_KEYS":
			want[name] = "k1:" + keyText
		}
		t.Setenv(name, "")
		t.Setenv(name+"_FILE", testkit.File(t, []byte(want[name]+"\n")))
	}
	settings, err := FromProcess().Load()
	require.NoError(t, err)
	require.Len(t, settings.Encryption, 1)
	server, _, err := FromProcess().LoadCodecServer()
	require.NoError(t, err)
	assert.Equal(t, want, map[string]string{
		"JUSHUITAN_APP_SECRET": settings.Jushuitan.Qimen.AppSecret, "JUSHUITAN_SESSION": settings.Jushuitan.Qimen.Session,
		"JUSHUITAN_OPEN_APP_SECRET": settings.Jushuitan.Open.AppSecret, "JUSHUITAN_OPEN_ACCESS_TOKEN": settings.Jushuitan.Open.AccessToken,
		"JUSHUITAN_OPEN_REFRESH_TOKEN": settings.Jushuitan.Open.RefreshToken,
		"KINGDEE_PASSWORD":             settings.Kingdee.Password, "KINGDEE_APP_ID": settings.Kingdee.AppID, "KINGDEE_APP_SECRET": settings.Kingdee.AppSecret,
		"REFUNDSYNC_CODEC_TOKEN":     server.Token,
		"REFUNDSYNC_ENCRYPTION_KEYS": settings.Encryption[0].ID + ":" + base64.StdEncoding.EncodeToString(settings.Encryption[0].Secret),
	})

	t.Setenv("ROBOT_URL_FILE", testkit.File(t, []byte("https://example.com/hook/0123456789\r\n")))
	t.Setenv("ROBOT_SECRET_FILE", testkit.File(t, []byte("SEC0123456789")))
	robot, err := FromProcess().LoadRobot("ROBOT_URL", "ROBOT_SECRET")
	require.NoError(t, err)
	assert.Equal(t, Robot{URL: "https://example.com/hook/0123456789", Secret: "SEC0123456789"}, robot)
}

func TestSecretFileMistakes(t *testing.T) {
	const secret = "s3cret-of-kingdee"
	for _, test := range []struct {
		name, variable string
		file           string
		wrong, at      string
	}{
		{"both", secret, testkit.File(t, []byte(secret)), "is set too", "KINGDEE_APP_SECRET_FILE"},
		{"absent", "", filepath.Join(t.TempDir(), "absent"), "can't read the file", "KINGDEE_APP_SECRET_FILE"},
		{"the secret in place of its path", "", secret, "can't read the file", "KINGDEE_APP_SECRET_FILE"},
		{"a folder", "", t.TempDir(), "can't read the file", "KINGDEE_APP_SECRET_FILE"},
		{"empty", "", testkit.File(t, []byte("\n")), "empty", "KINGDEE_APP_SECRET_FILE"},
		{"too large", "", testkit.File(t, make([]byte, maxSmallFile+1)), "over 1048576 bytes", "KINGDEE_APP_SECRET_FILE"},
		{"two lines' ends", "", testkit.File(t, []byte(secret+"\n\n")), "white space", "KINGDEE_APP_SECRET"},
		{"quotes", "", testkit.File(t, []byte(`"`+secret+`"`)), "quotes", "KINGDEE_APP_SECRET"},
		{"blank path", secret, " ", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			setenv(t, complete())
			t.Setenv("KINGDEE_APP_SECRET", test.variable)
			t.Setenv("KINGDEE_APP_SECRET_FILE", test.file)
			settings, err := FromProcess().Load()
			if test.wrong == "" {
				require.NoError(t, err)
				require.Equal(t, secret, settings.Kingdee.AppSecret)
				return
			}
			require.Equal(t, []string{test.at}, names(problems(t, err)))
			require.ErrorContains(t, err, test.wrong)
			require.NotContains(t, err.Error(), secret)
		})
	}
}

// Commands that call neither system don't need their secrets.
func TestLoadWorkerReadsNoSecretFile(t *testing.T) {
	setenv(t, nil)
	t.Setenv("KINGDEE_APP_SECRET_FILE", filepath.Join(t.TempDir(), "absent"))
	_, err := FromProcess().LoadWorker()
	require.NoError(t, err)
}

// A folder of secrets is equivalent to a variable with _FILE for each file.
func TestSecretsOfAFolder(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{
		"KINGDEE_APP_SECRET": "from the folder\n", "JUSHUITAN_SESSION": "", "notes.txt": "x", ".hidden": "x", "REFUNDSYNC_ENCRYPTION_KEYS": "2024-03:" + keyText,
	} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(folder, "TEMPORAL_API_KEY"), 0o700))
	environment := Environment{secretsName: folder, "REFUNDSYNC_ENCRYPTION_KEYS_FILE": "elsewhere"}.withSecrets()
	require.Equal(t, Environment{
		secretsName: folder, "REFUNDSYNC_ENCRYPTION_KEYS_FILE": "elsewhere",
		"KINGDEE_APP_SECRET_FILE": filepath.Join(folder, "KINGDEE_APP_SECRET"),
	}, environment)
	secret, problem := environment.readSecret("KINGDEE_APP_SECRET")
	require.Nil(t, problem)
	require.Equal(t, "from the folder", secret)

	setenv(t, map[string]string{secretsName: folder})
	keys, err := FromProcess().LoadEncryption()
	require.NoError(t, err)
	require.Len(t, keys, 1)
	setenv(t, map[string]string{secretsName: filepath.Join(folder, "nowhere")})
	_, err = FromProcess().LoadEncryption()
	require.ErrorContains(t, err, "can't read the folder")
	require.NotContains(t, err.Error(), "nowhere")
	setenv(t, map[string]string{secretsName: folder, "REFUNDSYNC_ENCRYPTION_KEYS": "2024-03:" + keyText})
	_, err = FromProcess().LoadEncryption()
	require.ErrorContains(t, err, "set only one of them")
}
