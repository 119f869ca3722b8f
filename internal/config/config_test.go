package config

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/catalog"
	"refundsync/internal/testkit"
)

// complete is what a worker needs at least.
func complete() map[string]string {
	return map[string]string{
		"JUSHUITAN_URL":         "https://a1q40taq0j.api.taobao.com/router/qm",
		"JUSHUITAN_APP_KEY":     "34250001",
		"JUSHUITAN_APP_SECRET":  "jst-secret",
		"JUSHUITAN_CUSTOMER_ID": "c1709123456",
		"KINGDEE_URL":           "https://tenant.ik3cloud.com/k3cloud/",
		"KINGDEE_ACCT_ID":       "5f0000000000a1",
		"KINGDEE_USERNAME":      "demo",
		"KINGDEE_APP_ID":        "123456_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY",
		"KINGDEE_APP_SECRET":    "k3-secret",
	}
}

// setenv sets these variables and clears all other settings.
func setenv(t *testing.T, variables map[string]string) {
	t.Helper()
	for _, name := range settingNames() {
		t.Setenv(name, "")
	}
	for name, value := range variables {
		t.Setenv(name, value)
	}
}

func settingNames() []string {
	var names []string
	for setting := range definitions() {
		names = append(names, setting.name)
	}
	return names
}

// problems splits what Load returned.
func problems(t *testing.T, err error) []*Problem {
	t.Helper()
	if err == nil {
		return nil
	}
	joined, ok := err.(interface{ Unwrap() []error })
	require.True(t, ok, "%v", err)
	var found []*Problem
	for _, one := range joined.Unwrap() {
		var problem *Problem
		require.True(t, errors.As(one, &problem), "%v", one)
		found = append(found, problem)
	}
	return found
}

func names(problems []*Problem) []string {
	var found []string
	for _, problem := range problems {
		found = append(found, problem.Name)
	}
	return found
}

func TestLoadFillsInDefaults(t *testing.T) {
	setenv(t, complete())
	settings, err := FromProcess().Load()
	require.NoError(t, err)
	assert.Equal(t, Settings{
		Jushuitan: Jushuitan{
			Qimen: Qimen{
				URL: "https://a1q40taq0j.api.taobao.com/router/qm", AppKey: "34250001", AppSecret: "jst-secret",
				CustomerID: "c1709123456", TargetAppKey: "23060081", SignMethod: "hmac-sha256",
			},
			CallsPerSecond: 5,
		},
		Kingdee: Kingdee{
			URL: "https://tenant.ik3cloud.com/k3cloud/", Auth: "signature", AcctID: "5f0000000000a1", Username: "demo",
			AppID: "123456_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY", AppSecret: "k3-secret", LCID: 2052, Sessions: 4,
			BatchBills: 20, BatchWait: 20 * time.Millisecond,
		},
		Worker: Worker{Flows: "flows", TaskQueue: "refundsync", BaseTaskQueue: "refundsync", DrainTimeout: 90 * time.Second},
		Log:    Log{Level: "info", Format: "json"},
	}, settings)
}

func TestLoadReadsEverySetting(t *testing.T) {
	setenv(t, map[string]string{
		"JUSHUITAN_URL": "http://127.0.0.1:8080/router/qm", "JUSHUITAN_APP_KEY": "1", "JUSHUITAN_APP_SECRET": "2",
		"JUSHUITAN_CUSTOMER_ID": "3", "JUSHUITAN_TARGET_APP_KEY": "4", "JUSHUITAN_SESSION": "5",
		"JUSHUITAN_SIGN_METHOD": "md5", "JUSHUITAN_CALLS_PER_SECOND": "1.6",
		"JUSHUITAN_OPEN_URL": "http://127.0.0.1:8080", "JUSHUITAN_OPEN_APP_KEY": "11", "JUSHUITAN_OPEN_APP_SECRET": "12",
		"JUSHUITAN_OPEN_ACCESS_TOKEN": "13", "JUSHUITAN_OPEN_REFRESH_TOKEN": "14",
		"KINGDEE_URL": "http://127.0.0.1:8080/K3Cloud", "KINGDEE_AUTH": "password", "KINGDEE_ACCT_ID": "6",
		"KINGDEE_USERNAME": "7", "KINGDEE_PASSWORD": ` " 8 " `, "KINGDEE_APP_ID": "9", "KINGDEE_APP_SECRET": "10",
		"KINGDEE_LCID": "1033", "KINGDEE_ORG_NUMBER": "100", "KINGDEE_SESSIONS": "50",
		"KINGDEE_BATCH_BILLS": "500", "KINGDEE_BATCH_WAIT": "0",
		"REFUNDSYNC_FLOWS": "/flows", "REFUNDSYNC_TASK_QUEUE": "q", "REFUNDSYNC_HTTP_ADDRESS": ":9464",
		"REFUNDSYNC_DRAIN_TIMEOUT": "10m", "REFUNDSYNC_DEPLOYMENT_NAME": "sync", "REFUNDSYNC_BUILD_ID": "v2",
		"LOG_LEVEL": "debug", "LOG_FORMAT": "console",
	})
	settings, err := FromProcess().Load()
	require.NoError(t, err)
	assert.Equal(t, Settings{
		Jushuitan: Jushuitan{
			Qimen: Qimen{URL: "http://127.0.0.1:8080/router/qm", AppKey: "1", AppSecret: "2", CustomerID: "3", TargetAppKey: "4", Session: "5", SignMethod: "md5"},
			Open:  OpenPlatform{URL: "http://127.0.0.1:8080", AppKey: "11", AppSecret: "12", AccessToken: "13", RefreshToken: "14"}, CallsPerSecond: 1.6,
		},
		Kingdee: Kingdee{URL: "http://127.0.0.1:8080/K3Cloud/", Auth: "password", AcctID: "6", Username: "7",
			Password: ` " 8 " `, AppID: "9", AppSecret: "10", LCID: 1033, OrgNumber: "100", Sessions: 50, BatchBills: 500},
		Worker: Worker{
			Flows: "/flows", TaskQueue: "q", BaseTaskQueue: "q", HTTPAddress: ":9464", DrainTimeout: 10 * time.Minute, DeploymentName: "sync", BuildID: "v2",
		},
		Log: Log{Level: "debug", Format: "console"},
	}, settings)
}

func TestLoadSaysAllThatIsWrongAtOnce(t *testing.T) {
	setenv(t, map[string]string{
		"JUSHUITAN_CALLS_PER_SECOND": "many",
		"KINGDEE_URL":                "https://tenant.ik3cloud.com/",
		"KINGDEE_SESSIONS":           "51",
		"LOG_FORMAT":                 "xml",
	})
	_, err := FromProcess().Load(catalog.Qimen, catalog.Open)
	assert.ElementsMatch(t, []string{
		"JUSHUITAN_OPEN_APP_KEY", "JUSHUITAN_OPEN_APP_SECRET", "JUSHUITAN_URL", "JUSHUITAN_APP_KEY", "JUSHUITAN_APP_SECRET", "JUSHUITAN_CUSTOMER_ID", "JUSHUITAN_CALLS_PER_SECOND",
		"KINGDEE_URL", "KINGDEE_ACCT_ID", "KINGDEE_USERNAME", "KINGDEE_APP_ID", "KINGDEE_APP_SECRET", "KINGDEE_SESSIONS",
		"LOG_FORMAT",
	}, names(problems(t, err)))
}

// Only the settings of the transports that flows read through are required, and those of an
// application that is set.
func TestSettingsOfTransports(t *testing.T) {
	kingdee := func(more ...string) map[string]string {
		variables := complete()
		for name := range variables {
			if strings.HasPrefix(name, "JUSHUITAN_") {
				delete(variables, name)
			}
		}
		for i := 0; i < len(more); i += 2 {
			variables[more[i]] = more[i+1]
		}
		return variables
	}
	for _, c := range []struct {
		name       string
		variables  map[string]string
		transports []string
		missing    []string
	}{
		{"none is read through", kingdee(), nil, nil},
		{"Qimen", complete(), []string{catalog.Qimen}, nil},
		{"the open platform", kingdee("JUSHUITAN_OPEN_APP_KEY", "1", "JUSHUITAN_OPEN_APP_SECRET", "2"), []string{catalog.Open}, nil},
		{"both, one is missing", complete(), []string{catalog.Qimen, catalog.Open}, []string{"JUSHUITAN_OPEN_APP_KEY", "JUSHUITAN_OPEN_APP_SECRET"}},
		{"half of Qimen", kingdee("JUSHUITAN_APP_KEY", "1", "JUSHUITAN_URL", "https://localhost/router/qm"), nil, []string{"JUSHUITAN_APP_SECRET", "JUSHUITAN_CUSTOMER_ID"}},
		{"half of the open platform", kingdee("JUSHUITAN_OPEN_APP_KEY", "1"), nil, []string{"JUSHUITAN_OPEN_APP_SECRET"}},
		{"a refresh token alone", kingdee("JUSHUITAN_OPEN_APP_KEY", "1", "JUSHUITAN_OPEN_APP_SECRET", "2", "JUSHUITAN_OPEN_REFRESH_TOKEN", "3"), nil, []string{"JUSHUITAN_OPEN_ACCESS_TOKEN"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			setenv(t, c.variables)
			_, err := FromProcess().Load(c.transports...)
			require.ElementsMatch(t, c.missing, names(problems(t, err)))
		})
	}
}

func TestProblemIsOneLine(t *testing.T) {
	setenv(t, complete())
	t.Setenv("KINGDEE_SESSIONS", "fifty")
	_, err := FromProcess().Load()
	assert.EqualError(t, err, `KINGDEE_SESSIONS: "fifty" is not valid; expected: sessions used at a time, a whole number from 1 to 50 (such as 4)`)
}

func TestEachMistake(t *testing.T) {
	tests := []struct {
		mistake, name, value string
		wrong                string // "" where the value is fine
	}{
		{"a secret in quotes", "KINGDEE_APP_SECRET", `"s3cret"`, "quotes"},
		{"a secret with a line end", "JUSHUITAN_APP_SECRET", "s3cret\n", "white space"},
		{"blank for required", "JUSHUITAN_APP_SECRET", "  ", "not set"},
		{"blank for a default", "KINGDEE_LCID", " ", ""},

		{"no scheme", "JUSHUITAN_URL", "a1q40taq0j.api.taobao.com/router/qm", "not a full URL"},
		{"no host", "JUSHUITAN_URL", "https:///router/qm", "not a full URL"},
		{"another scheme", "JUSHUITAN_URL", "ftp://a1q40taq0j.api.taobao.com/router/qm", "not a full URL"},
		{"a password in the URL", "JUSHUITAN_URL", "https://me:s3cret@a1q40taq0j.api.taobao.com/router/qm", "no user, password"},
		{"a query in the URL", "JUSHUITAN_URL", "https://a1q40taq0j.api.taobao.com/router/qm?app_key=1", "query"},
		{"clear text over the internet", "JUSHUITAN_URL", "http://a1q40taq0j.api.taobao.com/router/qm", "must be https"},
		{"clear text to a public IP", "KINGDEE_URL", "http://8.8.8.8/k3cloud/", "must be https"},
		{"clear text to a private IP", "KINGDEE_URL", "http://192.168.1.20/k3cloud/", ""},
		{"clear text to this machine", "KINGDEE_URL", "http://[::1]:8080/k3cloud/", ""},
		{"clear text to a container", "KINGDEE_URL", "http://simulator:8080/k3cloud/", ""},
		{"clear text within the company", "KINGDEE_URL", "http://erp.company.lan/k3cloud/", ""},
		{"without /k3cloud/", "KINGDEE_URL", "https://tenant.ik3cloud.com/", "ending is wrong"},
		{"without the last slash", "KINGDEE_URL", "https://tenant.ik3cloud.com/K3Cloud", ""},

		{"no port to serve on", "REFUNDSYNC_HTTP_ADDRESS", "127.0.0.1", `"127.0.0.1" is not valid`},
		{"a port alone to serve on", "REFUNDSYNC_HTTP_ADDRESS", "9464", `"9464" is not valid`},
		{"a service's name for a port", "REFUNDSYNC_HTTP_ADDRESS", ":http", `":http" is not valid`},
		{"a port too large", "REFUNDSYNC_HTTP_ADDRESS", ":65536", `":65536" is not valid`},
		{"an IPv6 address to serve on", "REFUNDSYNC_HTTP_ADDRESS", "[::1]:9464", ""},
		{"every address to serve on", "REFUNDSYNC_HTTP_ADDRESS", ":0", ""},

		{"too little time to stop", "REFUNDSYNC_DRAIN_TIMEOUT", "9s", "not valid"},
		{"too much time to stop", "REFUNDSYNC_DRAIN_TIMEOUT", "61m", "not valid"},
		{"a dot in a deployment's name", "REFUNDSYNC_DEPLOYMENT_NAME", "refund.sync", `"refund.sync" is not valid`},
		{"a deployment's name of the server's", "REFUNDSYNC_DEPLOYMENT_NAME", "__sync", "not valid"},
		{"a build without deployment", "REFUNDSYNC_BUILD_ID", "v2", ""},

		{"unknown way to sign", "JUSHUITAN_SIGN_METHOD", "sha1", `"sha1" is not valid`},
		{"calls as text", "JUSHUITAN_CALLS_PER_SECOND", "five", `"five" is not valid`},
		{"no calls", "JUSHUITAN_CALLS_PER_SECOND", "0", "not valid"},
		{"fewer than none", "JUSHUITAN_CALLS_PER_SECOND", "-1", "not valid"},
		{"not a number", "JUSHUITAN_CALLS_PER_SECOND", "NaN", "not valid"},
		{"endless calls", "JUSHUITAN_CALLS_PER_SECOND", "+Inf", "not valid"},
		{"100 a minute", "JUSHUITAN_CALLS_PER_SECOND", "1.6", ""},

		{"unknown way in", "KINGDEE_AUTH", "oauth", `"oauth" is not valid`},
		{"password without one", "KINGDEE_AUTH", "password", "not set"},
		{"an old app id, to sign", "KINGDEE_APP_ID", "123456", "not a complete id"},
		{"an app id without client", "KINGDEE_APP_ID", "_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY", "not a complete id"},
		{"an app id cut short", "KINGDEE_APP_ID", "123456_QUJDR", "not a complete id"},
		{"an app id pasted twice", "KINGDEE_APP_ID", "123456_QUJDREVGR0hJSktMTU5PUFFSU1RVVldYQUJDREVGR0hJSktMTU5PUFFSU1RVVldY", "not a complete id"},
		{"a language by name", "KINGDEE_LCID", "zh-CN", `"zh-CN" is not valid`},
		{"no sessions", "KINGDEE_SESSIONS", "0", "not valid"},
		{"too many sessions", "KINGDEE_SESSIONS", "51", "not valid"},
		{"no bills in a call", "KINGDEE_BATCH_BILLS", "0", "not valid"},
		{"too many bills in a call", "KINGDEE_BATCH_BILLS", "501", "not valid"},
		{"a wait without its unit", "KINGDEE_BATCH_WAIT", "20", `"20" is not valid`},
		{"a wait before it began", "KINGDEE_BATCH_WAIT", "-1ms", "not valid"},
		{"too long a wait", "KINGDEE_BATCH_WAIT", "1001ms", "not valid"},
		{"the longest wait", "KINGDEE_BATCH_WAIT", "1s", ""},
		{"a key without its id", "REFUNDSYNC_ENCRYPTION_KEYS", "s3cretMDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODk=", "has no id"},
		{"an id with a space in it", "REFUNDSYNC_ENCRYPTION_KEYS", "key 1:" + keyText, "has no id"},
		{"a key that is no base64", "REFUNDSYNC_ENCRYPTION_KEYS", "k1:s3cret", "key k1 is not 32 bytes"},
		{"a key of AES-128", "REFUNDSYNC_ENCRYPTION_KEYS", "k1:MDEyMzQ1Njc4OWFiY2RlZg==", "key k1 is not 32 bytes"},
		{"two keys of one id", "REFUNDSYNC_ENCRYPTION_KEYS", "k1:" + keyText + ",k1:" + keyText, "two keys k1"},
		{"a comma at the end", "REFUNDSYNC_ENCRYPTION_KEYS", "k1:" + keyText + ",", ""},

		{"unknown level", "LOG_LEVEL", "verbose", `"verbose" is not valid`},
		{"unknown format", "LOG_FORMAT", "text", `"text" is not valid`},

		{"misspelt", "KINGDEE_SESSION", "3", "no such setting; expected: KINGDEE_SESSIONS"},
		{"none of ours", "KINGDEE_SERVICE_HOST", "10.0.0.7", ""},
		{"another's", "JUSHUITANG_SIGN", "10.0.0.7", ""},
	}
	for _, test := range tests {
		t.Run(test.mistake, func(t *testing.T) {
			setenv(t, complete())
			t.Setenv(test.name, test.value)
			_, err := FromProcess().Load()
			if test.wrong == "" {
				require.NoError(t, err)
				return
			}
			require.Len(t, problems(t, err), 1, "%v", err)
			assert.ErrorContains(t, err, test.wrong)
			assert.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestCheckBuildID(t *testing.T) {
	for _, test := range []struct {
		name, deployment, build string
		known                   bool
	}{
		{"no versions", "", "", true},
		{"a version given", "sync", "v2", true},
		{"the version of a test, which has none", "sync", "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			setenv(t, complete())
			t.Setenv("REFUNDSYNC_DEPLOYMENT_NAME", test.deployment)
			t.Setenv("REFUNDSYNC_BUILD_ID", test.build)
			settings, err := FromProcess().Load()
			require.NoError(t, err)
			if err := settings.Worker.CheckBuildID(); test.known {
				require.NoError(t, err)
			} else {
				require.ErrorContains(t, err, "REFUNDSYNC_BUILD_ID")
			}
		})
	}
}

func TestWhatEachWayInNeeds(t *testing.T) {
	application := []string{"KINGDEE_APP_ID", "KINGDEE_APP_SECRET"}
	for auth, needed := range map[string][]string{
		"signature": application, "appsecret": application, "sign": application, "password": {"KINGDEE_PASSWORD"},
	} {
		t.Run(auth, func(t *testing.T) {
			setenv(t, complete())
			t.Setenv("KINGDEE_AUTH", auth)
			for _, name := range []string{"KINGDEE_PASSWORD", "KINGDEE_APP_ID", "KINGDEE_APP_SECRET"} {
				t.Setenv(name, "")
			}
			_, err := FromProcess().Load()
			assert.Equal(t, needed, names(problems(t, err)))
		})
	}
	t.Run("only signed requests need the whole app id", func(t *testing.T) {
		setenv(t, complete())
		t.Setenv("KINGDEE_APP_ID", "123456")
		t.Setenv("KINGDEE_AUTH", "appsecret")
		_, err := FromProcess().Load()
		assert.NoError(t, err)
	})
}

func TestMisspeltIsNoMistakeWhereTheSettingIsSet(t *testing.T) {
	setenv(t, complete())
	t.Setenv("KINGDEE_SESSION", "3")
	t.Setenv("KINGDEE_SESSIONS", "3")
	_, err := FromProcess().Load()
	assert.NoError(t, err)
}

func TestEveryExampleIsValid(t *testing.T) {
	examples := map[string]string{}
	for setting := range definitions() {
		examples[setting.name] = setting.example
	}
	examples["KINGDEE_CA_FILE"] = testkit.File(t, testkit.CertificatePEM(testkit.NewCertificate(t, "company-ca")))
	examples[secretsName] = t.TempDir()
	for _, auth := range []string{"signature", "appsecret", "sign", "password"} {
		setenv(t, examples)
		t.Setenv("KINGDEE_AUTH", auth)
		_, err := FromProcess().Load()
		assert.NoError(t, err, auth)
	}
}

func TestLoadWorkerNeedsNeitherSystem(t *testing.T) {
	setenv(t, map[string]string{"REFUNDSYNC_FLOWS": "/flows", "KINGDEE_LCID": "nonsense"})
	worker, err := FromProcess().LoadWorker()
	require.NoError(t, err)
	assert.Equal(t, Worker{Flows: "/flows", TaskQueue: "refundsync", BaseTaskQueue: "refundsync", DrainTimeout: 90 * time.Second}, worker)

	t.Setenv("REFUNDSYNC_TASK_QUEU", "q")
	t.Setenv("KINGDEE_SESSION", "3")
	_, err = FromProcess().LoadWorker()
	assert.Equal(t, []string{"REFUNDSYNC_TASK_QUEU"}, names(problems(t, err)))
}

func TestLoadKingdeeNeedsNoOtherSystem(t *testing.T) {
	setenv(t, map[string]string{
		"KINGDEE_URL": "https://k.example.com/k3cloud/", "KINGDEE_AUTH": "password", "KINGDEE_ACCT_ID": "a", "KINGDEE_USERNAME": "u",
		"KINGDEE_PASSWORD_FILE": testkit.File(t, []byte("p\n")), "JUSHUITAN_CALLS_PER_SECOND": "nonsense",
	})
	kingdee, err := FromProcess().LoadKingdee()
	require.NoError(t, err)
	assert.Equal(t, []string{"https://k.example.com/k3cloud/", "u", "p"}, []string{kingdee.URL, kingdee.Username, kingdee.Password})

	t.Setenv("KINGDEE_ACCT_ID", "")
	t.Setenv("KINGDEE_SESSION", "3")
	_, err = FromProcess().LoadKingdee()
	assert.ElementsMatch(t, []string{"KINGDEE_ACCT_ID", "KINGDEE_SESSION"}, names(problems(t, err)))
}

func TestUsageListsEverySetting(t *testing.T) {
	var out strings.Builder
	require.NoError(t, Usage(&out))
	lines := map[string]string{}
	for line := range strings.Lines(out.String()) {
		lines[strings.Fields(line)[0]] = line
	}
	defaults := map[string]string{
		"JUSHUITAN_URL": "(if a flow reads through Qimen; such as ", "JUSHUITAN_APP_KEY": "(if a flow reads through Qimen; such as ", "JUSHUITAN_APP_SECRET": "(if a flow reads through Qimen; such as ",
		"JUSHUITAN_CUSTOMER_ID": "(if a flow reads through Qimen; such as ", "JUSHUITAN_TARGET_APP_KEY": "(default 23060081)", "JUSHUITAN_SESSION": "(optional; such as ",
		"JUSHUITAN_SIGN_METHOD": "(default hmac-sha256)", "JUSHUITAN_CALLS_PER_SECOND": "(default 5)",
		"JUSHUITAN_OPEN_APP_KEY": "(if a flow reads from the open platform; such as ", "JUSHUITAN_OPEN_APP_SECRET": "(if a flow reads from the open platform; such as ",
		"JUSHUITAN_OPEN_URL": "(default https://openapi.jushuitan.com)", "JUSHUITAN_OPEN_ACCESS_TOKEN": "(optional; such as ", "JUSHUITAN_OPEN_REFRESH_TOKEN": "(optional; such as ",
		"KINGDEE_URL": "(required; such as ", "KINGDEE_AUTH": "(default signature)", "KINGDEE_ACCT_ID": "(required; such as ", "KINGDEE_USERNAME": "(required; such as ",
		"KINGDEE_PASSWORD": "(depends on KINGDEE_AUTH; such as ", "KINGDEE_APP_ID": "(depends on KINGDEE_AUTH; such as ", "KINGDEE_APP_SECRET": "(depends on KINGDEE_AUTH; such as ",
		"KINGDEE_LCID": "(default 2052)", "KINGDEE_ORG_NUMBER": "(optional; such as ", "KINGDEE_CA_FILE": "(optional; such as ", "KINGDEE_SESSIONS": "(default 4)",
		"KINGDEE_BATCH_BILLS": "(default 20)", "KINGDEE_BATCH_WAIT": "(default 20ms)",
		"REFUNDSYNC_LANG": "(optional; such as zh-CN)", "REFUNDSYNC_COMPANY": "(optional; such as north)", "REFUNDSYNC_FLOWS": "(default flows)", "REFUNDSYNC_TASK_QUEUE": "(default refundsync)", "REFUNDSYNC_HTTP_ADDRESS": "(optional; such as ",
		"REFUNDSYNC_DRAIN_TIMEOUT": "(default 90s)", "REFUNDSYNC_DEPLOYMENT_NAME": "(optional; such as ", "REFUNDSYNC_BUILD_ID": "(optional; such as ",
		"REFUNDSYNC_ENCRYPTION_KEYS": "(optional; such as ", "REFUNDSYNC_SECRETS": "(optional; such as ",
		"REFUNDSYNC_CODEC_TOKEN": "(for starter codec-server; such as ", "REFUNDSYNC_CODEC_UI_ORIGIN": "(for starter codec-server; such as ",
		"LOG_LEVEL": "(default info)", "LOG_FORMAT": "(default json)",
	}
	for name, want := range defaults {
		assert.Contains(t, lines[name], want)
		secret := strings.HasSuffix(name, "SECRET") || strings.HasSuffix(name, "PASSWORD") || strings.HasSuffix(name, "SESSION") ||
			strings.HasSuffix(name, "KEYS") || strings.HasSuffix(name, "TOKEN") || name == "KINGDEE_APP_ID"
		assert.Equal(t, secret, strings.Contains(lines[name], "[secret]"), name)
	}
	assert.Len(t, lines, len(defaults))
	for setting := range definitions() {
		assert.Contains(t, lines[setting.name], setting.description.String())
		if setting.defaultValue == "" {
			assert.Contains(t, lines[setting.name], setting.example)
		}
	}
}
