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
		{name: "TEMPORAL_ADDRESS", otherwise: "localhost:7233", example: "temporal.example.com:7233",
			about: text.New("the server, as host:port")},
		{name: "TEMPORAL_NAMESPACE", otherwise: "default", example: "refundsync",
			about: text.New("the namespace")},
		{name: "TEMPORAL_API_KEY", need: needOptional, secret: true, example: "eyJhbGciOi…",
			about: text.New("the API key, for Temporal Cloud"),
			hint:  text.New("it enables TLS")},
		{name: "TEMPORAL_TLS", need: needOptional, example: "true",
			about: text.New("whether to use TLS")},
		{name: "TEMPORAL_TLS_CLIENT_CERT_PATH", need: needOptional, example: "/etc/refundsync/temporal-tls/tls.crt",
			about: text.New("the path of the client certificate, for mTLS")},
		{name: "TEMPORAL_TLS_CLIENT_KEY_PATH", need: needOptional, example: "/etc/refundsync/temporal-tls/tls.key",
			about: text.New("the path of its key")},
		{name: "TEMPORAL_TLS_SERVER_CA_CERT_PATH", need: needOptional, example: "/etc/refundsync/temporal-tls/ca.crt",
			about: text.New("the path of the CA's certificate, if the server's certificate is from your own CA")},
		{name: "TEMPORAL_TLS_SERVER_NAME", need: needOptional, example: "temporal.internal",
			about: text.New("the name in the server's certificate, if it differs from the address")},
		{name: "TEMPORAL_CONFIG_FILE", need: needOptional, example: "/etc/refundsync/temporal.toml",
			about: text.New("the path of Temporal's configuration file")},
		{name: "TEMPORAL_PROFILE", otherwise: "default", example: "production",
			about: text.New("the profile in that file")},
	}},
	{"Robots", []setting{
		{name: "WECOM_ROBOT_URL", need: needByFlow, secret: true, example: "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…",
			about: text.New("the webhook URL of a WeCom robot")},
		{name: "DINGTALK_ROBOT_URL", need: needByFlow, secret: true, example: "https://oapi.dingtalk.com/robot/send?access_token=…",
			about: text.New("the webhook URL of a DingTalk robot")},
		{name: "DINGTALK_ROBOT_SECRET", need: needByFlow, secret: true, example: "SEC0123456789abcdef",
			about: text.New("its secret (%s)", "加签")},
		{name: "FEISHU_ROBOT_URL", need: needByFlow, secret: true, example: "https://open.feishu.cn/open-apis/bot/v2/hook/…",
			about: text.New("the webhook URL of a Feishu robot")},
		{name: "FEISHU_ROBOT_SECRET", need: needByFlow, secret: true, example: "0123456789abcdef",
			about: text.New("its secret (%s)", "签名校验")},
		{name: "WEBHOOK_URL", need: needByFlow, secret: true, example: "https://alerts.example.com/refundsync",
			about: text.New("any URL that accepts JSON")},
	}},
	{"Proxies and traces", []setting{
		{name: "HTTPS_PROXY", need: needOptional, example: "http://proxy.company.lan:3128",
			about: text.New("the proxy; HTTP_PROXY is for URLs without TLS")},
		{name: "NO_PROXY", need: needOptional, example: "kingdee.company.lan,10.0.0.0/8",
			about: text.New("hosts to reach without the proxy")},
		{name: "OTEL_EXPORTER_OTLP_ENDPOINT", need: needOptional, example: "http://127.0.0.1:4317",
			about: text.New("the collector for traces, over gRPC"),
			hint:  text.New("traces contain workflow ids, which for parked orders include the as_id, and messages of failures")},
		{name: "OTEL_SERVICE_NAME", otherwise: "refundsync", example: "refundsync-shanghai",
			about: text.New("the service name in traces")},
	}},
}

//go:embed reference/*.tmpl
var templates embed.FS

// Reference writes docs/configuration.md in a language, which has to be the one in use.
func Reference(l text.Language) []byte {
	name, punctuation := "configuration.md.tmpl", punctuation{".", " "}
	if l == text.Chinese {
		name, punctuation.end, punctuation.between = "configuration.zh-CN.md.tmpl", "。", ""
	}
	all := template.New("").Funcs(template.FuncMap{"table": punctuation.table})
	var b bytes.Buffer
	if err := template.Must(all.ParseFS(templates, "reference/*")).ExecuteTemplate(&b, name, nil); err != nil {
		panic(err) // both templates are part of the program, and a test writes them
	}
	return b.Bytes()
}

// punctuation is how a language ends a sentence, and what it puts between two.
type punctuation struct{ end, between string }

func (p punctuation) table(title string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s |\n|---|---|---|---|\n", text.Sprintf("name | meaning | default | example"))
	for _, group := range slices.Concat(groups, others) {
		if group.title != title {
			continue
		}
		for _, setting := range group.settings {
			meaning := p.sentences(setting.about, setting.hint)
			if setting.secret {
				meaning = append(meaning, text.Sprintf("**Secret.**"))
			}
			otherwise := setting.need.String()
			if setting.otherwise != "" {
				otherwise = "`" + setting.otherwise + "`"
			}
			fmt.Fprintf(&b, "| `%s` | %s | %s | `%s` |\n", setting.name, strings.Join(meaning, p.between), otherwise, setting.example)
		}
	}
	return b.String()
}

// markdown keeps the settings' texts from being read as Markdown, and makes links of the
// documents that they name.
var markdown = strings.NewReplacer("<", `\<`, "__", `\_\_`, "|", `\|`, "docs/upgrades.md", "[docs/upgrades.md](upgrades.md)")

// sentences makes sentences of texts that say something.
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
