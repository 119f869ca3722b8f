package robot

import (
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/fault"
)

func FuzzAnswer(f *testing.F) {
	f.Add(200, []byte(`{"errcode":0,"errmsg":"ok"}`))
	f.Add(200, []byte(`{"code":19001,"msg":"param invalid"}`))
	f.Add(500, []byte(`{"StatusCode":0,"StatusMessage":"success"}`))
	f.Fuzz(func(t *testing.T, status int, raw []byte) {
		for kind, vendor := range map[Kind]vendor{WeCom: wecom{}, DingTalk: dingtalk{}, Feishu: feishu{}, Webhook: webhook{}} {
			answer, err := vendor.answer(status, raw)
			if err != nil {
				require.NotNil(t, fault.As(err), kind)
				continue
			}
			require.True(t, succeeded(status), "%s: %v", kind, answer)
		}
	})
}
