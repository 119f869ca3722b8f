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

	"refundsync/internal/text"
)

// others are settings that Temporal's, Go's and OpenTelemetry's libraries read, and
// those that flows name.
var others = []group{
	{"Temporal", []setting{
		{name: "TEMPORAL_ADDRESS", defaultValue: "localhost:7233", example: "temporal.example.com:7233",
			description: text.New("the server, as host:port")},
		{name: "TEMPORAL_NAMESPACE", defaultValue: "default", example: "refundsync",
			description: text.New("the namespace")},
		{name: "TEMPORAL_API_KEY", need: needOptional, secret: true, example: "eyJhbGciOi…",
			description: text.New("the API key, for Temporal Cloud"),
			hint:        text.New("it enables TLS")},
		{name: "TEMPORAL_TLS", need: needOptional, example: "true",
			description: text.New("whether to use TLS")},
		{name: "TEMPORAL_TLS_CLIENT_CERT_PATH", need: needOptional, example: "/etc/refundsync/temporal-tls/tls.crt",
			description: text.New("the path of the client certificate, for mTLS")},
		{name: "TEMPORAL_TLS_CLIENT_KEY_PATH", need: needOptional, example: "/etc/refundsync/temporal-tls/tls.key",
			description: text.New("the path of its key")},
		{name: "TEMPORAL_TLS_SERVER_CA_CERT_PATH", need: needOptional, example: "/etc/refundsync/temporal-tls/ca.crt",
			description: text.New("the path of the CA's certificate, if the server's certificate is from your own CA")},
		{name: "TEMPORAL_TLS_SERVER_NAME", need: needOptional, example: "temporal.internal",
			description: text.New("the name in the server's certificate, if it differs from the address")},
		{name: "TEMPORAL_CONFIG_FILE", need: needOptional, example: "/etc/refundsync/temporal.toml",
			description: text.New("the path of Temporal's configuration file")},
		{name: "TEMPORAL_PROFILE", defaultValue: "default", example: "production",
			description: text.New("the profile in that file")},
	}},
	{"Robots", []setting{
		{name: "WECOM_ROBOT_URL", need: needByFlow, secret: true, example: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…",
			description: text.New("the webhook URL of a WeCom robot")},
		{name: "DINGTALK_ROBOT_URL", need: needByFlow, secret: true, example: "https://oapi.dingtalk.com/robot/send?access_token=…",
			description: text.New("the webhook URL of a DingTalk robot")},
		{name: "DINGTALK_ROBOT_SECRET", need: needByFlow, secret: true, example: "SEC0123456789abcdef",
			description: text.New("its secret (%s)", "加签")},
		{name: "FEISHU_ROBOT_URL", need: needByFlow, secret: true, example: "https://open.feishu.cn/open-apis/bot/v2/hook/…",
			description: text.New("the webhook URL of a Feishu robot")},
		{name: "FEISHU_ROBOT_SECRET", need: needByFlow, secret: true, example: "0123456789abcdef",
			description: text.New("its secret (%s)", "签名校验")},
		{name: "WEBHOOK_URL", need: needByFlow, secret: true, example: "https://alerts.example.com/refundsync",
			description: text.New("any URL that accepts JSON")},
	}},
	{"Proxies and traces", []setting{
		{name: "HTTPS_PROXY", need: needOptional, example: "http://proxy.company.lan:3128",
			description: text.New("the proxy; HTTP_PROXY is for URLs without TLS")},
		{name: "NO_PROXY", need: needOptional, example: "kingdee.company.lan,10.0.0.0/8",
			description: text.New("hosts to reach without the proxy")},
		{name: "OTEL_EXPORTER_OTLP_ENDPOINT", need: needOptional, example: "http://127.0.0.1:4317",
			description: text.New("the collector for traces, over gRPC"),
			hint:        text.New("traces contain workflow ids, which for parked orders include the order's number, and messages of failures")},
		{name: "OTEL_SERVICE_NAME", defaultValue: "refundsync", example: "refundsync-shanghai",
			description: text.New("the service name in traces")},
	}},
}

//go:embed reference/*.tmpl
var templates embed.FS

// Reference writes docs/configuration.md in a language, which has to be the current one.
func Reference(l text.Language) []byte {
	name, punctuation := "configuration.md.tmpl", punctuation{".", " "}
	if l == text.Chinese {
		name, punctuation.end, punctuation.between = "configuration.zh-CN.md.tmpl", "。", ""
	}
	all := template.New("").Funcs(template.FuncMap{"table": punctuation.table})
	var b bytes.Buffer
	if err := template.Must(all.ParseFS(templates, "reference/*")).ExecuteTemplate(&b, name, nil); err != nil {
		panic(err) // the templates are part of the program, and a test executes them
	}
	return b.Bytes()
}

// punctuation is how a language ends sentences and what it puts between them.
type punctuation struct{ end, between string }

func (p punctuation) table(title string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s |\n|---|---|---|---|\n", text.Sprintf("name | meaning | default | example"))
	for _, group := range slices.Concat(groups, others) {
		if group.title != title {
			continue
		}
		for _, setting := range group.settings {
			meaning := p.sentences(setting.description, setting.hint)
			if setting.secret {
				meaning = append(meaning, text.Sprintf("**Secret.**"))
			}
			defaultValue := setting.need.String()
			if setting.defaultValue != "" {
				defaultValue = "`" + setting.defaultValue + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | `%s` |\n", setting.name, strings.Join(meaning, p.between), defaultValue, setting.example)
		}
	}
	return b.String()
}

// markdown escapes Markdown in the settings' texts, and makes links of the
// documents that they name.
var markdown = strings.NewReplacer("<", `\<`, "__", `\_\_`, "|", `\|`, "docs/upgrades.md", "[docs/upgrades.md](upgrades.md)")

// sentences makes a sentence of each text that isn't zero.
func (p punctuation) sentences(texts ...text.Text) (all []string) {
	for _, text := range texts {
		if text.IsZero() {
			continue
		}
		words := text.String()
		first, size := utf8.DecodeRuneInString(words)
		all = append(all, markdown.Replace(string(unicode.ToUpper(first))+words[size:])+p.end)
	}
	return all
}
