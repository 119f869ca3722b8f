package deploy

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"refundsync/internal/testkit"
	"refundsync/internal/testkit/compose"
)

// preflight runs the command of the service with the variables of an .env file,
// and with a wget that finds the simulator or does not.
func preflight(t *testing.T, variables map[string]string, demo bool) (string, error) {
	t.Helper()
	testkit.SkipIfShort(t)
	service := load(t, variables).Services["preflight"]
	bin := t.TempDir()
	wget := "#!/bin/sh\nexit 1\n"
	if demo {
		wget = "#!/bin/sh\nexit 0\n"
	}
	require.NoError(t, os.WriteFile(filepath.Join(bin, "wget"), []byte(wget), 0o755))
	script, err := compose.HostPath(service, service.Command[1])
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), service.Command[0], script)
	cmd.Env = []string{"PATH=" + bin + ":" + os.Getenv("PATH")}
	for name, value := range compose.Environment(service) {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestPreflight(t *testing.T) {
	good := map[string]string{
		"DATABASE_PASSWORD": "3f0c9d2b7a6e51480cf39ad2",
		"GRAFANA_PASSWORD":  "s2Jd-81nQ_x0Zq7LpT4wYcR9",
	}
	out, err := preflight(t, good, false)
	require.NoError(t, err, out)

	for name := range good {
		for what, value := range map[string]string{
			"empty":            "",
			"of .env.example":  example(t)[name],
			"of the demo":      "demo-password",
			"short":            "3f0c9d2b7a6e514",
			"with a quote":     `3f0c9d2b7a6e51"480cf39ad2`,
			"with a backslash": `3f0c9d2b7a6e51\480cf39ad2`,
			"with a space":     "3f0c9d2b7a6e51 480cf39ad2",
			"with a new line":  "3f0c9d2b7a6e51\n480cf39ad2",
		} {
			t.Run(name+" "+what, func(t *testing.T) {
				variables := maps.Clone(good)
				variables[name] = value
				out, err := preflight(t, variables, false)
				require.Error(t, err)
				require.Contains(t, out, name+":")
				require.Equal(t, 1, strings.Count(out, "_PASSWORD:"), out)
				if len(value) > 0 {
					require.NotContains(t, out, value, "it shows the password")
				}
			})
		}
	}
	t.Run("nothing set", func(t *testing.T) {
		out, err := preflight(t, nil, false)
		require.Error(t, err)
		require.Equal(t, 2, strings.Count(out, "_PASSWORD:"), out)
	})
	t.Run("the demo needs none", func(t *testing.T) {
		out, err := preflight(t, nil, true)
		require.NoError(t, err, out)
	})
}

// What stands in for a password in the demo is refused everywhere else.
func TestDefaultPasswordsAreExamples(t *testing.T) {
	project := load(t, nil, "*")
	for _, value := range []*string{
		project.Services["databases"].Environment["POSTGRES_PWD"],
		project.Services["schema"].Environment["POSTGRES_PWD"],
		project.Services["temporal"].Environment["POSTGRES_PWD"],
		project.Services["grafana"].Environment["GF_SECURITY_ADMIN_PASSWORD"],
	} {
		out, err := preflight(t, map[string]string{"DATABASE_PASSWORD": *value, "GRAFANA_PASSWORD": *value}, false)
		require.Error(t, err)
		require.Equal(t, 2, strings.Count(out, "_PASSWORD:"), out)
	}
	require.Empty(t, project.Services["worker"].Environment["DATABASE_PASSWORD"])
}
