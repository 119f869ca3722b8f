package chat

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// feishu is a Feishu (飞书) robot with the security setting 签名校验.
type feishu struct{}

type feishuReply struct {
	Code int      `json:"code"`
	Msg  string   `json:"msg"`
	Data struct{} `json:"data"`
}

func (feishu) read(o Options, r *http.Request, body []byte) (string, *refusal) {
	var message struct {
		Timestamp string `json:"timestamp"`
		Sign      string `json:"sign"`
		MsgType   string `json:"msg_type"`
		Content   struct {
			Post map[string]struct {
				Title   string `json:"title"`
				Content [][]struct {
					Tag  string `json:"tag"`
					Text string `json:"text"`
				} `json:"content"`
			} `json:"post"`
		} `json:"content"`
	}
	err := json.Unmarshal(body, &message)
	post, chinese := message.Content.Post["zh_cn"]
	switch {
	case !strings.HasSuffix(r.URL.Path, "/"+o.Credentials.FeishuHook):
		return "", &refusal{19001, "param invalid: incoming webhook access token invalid"}
	case err != nil || !isJSON(r) || len(body) > 20<<10:
		return "", &refusal{9499, "Bad Request"}
	case !signedFeishu(o, message.Timestamp, message.Sign):
		return "", &refusal{19021, "sign match fail or timestamp is not within one hour from current time"}
	case message.MsgType != "post" || !chinese || len(post.Content) == 0:
		return "", &refusal{19002, "params error, msg_type need"}
	}
	lines := []string{post.Title}
	for _, paragraph := range post.Content {
		line := ""
		for _, element := range paragraph {
			if element.Tag != "text" {
				return "", &refusal{19002, "params error"}
			}
			line += element.Text
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n"), nil
}

func signedFeishu(o Options, timestamp, sign string) bool {
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || !withinAnHour(o, time.Unix(seconds, 0)) {
		return false
	}
	given, err := base64.StdEncoding.DecodeString(sign)
	mac := hmac.New(sha256.New, []byte(timestamp+"\n"+o.Credentials.FeishuSecret))
	return err == nil && hmac.Equal(given, mac.Sum(nil))
}

func (feishu) limited() refusal {
	return refusal{11232, "frequency limited psm[lark.oapi.app_platform_runtime]appID[1500]"}
}

func (feishu) refusing() refusal { return refusal{19024, "Key Words Not Found"} }

func (feishu) answer(refused *refusal) (int, any) {
	if refused == nil {
		return http.StatusOK, map[string]any{"code": 0, "msg": "success", "data": struct{}{}, "Extra": nil, "StatusCode": 0, "StatusMessage": "success"}
	}
	return http.StatusOK, feishuReply{Code: refused.code, Msg: refused.message}
}
