package config

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestReferenceHasEverySetting(t *testing.T) {
	row := regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| (.+) \\| (.+) \\| `.+` \\|$")
	var want []string
	for _, group := range slices.Concat(groups, others) {
		for _, setting := range group.settings {
			want = append(want, setting.name)
			assert.True(t, (setting.otherwise == "") != (setting.need == ""), "%s has either a default or a need", setting.name)
			assert.Equal(t, setting.hintEN == "", setting.hintZH == "", setting.name)
		}
	}
	for name, text := range map[string]string{"English": string(Reference(false)), "Chinese": string(Reference(true))} {
		var got []string
		for _, match := range row.FindAllStringSubmatch(text, -1) {
			got = append(got, match[1])
		}
		assert.Equal(t, want, got, name)
	}
}

// .env.example shows the settings that have a default with it, as comments.
func TestEnvExampleHasTheDefaults(t *testing.T) {
	text, err := os.ReadFile("../../.env.example")
	require.NoError(t, err)
	for setting := range definitions() {
		// Compose sets the folder itself.
		if setting.otherwise != "" && setting.name != "REFUNDSYNC_FLOWS" {
			assert.Contains(t, strings.Split(string(text), "\n"), "#"+setting.name+"="+setting.otherwise)
		}
	}
}
