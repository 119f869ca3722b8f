package robot

import (
	"net/url"
	"strings"
	"time"

	"refundsync/internal/alert"
)

// wecom is a robot of an 企业微信 group (群机器人, developer.work.weixin.qq.com,
// document 91770). Its key is in the address; it has no signature.
type wecom struct{}

type wecomMessage struct {
	Msgtype  string        `json:"msgtype"`
	Markdown wecomMarkdown `json:"markdown"`
}

type wecomMarkdown struct {
	Content string `json:"content"`
}

// wecomLongest is the longest content of a markdown message, in bytes.
const wecomLongest = 4096

func (wecom) request(address url.URL, _ string, _ time.Time, notice alert.Notice) (url.URL, any) {
	message := notice.Message()
	content := "**" + message.Title + "**\n" + strings.Join(message.Lines, "\n")
	return address, wecomMessage{"markdown", wecomMarkdown{cut(content, wecomLongest)}}
}

func (wecom) answer(status int, raw []byte) (Answer, error) {
	return errcodeAnswer(status, raw, map[int]refusal{
		93000: wrongAddress, // invalid webhook url
		93008: wrongAddress, // not in the group
		40058: wrongMessage, // invalid parameter
		45009: tooMany,      // api freq out of limit: 20 a minute
	})
}
