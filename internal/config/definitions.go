package config

import (
	"iter"

	"refundsync/internal/text"
)

// setting defines one environment variable.
type setting struct {
	name string
	// need says when a setting without default has to be set.
	defaultValue string
	need         text.Text
	// A secret can also come from a file. A verbatim value may start or end with white
	// space or quotes.
	secret, verbatim bool
	example          string
	// description says what the setting is; problems quote it. hint says where to find the
	// value, or what to choose.
	description, hint text.Text
}

// group is a group of settings.
type group struct {
	title    string
	settings []setting
}

var (
	needRequired  = text.New("required")
	needOptional  = text.New("optional")
	needByAuth    = text.New("depends on KINGDEE_AUTH")
	needForServer = text.New("for starter codec-server")
	needByQimen   = text.New("if a flow reads through Qimen")
	needByOpen    = text.New("if a flow reads from the open platform")
	needByFlow    = text.New("if the flow names it")
)

// groups are all settings that our own code reads. Problems, the worker's --help and
// docs/configuration.md are made from them.
var groups = []group{
	{"Jushuitan", []setting{
		{name: "JUSHUITAN_URL", need: needByQimen, example: "https://a1q40taq0j.api.taobao.com/router/qm",
			description: text.New("the full URL of the Qimen gateway"),
			hint:        text.New("for tests `…/router/qmtest`")},
		{name: "JUSHUITAN_APP_KEY", need: needByQimen, example: "34250001",
			description: text.New("the app_key of the Qimen application"),
			hint:        text.New("in the console of the Taobao open platform (%s), in your application", "淘宝开放平台")},
		{name: "JUSHUITAN_APP_SECRET", need: needByQimen, secret: true, example: "0123456789abcdef0123456789abcdef",
			description: text.New("the app_secret of the Qimen application"),
			hint:        text.New("next to the app_key")},
		{name: "JUSHUITAN_CUSTOMER_ID", need: needByQimen, example: "c1709123456",
			description: text.New("the merchant's customer_id at Qimen"),
			hint:        text.New("the merchant receives it with the authorisation for Qimen; Jushuitan's support knows it")},
		{name: "JUSHUITAN_TARGET_APP_KEY", defaultValue: "23060081", example: "23060081",
			description: text.New("the app_key of the system that is called; Jushuitan's is 23060081")},
		{name: "JUSHUITAN_SESSION", need: needOptional, secret: true, example: "6102b2c1d0e9f8a7",
			description: text.New("the authorisation's session, if the account needs one")},
		{name: "JUSHUITAN_SIGN_METHOD", defaultValue: "hmac-sha256", example: "hmac-sha256",
			description: text.New("the signature method: md5, hmac or hmac-sha256")},
		{name: "JUSHUITAN_CALLS_PER_SECOND", defaultValue: "5", example: "1.6",
			description: text.New("the limit of calls a second over all workers, through Qimen and on the open platform each, more than 0 and up to 1000; fractions are allowed"),
			hint:        text.New("see your quota; for 100 a minute, set `1.6`")},
		{name: "JUSHUITAN_OPEN_APP_KEY", need: needByOpen, example: "5b53060f23d84ddf9703056e84fa5a2d",
			description: text.New("the app_key of the application at Jushuitan's open platform"),
			hint:        text.New("at %s, in your application", "open.jushuitan.com")},
		{name: "JUSHUITAN_OPEN_APP_SECRET", need: needByOpen, secret: true, example: "0123456789abcdef0123456789abcdef",
			description: text.New("the app_secret of the application at Jushuitan's open platform"),
			hint:        text.New("next to the app_key")},
		{name: "JUSHUITAN_OPEN_URL", defaultValue: "https://openapi.jushuitan.com", example: "https://openapi.jushuitan.com",
			description: text.New("the URL of Jushuitan's open platform"),
			hint:        text.New("for tests `https://dev-api.jushuitan.com`")},
		{name: "JUSHUITAN_OPEN_ACCESS_TOKEN", need: needOptional, secret: true, example: "d7b01bf0842a4742a9450e21ffd95f60",
			description: text.New("the first access token, for a service provider's application, which the merchant has to authorise in the browser; an application of your own asks for its tokens")},
		{name: "JUSHUITAN_OPEN_REFRESH_TOKEN", need: needOptional, secret: true, example: "0842a4742a9450e21ffd95f60d7b01bf",
			description: text.New("the refresh token that came with JUSHUITAN_OPEN_ACCESS_TOKEN, if there is one")},
	}},
	{"Kingdee", []setting{
		{name: "KINGDEE_URL", need: needRequired, example: "https://tenant.ik3cloud.com/k3cloud/",
			description: text.New("the full URL of Kingdee Cloud Galaxy, ending in /k3cloud/"),
			hint:        text.New("the address in the browser after you log in, up to `/k3cloud/`")},
		{name: "KINGDEE_AUTH", defaultValue: "signature", example: "signature",
			description: text.New("how to authenticate: signature (signed requests), or a login by appsecret, sign or password")},
		{name: "KINGDEE_ACCT_ID", need: needRequired, example: "65e0a1b2c3d4e5",
			description: text.New("the id of the data centre"),
			hint:        text.New("in the address bar after you open any object in %s", "公共设置 → WebAPI")},
		{name: "KINGDEE_USERNAME", need: needRequired, example: "integration",
			description: text.New("the name of the integration user"),
			hint:        text.New("%s in %s", "集成用户", "第三方系统登录授权")},
		{name: "KINGDEE_PASSWORD", need: needByAuth, secret: true, verbatim: true, example: "S3cret-pass",
			description: text.New("the integration user's password, required with KINGDEE_AUTH=password")},
		{name: "KINGDEE_APP_ID", need: needByAuth, secret: true, example: "270001_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY",
			description: text.New("the application's id, required except with KINGDEE_AUTH=password; signature needs the complete id, <digits>_<base64>"),
			hint:        text.New("in %s", "第三方系统登录授权 → 新增 → 获取应用ID")},
		{name: "KINGDEE_APP_SECRET", need: needByAuth, secret: true, example: "0123456789abcdef0123456789abcdef",
			description: text.New("the application's secret, required except with KINGDEE_AUTH=password"),
			hint:        text.New("on the same page, as %s", "应用密钥")},
		{name: "KINGDEE_LCID", defaultValue: "2052", example: "2052",
			description: text.New("the id of the language, a whole number from 1 to 65535; simplified Chinese is 2052")},
		{name: "KINGDEE_ORG_NUMBER", need: needOptional, example: "100",
			description: text.New("the organisation that signed requests act for, if there are several")},
		{name: "KINGDEE_CA_FILE", need: needOptional, example: "/etc/refundsync/company-ca.pem",
			description: text.New("the path of a file with CA certificates (PEM), if the Kingdee server's certificate is from your own CA; the system's CAs stay trusted"),
			hint:        text.New("ask your IT department, or whoever set up the server")},
		{name: "KINGDEE_SESSIONS", defaultValue: "4", example: "4",
			description: text.New("sessions used at a time, a whole number from 1 to 50"),
			hint:        text.New("Kingdee handles one call at a time per session; 3 to 5 are recommended. The worker uses fewer while Kingdee limits the rate or doesn't answer in time")},
		{name: "KINGDEE_BATCH_BILLS", defaultValue: "20", example: "20",
			description: text.New("the most bills in one call, a whole number from 1 to 500"),
			hint:        text.New("20 is recommended, or more if your Kingdee can handle it. `in_flight` × `windows_at_once` of the flow should be at least this × (`KINGDEE_SESSIONS` + 1), or calls don't fill up")},
		{name: "KINGDEE_BATCH_WAIT", defaultValue: "20ms", example: "20ms",
			description: text.New("how long a bill may wait for others to share its call, 0 to 1s"),
			hint:        text.New("longer means fewer calls when orders come slowly")},
	}},
	{"Worker", []setting{
		{name: text.Variable, need: needOptional, example: string(text.Chinese),
			description: text.New("the language of messages, of the Web UI and of alerts: %s or %s; the system's if not set", text.English, text.Chinese),
			hint:        text.New("the flag `--%s` takes precedence", text.Flag)},
		{name: "REFUNDSYNC_FLOWS", defaultValue: "flows", example: "/etc/refundsync/flows",
			description: text.New("the folder of the flow files")},
		{name: "REFUNDSYNC_TASK_QUEUE", defaultValue: "refundsync", example: "refundsync",
			description: text.New("the task queue in Temporal"),
			hint:        text.New("the same for worker and starter")},
		{name: "REFUNDSYNC_COMPANY", need: needOptional, example: "north",
			description: text.New("the only company whose flows a worker runs, and commands are about; all companies if not set")},
		{name: "REFUNDSYNC_HTTP_ADDRESS", need: needOptional, example: "127.0.0.1:9464",
			description: text.New("the host:port where the worker serves /healthz, /readyz and /metrics; nowhere if not set")},
		{name: "REFUNDSYNC_DRAIN_TIMEOUT", defaultValue: "90s", example: "90s",
			description: text.New("how long a stopping worker may take to finish its current activities, 10s to 1h; whatever kills it otherwise (Kubernetes, systemd, compose) has to wait longer")},
		{name: "REFUNDSYNC_DEPLOYMENT_NAME", need: needOptional, example: "refundsync",
			description: text.New("the name of the Worker Deployment in Temporal, without . and :, and not starting with __; with it, a worker gets tasks by its version, and none until that version is made current, see docs/upgrades.md")},
		{name: "REFUNDSYNC_BUILD_ID", need: needOptional, example: "v1.2.3",
			description: text.New("the worker's version in its Worker Deployment; the program's own version if not set")},
		{name: "REFUNDSYNC_SECRETS", need: needOptional, example: "/run/secrets",
			description: text.New("a folder with a file for each secret, named like its variable, such as KINGDEE_APP_SECRET")},
		{name: "LOG_LEVEL", defaultValue: "info", example: "info",
			description: text.New("the log level: debug, info, warn or error")},
		{name: "LOG_FORMAT", defaultValue: "json", example: "json",
			description: text.New("the log format: json or console")},
	}},
	{"Encryption", []setting{
		{name: "REFUNDSYNC_ENCRYPTION_KEYS", need: needOptional, secret: true, example: "2024-03:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
			description: text.New("the keys that encrypt what Temporal stores, each as id:key, separated by commas; the first encrypts, all decrypt; none as the first stops encryption, as the last it accepts clear text too; a key is 32 bytes in base64, made with openssl rand -base64 32; nothing is encrypted if not set")},
		{name: "REFUNDSYNC_CODEC_TOKEN", need: needForServer, secret: true, example: "6f1c0b5e9a7d4d2e8c3b1a0f5e6d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2e1",
			description: text.New("the token to sign in to the codec server with, at least 32 characters, made with openssl rand -hex 32")},
		{name: "REFUNDSYNC_CODEC_UI_ORIGIN", need: needForServer, example: "https://temporal.example.com",
			description: text.New("the URL of the Temporal Web UI, without a path")},
	}},
}

// definitions gives the settings of all groups.
func definitions() iter.Seq[setting] {
	return func(yield func(setting) bool) {
		for _, group := range groups {
			for _, setting := range group.settings {
				if !yield(setting) {
					return
				}
			}
		}
	}
}
