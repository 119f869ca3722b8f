package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"refundsync/internal/text"
)

func TestReferenceHasEverySetting(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| (.+) \\| (.+) \\| `.+` \\|$")
	var want []string
	for _, group := range slices.Concat(groups, others) {
		for _, setting := range group.settings {
			want = append(want, setting.name)
			assert.True(t, (setting.defaultValue == "") != setting.need.IsZero(), "%s has either a default or a need", setting.name)
		}
	}
	t.Cleanup(func() { text.Use(text.English) })
	for _, language := range []text.Language{text.English, text.Chinese} {
		text.Use(language)
		var got []string
		for _, match := range row.FindAllStringSubmatch(string(Reference(language)), -1) {
			got = append(got, match[1])
		}
		assert.Equal(t, want, got, language)
	}
}

// .env.example shows the settings that have a default with it, as comments.
func TestEnvExampleHasTheDefaults(t *testing.T) {
	example, err := os.ReadFile("../../.env.example")
	require.NoError(t, err)
	for setting := range definitions() {
		// Compose sets the folder itself.
		if setting.defaultValue != "" && setting.name != "REFUNDSYNC_FLOWS" {
			assert.Contains(t, strings.Split(string(example), "\n"), "#"+setting.name+"="+setting.defaultValue)
		}
	}
}
