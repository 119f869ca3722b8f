package robot

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/url"
	"strconv"
	"strings"
	"time"

	"refundsync/internal/alert"
)

// dingtalk is a 自定义机器人 of a 钉钉 group (open.dingtalk.com, "custom robot
// access" and "robot security settings").
type dingtalk struct{}

type dingtalkMessage struct {
	Msgtype  string           `json:"msgtype"`
	Markdown dingtalkMarkdown `json:"markdown"`
}

type dingtalkMarkdown struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

// dingtalkLongest is the longest message, in bytes.
const dingtalkLongest = 20000

func (dingtalk) request(address url.URL, secret string, now time.Time, notice alert.Notice) (url.URL, any) {
	if secret != "" {
		timestamp := strconv.FormatInt(now.UnixMilli(), 10)
		query := address.Query()
		query.Set("timestamp", timestamp)
		query.Set("sign", signDingTalk(timestamp, secret))
		address.RawQuery = query.Encode()
	}
	message := notice.Message()
	// Its Markdown ignores a single line break.
	content := "#### " + message.Title + "\n\n" + strings.Join(message.Lines, "\n\n")
	return address, dingtalkMessage{"markdown", dingtalkMarkdown{message.Title, cut(content, dingtalkLongest)}}
}

// signDingTalk signs a time in milliseconds: the secret is the key and also part of the
// signed text.
func signDingTalk(timestamp, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(timestamp + "\n" + secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func (dingtalk) answer(status int, raw []byte) (Answer, error) {
	return errcodeAnswer(status, raw, map[int]refusal{
		310000: wrongSecurity, // sign not match; keywords not in content; ip not in whitelist
		300005: wrongAddress,  // token is not exist
		40035:  wrongMessage,  // missing or wrong parameters
		400013: wrongAddress,  // the group was dissolved
		400101: wrongAddress,  // access_token does not exist
		400102: wrongAddress,  // the robot was switched off
		130101: tooMany,       // send too fast, exceed 20 times per minute
		410100: tooMany,       // sent too fast
	})
}
