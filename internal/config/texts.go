package config

import (
	"reflect"
	"slices"
	"strings"
)

// texts is every setting as text, so that all that is wrong can be said at once.
//
// Of the tags, env is the variable, zh and en say what is expected, example shows
// it, need says when a setting without default has to be set, a secret can also
// come from a file, and a verbatim value may have any character at its ends.
type texts struct {
	JushuitanURL            string `env:"JUSHUITAN_URL" need:"required" zh:"奇门网关的完整网址" en:"the full address of the Qimen gateway" example:"https://a1q40taq0j.api.taobao.com/router/qm"`
	JushuitanAppKey         string `env:"JUSHUITAN_APP_KEY" need:"required" zh:"奇门应用的 app_key" en:"the app_key of the Qimen application" example:"34250001"`
	JushuitanAppSecret      string `env:"JUSHUITAN_APP_SECRET" need:"required" secret:"true" zh:"奇门应用的 app_secret" en:"the app_secret of the Qimen application" example:"0123456789abcdef0123456789abcdef"`
	JushuitanCustomerID     string `env:"JUSHUITAN_CUSTOMER_ID" need:"required" zh:"商家在奇门的 customer_id" en:"the merchant's customer_id at Qimen" example:"c1709123456"`
	JushuitanTargetAppKey   string `env:"JUSHUITAN_TARGET_APP_KEY" default:"23060081" zh:"被调用方的 app_key，聚水潭是 23060081" en:"the app_key of who is called; Jushuitan's is 23060081" example:"23060081"`
	JushuitanSession        string `env:"JUSHUITAN_SESSION" need:"optional" secret:"true" zh:"授权 session，账号需要时才填" en:"the authorisation's session, where the account needs one" example:"6102b2c1d0e9f8a7"`
	JushuitanSignMethod     string `env:"JUSHUITAN_SIGN_METHOD" default:"hmac-sha256" zh:"签名算法 md5、hmac 或 hmac-sha256" en:"the way to sign: md5, hmac or hmac-sha256" example:"hmac-sha256"`
	JushuitanCallsPerSecond string `env:"JUSHUITAN_CALLS_PER_SECOND" default:"5" zh:"每秒调用上限（所有 worker 合计），大于 0、不超过 1000，可以是小数" en:"calls a second over all workers, more than 0 and up to 1000, also with a fraction" example:"1.6"`

	KingdeeURL       string `env:"KINGDEE_URL" need:"required" zh:"金蝶云星空的完整网址，以 /k3cloud/ 结尾" en:"the full address of Kingdee Cloud Galaxy, ending in /k3cloud/" example:"https://tenant.ik3cloud.com/k3cloud/"`
	KingdeeAuth      string `env:"KINGDEE_AUTH" default:"signature" zh:"认证方式 signature（请求签名）、appsecret、sign 或 password（三种登录）" en:"the way to be let in: signature (signed requests), appsecret, sign or password (three ways to log in)" example:"signature"`
	KingdeeAcctID    string `env:"KINGDEE_ACCT_ID" need:"required" zh:"数据中心（账套）ID" en:"the id of the data centre" example:"65e0a1b2c3d4e5"`
	KingdeeUsername  string `env:"KINGDEE_USERNAME" need:"required" zh:"集成用户的名称" en:"the name of the integration user" example:"integration"`
	KingdeePassword  string `env:"KINGDEE_PASSWORD" need:"by KINGDEE_AUTH" secret:"true" verbatim:"true" zh:"集成用户的密码，KINGDEE_AUTH=password 时必填" en:"the integration user's password, required with KINGDEE_AUTH=password" example:"S3cret-pass"`
	KingdeeAppID     string `env:"KINGDEE_APP_ID" need:"by KINGDEE_AUTH" secret:"true" zh:"第三方系统登录授权的应用 ID，除 KINGDEE_AUTH=password 外必填；signature 需要 <数字>_<base64> 的完整形式" en:"the application's id, required except with KINGDEE_AUTH=password; signature needs it whole, as <digits>_<base64>" example:"270001_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY"`
	KingdeeAppSecret string `env:"KINGDEE_APP_SECRET" need:"by KINGDEE_AUTH" secret:"true" zh:"第三方系统登录授权的应用密钥，除 KINGDEE_AUTH=password 外必填" en:"the application's secret, required except with KINGDEE_AUTH=password" example:"0123456789abcdef0123456789abcdef"`
	KingdeeLCID      string `env:"KINGDEE_LCID" default:"2052" zh:"语言代码，1 到 65535 的整数，简体中文是 2052" en:"the language's id, a whole number from 1 to 65535; simplified Chinese is 2052" example:"2052"`
	KingdeeOrgNumber string `env:"KINGDEE_ORG_NUMBER" need:"optional" zh:"组织编码，signature 方式、多组织时使用" en:"the organisation that signed requests act for, where there are several" example:"100"`
	KingdeeCAFile    string `env:"KINGDEE_CA_FILE" need:"optional" zh:"金蝶服务器的证书由企业自己的 CA 签发时，CA 证书文件（PEM）的路径；系统信任的 CA 仍然有效" en:"the path of a file of CA certificates (PEM), where the Kingdee server's certificate is from a CA of your own; those that the system trusts stay valid" example:"/etc/refundsync/company-ca.pem"`
	KingdeeSessions  string `env:"KINGDEE_SESSIONS" default:"4" zh:"同时使用的会话数，1 到 50 的整数" en:"sessions used at a time, a whole number from 1 to 50" example:"4"`

	KingdeeBatchBills string `env:"KINGDEE_BATCH_BILLS" default:"20" zh:"一次调用最多的单据数，1 到 500 的整数" en:"bills in one call at most, a whole number from 1 to 500" example:"20"`
	KingdeeBatchWait  string `env:"KINGDEE_BATCH_WAIT" default:"20ms" zh:"一张单据最多等多久，好与别的单据合并调用，0 到 1s" en:"how long a bill waits at most for others to share its call, 0 to 1s" example:"20ms"`

	Flows       string `env:"REFUNDSYNC_FLOWS" default:"flows" zh:"流程文件所在的文件夹" en:"the folder of the flow files" example:"/etc/refundsync/flows"`
	TaskQueue   string `env:"REFUNDSYNC_TASK_QUEUE" default:"refundsync" zh:"Temporal 任务队列" en:"the task queue in Temporal" example:"refundsync"`
	HTTPAddress string `env:"REFUNDSYNC_HTTP_ADDRESS" need:"optional" zh:"worker 提供 /healthz、/readyz 和 /metrics 的地址，写作 主机:端口；不设则不提供" en:"where the worker serves /healthz, /readyz and /metrics, as host:port; nowhere if not set" example:"127.0.0.1:9464"`

	DrainTimeout   string `env:"REFUNDSYNC_DRAIN_TIMEOUT" default:"90s" zh:"worker 收到停止信号后，最多用多久做完手上的活动，10s 到 1h；终止它的一方（Kubernetes、systemd、compose）要等得更久" en:"how long a worker that is told to stop may take to finish the activities that it has begun, 10s to 1h; whoever would kill it (Kubernetes, systemd, compose) has to wait longer" example:"90s"`
	DeploymentName string `env:"REFUNDSYNC_DEPLOYMENT_NAME" need:"optional" zh:"Temporal Worker Deployment 的名称，不含 . 和 :，不以 __ 开头；设置后 worker 按版本领取任务，要等其版本成为当前版本才有任务，见 docs/upgrades.md" en:"the name of the Worker Deployment in Temporal, without . and : and not beginning with __; with it a worker gets work by its version, and none before that is made the current one, see docs/upgrades.md" example:"refundsync"`
	BuildID        string `env:"REFUNDSYNC_BUILD_ID" need:"optional" zh:"worker 在该 Worker Deployment 中的版本；不设则用程序自己的版本" en:"the worker's version in that Worker Deployment; the program's own if not set" example:"v1.2.3"`

	EncryptionKeys string `env:"REFUNDSYNC_ENCRYPTION_KEYS" need:"optional" secret:"true" zh:"加密 Temporal 中内容的密钥，写作 名称:密钥，多把以逗号分隔，第一把用于加密，全部可解密；排在最前的 none 表示不再加密，排在最后的表示也读明文；密钥是 base64 的 32 字节，用 openssl rand -base64 32 生成；不设则不加密" en:"the keys that encrypt what Temporal keeps, as id:key, with commas between several; the first encrypts, all decrypt; none before them stops it, behind them has clear text read too; a key is 32 bytes in base64, made by openssl rand -base64 32; nothing is encrypted if not set" example:"2024-03:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="`

	CodecToken    string `env:"REFUNDSYNC_CODEC_TOKEN" need:"for starter codec-server" secret:"true" zh:"向 codec server 登录用的口令，至少 32 个字符，用 openssl rand -hex 32 生成" en:"what people sign in to the codec server with, at least 32 characters, made by openssl rand -hex 32" example:"6f1c0b5e9a7d4d2e8c3b1a0f5e6d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2e1"`
	CodecUIOrigin string `env:"REFUNDSYNC_CODEC_UI_ORIGIN" need:"for starter codec-server" zh:"Temporal Web UI 的网址，不带路径" en:"the address of the Temporal Web UI, without a path" example:"https://temporal.example.com"`

	Secrets string `env:"REFUNDSYNC_SECRETS" need:"optional" zh:"存放密钥文件的文件夹，每个文件以变量名命名，如 KINGDEE_APP_SECRET" en:"a folder with secrets in files, each named as its variable, such as KINGDEE_APP_SECRET" example:"/run/secrets"`

	LogLevel  string `env:"LOG_LEVEL" default:"info" zh:"日志级别 debug、info、warn 或 error" en:"the level of the log: debug, info, warn or error" example:"info"`
	LogFormat string `env:"LOG_FORMAT" default:"json" zh:"日志格式 json 或 console" en:"the format of the log: json or console" example:"json"`
}

// read takes the settings from the environment. A variable that is set but
// blank counts as not set: compose files and .env files pass such ones.
func (e Environment) read() (texts, *checker) {
	var env texts
	c := &checker{environment: e, tags: map[string]reflect.StructTag{}, unread: map[string]bool{}}
	c.problems = append(e.proxyProblems(), e.secretsProblems()...)
	for field, value := range reflect.ValueOf(&env).Elem().Fields() {
		name, tag := field.Tag.Get("env"), field.Tag
		c.tags[name] = tag
		value.SetString(e[name])
		if strings.TrimSpace(value.String()) == "" {
			value.SetString(tag.Get("default"))
		}
		if tag.Get("verbatim") == "" {
			c.clean(name, value.String())
		}
	}
	return env, c
}

// secretFiles reads the secrets that are in files, of all settings or of those named.
func (c *checker) secretFiles(env *texts, names ...string) {
	for field, value := range reflect.ValueOf(env).Elem().Fields() {
		name := field.Tag.Get("env")
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		if field.Tag.Get("secret") == "" || strings.TrimSpace(c.environment[name+fileSuffix]) == "" {
			continue
		}
		secret, problem := c.environment.readSecret(name)
		if problem != nil {
			c.problems = append(c.problems, problem)
			c.unread[name] = true
		}
		value.SetString(secret)
		if field.Tag.Get("verbatim") == "" {
			c.clean(name, secret)
		}
	}
}
