package config

import "iter"

// setting defines one environment variable.
type setting struct {
	name string
	// otherwise is the default. A setting without one says in need when it has to be set.
	otherwise, need string
	// A secret can also come from a file. A verbatim value may have any character at its
	// ends.
	secret, verbatim bool
	example          string
	// en and zh say what is expected; messages quote them. hintEN and hintZH say where to
	// find the value, or what to choose.
	en, zh, hintEN, hintZH string
}

// group is settings that belong together.
type group struct {
	title    string
	settings []setting
}

const (
	needRequired  = "required"
	needOptional  = "optional"
	needByAuth    = "by KINGDEE_AUTH"
	needForServer = "for starter codec-server"
	needByFlow    = "by the flow"
)

// groups are all settings that this program reads by itself. Messages, --help of the
// worker and docs/configuration.md come from them.
var groups = []group{
	{"Jushuitan", []setting{
		{name: "JUSHUITAN_URL", need: needRequired, example: "https://a1q40taq0j.api.taobao.com/router/qm",
			en:     "the full address of the Qimen gateway",
			zh:     "奇门网关的完整网址",
			hintEN: "for tests `…/router/qmtest`",
			hintZH: "测试环境为 `…/router/qmtest`"},
		{name: "JUSHUITAN_APP_KEY", need: needRequired, example: "34250001",
			en:     "the app_key of the Qimen application",
			zh:     "奇门应用的 app_key",
			hintEN: "it is in the Taobao open platform console (淘宝开放平台), in your application",
			hintZH: "在淘宝开放平台控制台的您的应用里"},
		{name: "JUSHUITAN_APP_SECRET", need: needRequired, secret: true, example: "0123456789abcdef0123456789abcdef",
			en:     "the app_secret of the Qimen application",
			zh:     "奇门应用的 app_secret",
			hintEN: "it is beside the app_key",
			hintZH: "在 app_key 旁边"},
		{name: "JUSHUITAN_CUSTOMER_ID", need: needRequired, example: "c1709123456",
			en:     "the merchant's customer_id at Qimen",
			zh:     "商家在奇门的 customer_id",
			hintEN: "the merchant gets it with the authorisation for Qimen; Jushuitan's support knows it",
			hintZH: "商家开通奇门授权时取得，可向聚水潭客服索取"},
		{name: "JUSHUITAN_TARGET_APP_KEY", otherwise: "23060081", example: "23060081",
			en: "the app_key of the called side; Jushuitan's is 23060081",
			zh: "被调用方的 app_key，聚水潭是 23060081"},
		{name: "JUSHUITAN_SESSION", need: needOptional, secret: true, example: "6102b2c1d0e9f8a7",
			en: "the authorisation's session, where the account needs one",
			zh: "授权 session，账号需要时才填"},
		{name: "JUSHUITAN_SIGN_METHOD", otherwise: "hmac-sha256", example: "hmac-sha256",
			en: "the way to sign: md5, hmac or hmac-sha256",
			zh: "签名算法 md5、hmac 或 hmac-sha256"},
		{name: "JUSHUITAN_CALLS_PER_SECOND", otherwise: "5", example: "1.6",
			en:     "calls a second over all workers, more than 0 and up to 1000; fractions are allowed",
			zh:     "每秒调用上限（所有 worker 合计），大于 0、不超过 1000，可以是小数",
			hintEN: "see your allowance; 100 a minute is `1.6`",
			hintZH: "看您的配额；如果是每分钟 100 次，就填 `1.6`"},
	}},
	{"Kingdee", []setting{
		{name: "KINGDEE_URL", need: needRequired, example: "https://tenant.ik3cloud.com/k3cloud/",
			en:     "the full address of Kingdee Cloud Galaxy, ending in /k3cloud/",
			zh:     "金蝶云星空的完整网址，以 /k3cloud/ 结尾",
			hintEN: "the address in your browser after you log in, up to `/k3cloud/`",
			hintZH: "登录后浏览器里的网址，截到 `/k3cloud/`"},
		{name: "KINGDEE_AUTH", otherwise: "signature", example: "signature",
			en: "how to authenticate: signature (signed requests), or a login by appsecret, sign or password",
			zh: "认证方式 signature（请求签名）、appsecret、sign 或 password（三种登录）"},
		{name: "KINGDEE_ACCT_ID", need: needRequired, example: "65e0a1b2c3d4e5",
			en:     "the id of the data centre",
			zh:     "数据中心（账套）ID",
			hintEN: "it is in the address bar of any object in 公共设置 → WebAPI",
			hintZH: "在公共设置 → WebAPI 里打开任一业务对象，ID 在地址栏里"},
		{name: "KINGDEE_USERNAME", need: needRequired, example: "integration",
			en:     "the name of the integration user",
			zh:     "集成用户的名称",
			hintEN: "it is 集成用户 in 第三方系统登录授权",
			hintZH: "即第三方系统登录授权里的集成用户"},
		{name: "KINGDEE_PASSWORD", need: needByAuth, secret: true, verbatim: true, example: "S3cret-pass",
			en: "the integration user's password, required with KINGDEE_AUTH=password",
			zh: "集成用户的密码，KINGDEE_AUTH=password 时必填"},
		{name: "KINGDEE_APP_ID", need: needByAuth, secret: true, example: "270001_QUJDREVGR0hJSktMTU5PUFFSU1RVVldY",
			en:     "the application's id, required except with KINGDEE_AUTH=password; signature needs it whole, as <digits>_<base64>",
			zh:     "第三方系统登录授权的应用 ID，除 KINGDEE_AUTH=password 外必填；signature 需要 <数字>_<base64> 的完整形式",
			hintEN: "it is in 第三方系统登录授权 → 新增 → 获取应用ID",
			hintZH: "在第三方系统登录授权 → 新增 → 获取应用ID"},
		{name: "KINGDEE_APP_SECRET", need: needByAuth, secret: true, example: "0123456789abcdef0123456789abcdef",
			en:     "the application's secret, required except with KINGDEE_AUTH=password",
			zh:     "第三方系统登录授权的应用密钥，除 KINGDEE_AUTH=password 外必填",
			hintEN: "it is on the same page, as 应用密钥",
			hintZH: "在同一页面，即应用密钥"},
		{name: "KINGDEE_LCID", otherwise: "2052", example: "2052",
			en: "the language's id, a whole number from 1 to 65535; simplified Chinese is 2052",
			zh: "语言代码，1 到 65535 的整数，简体中文是 2052"},
		{name: "KINGDEE_ORG_NUMBER", need: needOptional, example: "100",
			en: "the organisation that signed requests act for, where there are several",
			zh: "组织编码，signature 方式、多组织时使用"},
		{name: "KINGDEE_CA_FILE", need: needOptional, example: "/etc/refundsync/company-ca.pem",
			en:     "the path of a file of CA certificates (PEM), where the Kingdee server's certificate is from a CA of your own; those that the system trusts stay valid",
			zh:     "金蝶服务器的证书由企业自己的 CA 签发时，CA 证书文件（PEM）的路径；系统信任的 CA 仍然有效",
			hintEN: "ask your IT department, or who set the server up",
			hintZH: "请问 IT 部门，或当初安装服务器的人"},
		{name: "KINGDEE_SESSIONS", otherwise: "4", example: "4",
			en:     "sessions used at a time, a whole number from 1 to 50",
			zh:     "同时使用的会话数，1 到 50 的整数",
			hintEN: "Kingdee serves one call at a time in a session; 3 to 5 are advised. The worker uses fewer by itself while Kingdee refuses calls as too many or does not answer in time",
			hintZH: "金蝶一个会话同一时刻只处理一个请求，建议 3 到 5。金蝶限流或不能及时应答时，会自动减少"},
		{name: "KINGDEE_BATCH_BILLS", otherwise: "20", example: "20",
			en:     "bills in one call at most, a whole number from 1 to 500",
			zh:     "一次调用最多的单据数，1 到 500 的整数",
			hintEN: "20 are advised; more if your Kingdee takes it. Have `in_flight` × `windows_at_once` of the flow at least this × (`KINGDEE_SESSIONS` + 1), or calls can't fill up",
			hintZH: "建议 20，金蝶承受得住可以调大。流程的 `in_flight` × `windows_at_once` 至少应为它 ×（`KINGDEE_SESSIONS` + 1），否则凑不满"},
		{name: "KINGDEE_BATCH_WAIT", otherwise: "20ms", example: "20ms",
			en:     "how long a bill waits at most for others to share its call, 0 to 1s",
			zh:     "一张单据最多等多久，好与别的单据合并调用，0 到 1s",
			hintEN: "longer means fewer calls where orders come slowly",
			hintZH: "单来得慢时，调长可以减少调用次数"},
	}},
	{"Worker", []setting{
		{name: "REFUNDSYNC_FLOWS", otherwise: "flows", example: "/etc/refundsync/flows",
			en: "the folder of the flow files",
			zh: "流程文件所在的文件夹"},
		{name: "REFUNDSYNC_TASK_QUEUE", otherwise: "refundsync", example: "refundsync",
			en:     "the task queue in Temporal",
			zh:     "Temporal 任务队列",
			hintEN: "it is the same for worker and starter",
			hintZH: "worker 和 starter 要一致"},
		{name: "REFUNDSYNC_HTTP_ADDRESS", need: needOptional, example: "127.0.0.1:9464",
			en: "where the worker serves /healthz, /readyz and /metrics, as host:port; nowhere if not set",
			zh: "worker 提供 /healthz、/readyz 和 /metrics 的地址，写作 主机:端口；不设则不提供"},
		{name: "REFUNDSYNC_DRAIN_TIMEOUT", otherwise: "90s", example: "90s",
			en: "how long a worker that is told to stop may take to finish the activities that it has begun, 10s to 1h; whoever would kill it (Kubernetes, systemd, compose) has to wait longer",
			zh: "worker 收到停止信号后，最多用多久做完手上的活动，10s 到 1h；终止它的一方（Kubernetes、systemd、compose）要等得更久"},
		{name: "REFUNDSYNC_DEPLOYMENT_NAME", need: needOptional, example: "refundsync",
			en: "the name of the Worker Deployment in Temporal, without . and : and not beginning with __; with it a worker gets work by its version, and none before that is made the current one, see docs/upgrades.md",
			zh: "Temporal Worker Deployment 的名称，不含 . 和 :，不以 __ 开头；设置后 worker 按版本领取任务，要等其版本成为当前版本才有任务，见 docs/upgrades.md"},
		{name: "REFUNDSYNC_BUILD_ID", need: needOptional, example: "v1.2.3",
			en: "the worker's version in that Worker Deployment; the program's own if not set",
			zh: "worker 在该 Worker Deployment 中的版本；不设则用程序自己的版本"},
		{name: "REFUNDSYNC_SECRETS", need: needOptional, example: "/run/secrets",
			en: "a folder with secrets in files, each named as its variable, such as KINGDEE_APP_SECRET",
			zh: "存放密钥文件的文件夹，每个文件以变量名命名，如 KINGDEE_APP_SECRET"},
		{name: "LOG_LEVEL", otherwise: "info", example: "info",
			en: "the level of the log: debug, info, warn or error",
			zh: "日志级别 debug、info、warn 或 error"},
		{name: "LOG_FORMAT", otherwise: "json", example: "json",
			en: "the format of the log: json or console",
			zh: "日志格式 json 或 console"},
	}},
	{"Encryption", []setting{
		{name: "REFUNDSYNC_ENCRYPTION_KEYS", need: needOptional, secret: true, example: "2024-03:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
			en: "the keys that encrypt what Temporal keeps, as id:key, with commas between several; the first encrypts, all decrypt; none before them stops it, behind them has clear text read too; a key is 32 bytes in base64, made by openssl rand -base64 32; nothing is encrypted if not set",
			zh: "加密 Temporal 中内容的密钥，写作 名称:密钥，多把以逗号分隔，第一把用于加密，全部可解密；排在最前的 none 表示不再加密，排在最后的表示也读明文；密钥是 base64 的 32 字节，用 openssl rand -base64 32 生成；不设则不加密"},
		{name: "REFUNDSYNC_CODEC_TOKEN", need: needForServer, secret: true, example: "6f1c0b5e9a7d4d2e8c3b1a0f5e6d7c8b9a0f1e2d3c4b5a69788796a5b4c3d2e1",
			en: "what people sign in to the codec server with, at least 32 characters, made by openssl rand -hex 32",
			zh: "向 codec server 登录用的口令，至少 32 个字符，用 openssl rand -hex 32 生成"},
		{name: "REFUNDSYNC_CODEC_UI_ORIGIN", need: needForServer, example: "https://temporal.example.com",
			en: "the address of the Temporal Web UI, without a path",
			zh: "Temporal Web UI 的网址，不带路径"},
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
