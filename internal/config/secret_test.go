package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

func TestSecretsAreNeverShown(t *testing.T) {
	settings := Settings{
		Jushuitan: Jushuitan{
			Qimen: Qimen{AppKey: "34250001", AppSecret: "secret-1", Session: "secret-2"},
			Open:  OpenPlatform{AppSecret: "secret-6", AccessToken: "secret-7", RefreshToken: "secret-8"},
		},
		Kingdee: Kingdee{Username: "demo", Password: "secret-3", AppID: "123456_secret-4", AppSecret: "secret-5"},
	}
	shown := map[string]string{}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		for name, value := range map[string]any{
			"settings": settings, "pointer": &settings, "jushuitan": settings.Jushuitan, "kingdee": settings.Kingdee,
		} {
			shown[name+" "+verb] = fmt.Sprintf(verb, value)
		}
	}
	asJSON, err := json.Marshal(settings)
	require.NoError(t, err)
	shown["JSON"] = string(asJSON)
	for name, encoder := range map[string]zapcore.Encoder{
		"zap JSON":    zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()),
		"zap console": zapcore.NewConsoleEncoder(zap.NewProductionEncoderConfig()),
	} {
		var out bytes.Buffer
		logger := zap.New(zapcore.NewCore(encoder, zapcore.AddSync(&out), zapcore.InfoLevel))
		logger.Info("settings", zap.Any("all", settings), zap.Any("kingdee", settings.Kingdee), zap.Reflect("jushuitan", settings.Jushuitan))
		shown[name] = out.String()
	}

	for how, text := range shown {
		assert.NotContains(t, text, "secret-", how)
		assert.Contains(t, text, "***", how)
	}
	assert.Contains(t, shown["settings %+v"], "AppKey:34250001", "what is no secret is shown")
	assert.Contains(t, shown["settings %+v"], "AppID:123456_***")
	assert.NotContains(t, Settings{}.Kingdee.String(), "***", "a secret that is not set is seen to be so")
}
