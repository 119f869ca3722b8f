package chat

import (
	"encoding/json"
	"net/http"
	"unicode/utf8"
)

// errcode is the reply of WeCom and DingTalk.
type errcode struct {
	Errcode int    `json:"errcode"`
	Errmsg  string `json:"errmsg"`
}

func errcodeAnswer(refused *refusal) (int, any) {
	if refused == nil {
		return http.StatusOK, errcode{0, "ok"}
	}
	return http.StatusOK, errcode{refused.code, refused.message}
}

// wecom is a WeCom (企业微信) robot; its key is in its address.
type wecom struct{}

func (wecom) read(o Options, r *http.Request, body []byte) (string, *refusal) {
	var message struct {
		Msgtype  string `json:"msgtype"`
		Markdown struct {
			Content string `json:"content"`
		} `json:"markdown"`
	}
	switch err := json.Unmarshal(body, &message); {
	case r.URL.Query().Get("key") != o.Credentials.WeComKey:
		return "", &refusal{93000, "invalid webhook url, hint: [1709283600_1_sim], from ip: 127.0.0.1, more info at https://open.work.weixin.qq.com/devtool/query?e=93000"}
	case err != nil || !isJSON(r) || message.Msgtype != "markdown" || message.Markdown.Content == "":
		return "", &refusal{40008, "invalid message type, hint: [1709283600_2_sim]"}
	case len(message.Markdown.Content) > 4096 || !utf8.ValidString(message.Markdown.Content):
		return "", &refusal{40058, "markdown.content exceed max length 4096. invalid Request Parameter, hint: [1709283600_3_sim]"}
	}
	return message.Markdown.Content, nil
}

func (wecom) limited() refusal {
	return refusal{45009, "api freq out of limit, hint: [1709283600_4_sim]"}
}

func (wecom) refusing() refusal { return refusal{93000, "invalid webhook url"} }

func (wecom) answer(refused *refusal) (int, any) { return errcodeAnswer(refused) }
