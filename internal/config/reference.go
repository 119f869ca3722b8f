package config

import (
	"bytes"
	"embed"
	"fmt"
	"slices"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"
)

// others are the settings that Temporal's, Go's and OpenTelemetry's libraries read, and
// those that flows name.
var others = []group{
	{"Temporal", []setting{
		{name: "TEMPORAL_ADDRESS", otherwise: "localhost:7233", example: "temporal.example.com:7233",
			en: "the server, as host:port", zh: "服务器，写作 主机:端口"},
		{name: "TEMPORAL_NAMESPACE", otherwise: "default", example: "refundsync",
			en: "the namespace", zh: "命名空间"},
		{name: "TEMPORAL_API_KEY", need: needOptional, secret: true, example: "eyJhbGciOi…",
			en: "the API key, for Temporal Cloud", zh: "API key，用于 Temporal Cloud",
			hintEN: "it switches TLS on", hintZH: "设置后使用 TLS"},
		{name: "TEMPORAL_TLS", need: needOptional, example: "true",
			en: "whether to use TLS", zh: "是否使用 TLS"},
		{name: "TEMPORAL_TLS_CLIENT_CERT_PATH", need: needOptional, example: "/etc/refundsync/temporal-tls/tls.crt",
			en: "the path of the client's certificate, for mTLS", zh: "客户端证书的路径，用于 mTLS"},
		{name: "TEMPORAL_TLS_CLIENT_KEY_PATH", need: needOptional, example: "/etc/refundsync/temporal-tls/tls.key",
			en: "the path of its key", zh: "其密钥的路径"},
		{name: "TEMPORAL_TLS_SERVER_CA_CERT_PATH", need: needOptional, example: "/etc/refundsync/temporal-tls/ca.crt",
			en: "the path of the CA's certificate, where the server's certificate is from a CA of your own", zh: "服务器证书由自己的 CA 签发时，CA 证书的路径"},
		{name: "TEMPORAL_TLS_SERVER_NAME", need: needOptional, example: "temporal.internal",
			en: "the name in the server's certificate, where it is not that of the address", zh: "服务器证书里的名字，与地址不同时才填"},
		{name: "TEMPORAL_CONFIG_FILE", need: needOptional, example: "/etc/refundsync/temporal.toml",
			en: "the path of Temporal's configuration file", zh: "Temporal 配置文件的路径"},
		{name: "TEMPORAL_PROFILE", otherwise: "default", example: "production",
			en: "the profile in that file", zh: "其中的 profile"},
	}},
	{"Robots", []setting{
		{name: "WECOM_ROBOT_URL", need: needByFlow, secret: true, example: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…",
			en: "the webhook address of a WeCom robot", zh: "企业微信机器人的 Webhook 地址"},
		{name: "DINGTALK_ROBOT_URL", need: needByFlow, secret: true, example: "https://oapi.dingtalk.com/robot/send?access_token=…",
			en: "the webhook address of a DingTalk robot", zh: "钉钉机器人的 Webhook 地址"},
		{name: "DINGTALK_ROBOT_SECRET", need: needByFlow, secret: true, example: "SEC0123456789abcdef",
			en: "its secret (加签)", zh: "其加签密钥"},
		{name: "FEISHU_ROBOT_URL", need: needByFlow, secret: true, example: "https://open.feishu.cn/open-apis/bot/v2/hook/…",
			en: "the webhook address of a Feishu robot", zh: "飞书机器人的 Webhook 地址"},
		{name: "FEISHU_ROBOT_SECRET", need: needByFlow, secret: true, example: "0123456789abcdef",
			en: "its secret (签名校验)", zh: "其签名校验密钥"},
		{name: "WEBHOOK_URL", need: needByFlow, secret: true, example: "https://alerts.example.com/refundsync",
			en: "any address that takes JSON", zh: "任何接受 JSON 的地址"},
	}},
	{"Proxies and traces", []setting{
		{name: "HTTPS_PROXY", need: needOptional, example: "http://proxy.company.lan:3128",
			en: "the proxy; HTTP_PROXY is for addresses without TLS", zh: "代理；HTTP_PROXY 用于没有 TLS 的地址"},
		{name: "NO_PROXY", need: needOptional, example: "kingdee.company.lan,10.0.0.0/8",
			en: "hosts to reach without it", zh: "不经代理的主机"},
		{name: "OTEL_EXPORTER_OTLP_ENDPOINT", need: needOptional, example: "http://127.0.0.1:4317",
			en: "the collector that traces are sent to, over gRPC", zh: "链路追踪发往的收集器，经 gRPC",
			hintEN: "traces hold ids of workflows, which for parked orders hold the as_id, and the text of failures",
			hintZH: "追踪里有工作流的 ID（挂起的单含 as_id）和失败的文本"},
		{name: "OTEL_SERVICE_NAME", otherwise: "refundsync", example: "refundsync-shanghai",
			en: "the service that traces are from", zh: "追踪所属的服务名"},
	}},
}

// needs say in Chinese when a setting without default has to be set.
var needs = map[string]string{
	needRequired:  "必填",
	needOptional:  "可选",
	needByAuth:    "视 KINGDEE_AUTH 而定",
	needForServer: "仅 starter codec-server 需要",
	needByFlow:    "流程写明时必填",
}

//go:embed reference/*.tmpl
var templates embed.FS

// Reference writes docs/configuration.md, in English or in Chinese.
func Reference(chinese bool) []byte {
	name := "configuration.md.tmpl"
	if chinese {
		name = "configuration.zh-CN.md.tmpl"
	}
	all := template.New("").Funcs(template.FuncMap{"table": func(title string) string { return settingsTable(title, chinese) }})
	var b bytes.Buffer
	if err := template.Must(all.ParseFS(templates, "reference/*")).ExecuteTemplate(&b, name, nil); err != nil {
		panic(err) // both templates are part of the program, and a test writes them
	}
	return b.Bytes()
}

func settingsTable(title string, chinese bool) string {
	var b strings.Builder
	head, secret, between := "| name | meaning | default | example |", "**Secret.**", " "
	if chinese {
		head, secret, between = "| 名称 | 含义 | 默认 | 示例 |", "**保密。**", ""
	}
	fmt.Fprintf(&b, "%s\n|---|---|---|---|\n", head)
	for _, group := range slices.Concat(groups, others) {
		if group.title != title {
			continue
		}
		for _, setting := range group.settings {
			var meaning []string
			if chinese {
				meaning = sentences("。", setting.zh, setting.hintZH)
			} else {
				meaning = sentences(".", setting.en, setting.hintEN)
			}
			if setting.secret {
				meaning = append(meaning, secret)
			}
			otherwise := setting.need
			switch {
			case setting.otherwise != "":
				otherwise = "`" + setting.otherwise + "`"
			case chinese:
				otherwise = needs[setting.need]
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | `%s` |\n", setting.name, strings.Join(meaning, between), otherwise, setting.example)
		}
	}
	return b.String()
}

// markdown keeps the settings' texts from being read as Markdown, and makes links of the
// documents that they name.
var markdown = strings.NewReplacer("<", `\<`, "__", `\_\_`, "|", `\|`, "docs/upgrades.md", "[docs/upgrades.md](upgrades.md)")

// sentences makes sentences of texts; an empty text gives none.
func sentences(end string, texts ...string) (all []string) {
	for _, text := range texts {
		if text == "" {
			continue
		}
		first, size := utf8.DecodeRuneInString(text)
		all = append(all, markdown.Replace(string(unicode.ToUpper(first))+text[size:])+end)
	}
	return all
}
