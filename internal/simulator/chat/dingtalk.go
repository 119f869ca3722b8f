package chat

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// dingtalk is a DingTalk (钉钉) robot with the security setting 加签.
type dingtalk struct{}

func (dingtalk) read(o Options, r *http.Request, body []byte) (string, *refusal) {
	query := r.URL.Query()
	var message struct {
		Msgtype  string `json:"msgtype"`
		Markdown struct {
			Title string `json:"title"`
			Text  string `json:"text"`
		} `json:"markdown"`
	}
	switch err := json.Unmarshal(body, &message); {
	case query.Get("access_token") != o.Credentials.DingTalkToken:
		return "", &refusal{300005, "token is not exist"}
	case query.Get("timestamp") == "" || query.Get("sign") == "":
		return "", &refusal{310000, "sign not match, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"}
	case !signedDingTalk(o, query.Get("timestamp"), query.Get("sign")):
		return "", &refusal{310000, "sign not match, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"}
	case err != nil || !isJSON(r) || message.Msgtype != "markdown" || message.Markdown.Title == "" || message.Markdown.Text == "":
		return "", &refusal{40035, "缺少参数 markdown"}
	case len(message.Markdown.Text) > 20000:
		return "", &refusal{460101, "message too long, exceed 20000 bytes"}
	}
	return message.Markdown.Text, nil
}

func signedDingTalk(o Options, timestamp, sign string) bool {
	milliseconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || !withinAnHour(o, time.UnixMilli(milliseconds)) {
		return false
	}
	given, err := base64.StdEncoding.DecodeString(sign)
	mac := hmac.New(sha256.New, []byte(o.Credentials.DingTalkSecret))
	mac.Write([]byte(timestamp + "\n" + o.Credentials.DingTalkSecret))
	return err == nil && hmac.Equal(given, mac.Sum(nil))
}

func (dingtalk) limited() refusal {
	return refusal{130101, "send too fast, exceed 20 times per minute"}
}

func (dingtalk) refusing() refusal { return refusal{310000, "sign not match"} }

func (dingtalk) answer(refused *refusal) (int, any) { return errcodeAnswer(refused) }
