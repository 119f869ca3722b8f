package robot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strconv"
	"time"

	"refundsync/internal/alert"
)

// feishu is a 自定义机器人 of a 飞书 (Lark) group (open.feishu.cn, "custom bot
// usage guide").
type feishu struct{}

type feishuMessage struct {
	// Timestamp, in seconds, and Sign are sent if the robot has a secret.
	Timestamp string        `json:"timestamp,omitempty"`
	Sign      string        `json:"sign,omitempty"`
	MsgType   string        `json:"msg_type"`
	Content   feishuContent `json:"content"`
}

type feishuContent struct {
	Post map[string]feishuPost `json:"post"`
}

// feishuPost is rich text: paragraphs, each of one or more elements.
type feishuPost struct {
	Title   string            `json:"title"`
	Content [][]feishuElement `json:"content"`
}

type feishuElement struct {
	Tag  string `json:"tag"`
	Text string `json:"text"`
}

func (feishu) request(address url.URL, secret string, now time.Time, notice alert.Notice) (url.URL, any) {
	said := notice.Message()
	post := feishuPost{Title: said.Title}
	for _, line := range said.Lines {
		post.Content = append(post.Content, []feishuElement{{"text", line}})
	}
	message := feishuMessage{MsgType: "post", Content: feishuContent{map[string]feishuPost{"zh_cn": post}}}
	if secret != "" {
		message.Timestamp = strconv.FormatInt(now.Unix(), 10)
		message.Sign = signFeishu(message.Timestamp, secret)
	}
	return address, message
}

// signFeishu signs a time in seconds. Unlike with DingTalk, time and secret are the key,
// and the signed text is empty.
func signFeishu(timestamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(timestamp+"\n"+secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (feishu) answer(status int, raw []byte) (Answer, error) {
	// An older form of the reply has StatusCode and StatusMessage instead of these.
	var reply struct {
		Code          *int   `json:"code"`
		Msg           string `json:"msg"`
		StatusCode    *int   `json:"StatusCode"`
		StatusMessage string `json:"StatusMessage"`
	}
	refusals := map[int]refusal{
		19001: wrongAddress,  // param invalid: incoming webhook access token invalid
		19002: wrongMessage,  // params error
		19021: wrongSecurity, // sign match fail or timestamp is not within one hour from current time
		19022: wrongSecurity, // Ip Not Allowed
		19024: wrongSecurity, // Key Words Not Found
		9499:  wrongMessage,  // Bad Request
		11232: tooMany,       // frequency limited: 100 a minute, 5 a second
	}
	err := json.Unmarshal(raw, &reply)
	switch {
	case err != nil || reply.Code == nil && reply.StatusCode == nil:
		return Answer{}, statusFailure(status)
	case reply.Code == nil:
		return judge(status, *reply.StatusCode, reply.StatusMessage, refusals)
	default:
		return judge(status, *reply.Code, reply.Msg, refusals)
	}
}
