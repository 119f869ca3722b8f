package config

import (
	"fmt"
	"reflect"
	"strings"

	"github.com/kelseyhightower/envconfig"
)

// environment is every setting as text, so that all that is wrong can be said
// at once: envconfig itself stops at the first value that it can't convert.
//
// Beside envconfig's own tags, zh and en say what is expected, example shows
// it, need says when a setting without default has to be set, and a verbatim
// value may have any character at its ends.
type environment struct {
	JushuitanURL            string `envconfig:"JUSHUITAN_URL" need:"required" zh:"奇门网关的完整网址" en:"the full address of the Qimen gateway" example:"https://a1q40taq0j.api.taobao.com/router/qm"`
	JushuitanAppKey         string `envconfig:"JUSHUITAN_APP_KEY" need:"required" zh:"奇门应用的 app_key" en:"the app_key of the Qimen application" example:"34250001"`
	JushuitanAppSecret      string `envconfig:"JUSHUITAN_APP_SECRET" need:"required" secret:"true" zh:"奇门应用的 app_secret" en:"the app_secret of the Qimen application" example:"0123456789abcdef0123456789abcdef"`
	JushuitanCustomerID     string `envconfig:"JUSHUITAN_CUSTOMER_ID" need:"required" zh:"商家在奇门的 customer_id" en:"the merchant's customer_id at Qimen" example:"c1709123456"`
	JushuitanTargetAppKey   string `envconfig:"JUSHUITAN_TARGET_APP_KEY" default:"23060081" zh:"被调用方的 app_key，聚水潭是 23060081" en:"the app_key of who is called; Jushuitan's is 23060081" example:"23060081"`
	JushuitanSession        string `envconfig:"JUSHUITAN_SESSION" need:"optional" secret:"true" zh:"授权 session，账号需要时才填" en:"the authorisation's session, where the account needs one" example:"6102b2c1d0e9f8a7"`
	JushuitanSignMethod     string `envconfig:"JUSHUITAN_SIGN_METHOD" default:"hmac-sha256" zh:"签名算法 md5、hmac 或 hmac-sha256" en:"the way to sign: md5, hmac or hmac-sha256" example:"hmac-sha256"`
	JushuitanCallsPerSecond string `envconfig:"JUSHUITAN_CALLS_PER_SECOND" default:"5" zh:"每秒调用上限（所有 worker 合计），大于 0、不超过 1000，可以是小数" en:"calls a second over all workers, more than 0 and up to 1000, also with a fraction" example:"1.6"`

	KingdeeURL       string `envconfig:"KINGDEE_URL" need:"required" zh:"金蝶云星空的完整网址，以 /k3cloud/ 结尾" en:"the full address of Kingdee Cloud Galaxy, ending in /k3cloud/" example:"https://tenant.ik3cloud.com/k3cloud/"`
	KingdeeAuth      string `envconfig:"KINGDEE_AUTH" default:"signature" zh:"认证方式 signature（请求签名）、appsecret、sign 或 password（三种登录）" en:"the way to be let in: signature (signed requests), appsecret, sign or password (three ways to log in)" example:"signature"`
	KingdeeAcctID    string `envconfig:"KINGDEE_ACCT_ID" need:"required" zh:"数据中心（账套）ID" en:"the id of the data centre" example:"65e0a1b2c3d4e5"`
	KingdeeUsername  string `envconfig:"KINGDEE_USERNAME" need:"required" zh:"集成用户的名称" en:"the name of the integration user" example:"integration"`
	KingdeePassword  string `envconfig:"KINGDEE_PASSWORD" need:"by KINGDEE_AUTH" secret:"true" verbatim:"true" zh:"集成用户的密码，KINGDEE_AUTH=password 时必填" en:"the integration user's password, required with KINGDEE_AUTH=password" example:"S3cret-pass"`
	KingdeeAppID     string `envconfig:"KINGDEE_APP_ID" need:"by KINGDEE_AUTH" zh:"第三方系统登录授权的应用 ID，除 KINGDEE_AUTH=password 外必填；signature 需要 <数字>_<base64> 的完整形式" en:"the application's id, required except with KINGDEE_AUTH=password; signature needs it whole, as <digits>_<base64>" example:"270001_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"`
	KingdeeAppSecret string `envconfig:"KINGDEE_APP_SECRET" need:"by KINGDEE_AUTH" secret:"true" zh:"第三方系统登录授权的应用密钥，除 KINGDEE_AUTH=password 外必填" en:"the application's secret, required except with KINGDEE_AUTH=password" example:"0123456789abcdef0123456789abcdef"`
	KingdeeLCID      string `envconfig:"KINGDEE_LCID" default:"2052" zh:"语言代码，1 到 65535 的整数，简体中文是 2052" en:"the language's id, a whole number from 1 to 65535; simplified Chinese is 2052" example:"2052"`
	KingdeeOrgNumber string `envconfig:"KINGDEE_ORG_NUMBER" need:"optional" zh:"组织编码，signature 方式、多组织时使用" en:"the organisation that signed requests act for, where there are several" example:"100"`
	KingdeeSessions  string `envconfig:"KINGDEE_SESSIONS" default:"4" zh:"同时使用的会话数，1 到 50 的整数" en:"sessions used at a time, a whole number from 1 to 50" example:"4"`

	KingdeeBatchBills string `envconfig:"KINGDEE_BATCH_BILLS" default:"20" zh:"一次调用最多的单据数，1 到 500 的整数" en:"bills in one call at most, a whole number from 1 to 500" example:"20"`
	KingdeeBatchWait  string `envconfig:"KINGDEE_BATCH_WAIT" default:"20ms" zh:"一张单据最多等多久，好与别的单据合并调用，0 到 1s" en:"how long a bill waits at most for others to share its call, 0 to 1s" example:"20ms"`

	Flows       string `envconfig:"REFUNDSYNC_FLOWS" default:"flows" zh:"流程文件所在的文件夹" en:"the folder of the flow files" example:"/etc/refundsync/flows"`
	TaskQueue   string `envconfig:"REFUNDSYNC_TASK_QUEUE" default:"refundsync" zh:"Temporal 任务队列" en:"the task queue in Temporal" example:"refundsync"`
	HTTPAddress string `envconfig:"REFUNDSYNC_HTTP_ADDRESS" need:"optional" zh:"worker 提供 /healthz、/readyz 和 /metrics 的地址，写作 主机:端口；不设则不提供" en:"where the worker serves /healthz, /readyz and /metrics, as host:port; nowhere if not set" example:"127.0.0.1:9464"`

	EncryptionKeys     string `envconfig:"REFUNDSYNC_ENCRYPTION_KEYS" need:"optional" secret:"true" zh:"加密 Temporal 中内容的密钥，写作 名称:密钥，多把以逗号分隔，第一把用于加密，全部可解密；密钥是 base64 的 32 字节，用 openssl rand -base64 32 生成；不设则不加密" en:"the keys that encrypt what Temporal keeps, as id:key, with commas between several; the first encrypts, all decrypt; a key is 32 bytes in base64, made by openssl rand -base64 32; nothing is encrypted if not set" example:"2024-03:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="`
	EncryptionKeysFile string `envconfig:"REFUNDSYNC_ENCRYPTION_KEYS_FILE" need:"optional" zh:"密钥文件，代替 REFUNDSYNC_ENCRYPTION_KEYS：每行一把 名称:密钥；其他用户不可读" en:"a file with the keys, instead of REFUNDSYNC_ENCRYPTION_KEYS: one id:key a line; not readable by everybody" example:"/etc/refundsync/encryption.keys"`

	CodecToken    string `envconfig:"REFUNDSYNC_CODEC_TOKEN" need:"for starter codec-server" secret:"true" zh:"向 codec server 登录用的口令，至少 32 个字符，用 openssl rand -hex 32 生成" en:"what people sign in to the codec server with, at least 32 characters, made by openssl rand -hex 32" example:"6f1c0b5e9a7d4d2e8c3b1a0f5e6d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2e1"`
	CodecUIOrigin string `envconfig:"REFUNDSYNC_CODEC_UI_ORIGIN" need:"for starter codec-server" zh:"Temporal Web UI 的网址，不带路径" en:"the address of the Temporal Web UI, without a path" example:"https://temporal.example.com"`

	LogLevel  string `envconfig:"LOG_LEVEL" default:"info" zh:"日志级别 debug、info、warn 或 error" en:"the level of the log: debug, info, warn or error" example:"info"`
	LogFormat string `envconfig:"LOG_FORMAT" default:"json" zh:"日志格式 json 或 console" en:"the format of the log: json or console" example:"json"`
}

// read takes the settings from the environment. A variable that is set but
// blank counts as not set: compose files and .env files pass such ones.
func read() (environment, *checker, error) {
	var env environment
	if err := envconfig.Process("", &env); err != nil {
		return env, nil, fmt.Errorf("无法读取设置。 The settings can't be read: %w", err)
	}
	c := &checker{tags: map[string]reflect.StructTag{}}
	for field, value := range reflect.ValueOf(&env).Elem().Fields() {
		name, tag := field.Tag.Get("envconfig"), field.Tag
		c.tags[name] = tag
		if strings.TrimSpace(value.String()) == "" {
			value.SetString(tag.Get("default"))
		}
		if tag.Get("verbatim") == "" {
			c.clean(name, value.String())
		}
	}
	return env, c, nil
}
