package deploy

import (
	"bytes"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"refundsync/internal/config"
	"refundsync/internal/testkit"
	"refundsync/internal/testkit/compose"
)

var units = []string{"refundsync-databases.service", "refundsync-temporal.service", "refundsync-ui.service", "refundsync-worker.service"}

// installed is where docs/deployment.md puts the folder that build.sh makes.
const installed = "/opt/refundsync/"

// unit gives the values of a unit by their keys; those of a key stand in their order.
func unit(t *testing.T, name string) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("systemd", name))
	require.NoError(t, err)
	values := map[string][]string{}
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(strings.TrimSpace(line), "="); found && !strings.HasPrefix(key, "#") {
			values[key] = append(values[key], value)
		}
	}
	return values
}

// environment gives the variables that a unit sets itself.
func environment(t *testing.T, name string) map[string]string {
	t.Helper()
	variables := map[string]string{}
	for _, line := range unit(t, name)["Environment"] {
		for _, assignment := range strings.Fields(line) {
			variable, value, found := strings.Cut(assignment, "=")
			require.True(t, found, assignment)
			variables[variable] = value
		}
	}
	return variables
}

func TestUnitsAreWhatIsThere(t *testing.T) {
	found, err := filepath.Glob("systemd/*.service")
	require.NoError(t, err)
	for i, path := range found {
		found[i] = filepath.Base(path)
	}
	require.Equal(t, units, found)
}

// systemd knows every key, has no other complaint, and rates each unit as safe.
func TestUnitsVerify(t *testing.T) {
	testkit.SkipIfShort(t)
	// Only Linux with systemd has it, and nothing else can judge a unit: elsewhere the other
	// tests of the units still run.
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not installed")
	}
	root := t.TempDir()
	folder := filepath.Join(root, "etc", "systemd", "system")
	require.NoError(t, os.CopyFS(folder, os.DirFS("systemd")))
	// What the units refer to is stood in for.
	for _, target := range []string{"basic", "multi-user", "network-online", "shutdown", "sysinit"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, target+".target"), []byte("[Unit]\n"), 0o600))
	}
	require.NoError(t, os.WriteFile(filepath.Join(folder, "postgresql.service"), []byte("[Service]\nExecStart=/bin/sh\n"), 0o600))
	for _, program := range []string{"/bin/sh", installed + "temporal-server", installed + "temporal-ui", installed + "worker"} {
		require.NoError(t, os.MkdirAll(filepath.Dir(filepath.Join(root, program)), 0o755))
		require.NoError(t, os.WriteFile(filepath.Join(root, program), nil, 0o755))
	}
	out, err := exec.CommandContext(t.Context(), "systemd-analyze", append([]string{"verify", "--man=no", "--root=" + root}, units...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.Empty(t, string(out))
	for _, name := range units {
		// 10 times the exposure, of which 9.6 is a service without any limits.
		out, err := exec.CommandContext(t.Context(), "systemd-analyze", "security", "--offline=true", "--threshold=20", "--root="+root, name).CombinedOutput()
		require.NoError(t, err, "%s", out)
	}
}

// What the units start and read is in the folder that build.sh makes.
func TestUnitsRunWhatIsBuilt(t *testing.T) {
	script, err := os.ReadFile("systemd/build.sh")
	require.NoError(t, err)
	built := []string{"worker", "starter", "simulator"}
	for _, program := range regexp.MustCompile(`(?m)^build \S+ (\S+) `).FindAllSubmatch(script, -1) {
		built = append(built, string(program[1]))
	}
	require.Contains(t, string(script), `cp -R deploy/compose deploy/systemd .env.example "$folder/"`)
	named := 0
	for _, name := range units {
		text, err := os.ReadFile(filepath.Join("systemd", name))
		require.NoError(t, err)
		for _, path := range regexp.MustCompile(installed+`(\S+)`).FindAllSubmatch(text, -1) {
			named++
			if !slices.Contains(built, string(path[1])) {
				require.FileExists(t, string(path[1]), name)
			}
		}
	}
	require.Greater(t, named, 5)
	require.Subset(t, unit(t, "refundsync-ui.service")["ExecStart"], []string{installed + "temporal-ui --root /opt/refundsync --config systemd --env ui start"})
	require.FileExists(t, "systemd/ui.yaml")
	// The tests on PostgreSQL run the same programs.
	tests, err := os.ReadFile(filepath.Join(root, "internal", "testkit", "postgres", "build.go"))
	require.NoError(t, err)
	for _, program := range regexp.MustCompile(`"(temporal-[a-z-]+)": +"(go\.temporal\.io/\S+)"`).FindAllSubmatch(tests, -1) {
		require.Contains(t, string(script), "build tools/server "+string(program[1])+" "+string(program[2])+"\n")
	}
}

// The server is set up as by docker-compose.yml, except for what is different without
// containers, and it gets the same versions.
func TestUnitsOfTheServerFollowCompose(t *testing.T) {
	project := load(t, nil, "*")
	want := compose.Environment(project.Services["temporal"])
	maps.Copy(want, compose.Environment(project.Services["namespace"]))
	delete(want, "POSTGRES_PWD") // in temporal.env
	got := environment(t, "refundsync-temporal.service")
	delete(got, "PATH")
	delete(got, "HOME")
	require.Equal(t, slices.Sorted(maps.Keys(want)), slices.Sorted(maps.Keys(got)))
	for name, value := range got {
		switch name {
		case "POSTGRES_SEEDS", "BIND_ON_IP":
			require.Equal(t, "127.0.0.1", value)
		case "PROMETHEUS_ENDPOINT", "TEMPORAL_ADDRESS":
			port := want[name][strings.LastIndex(want[name], ":"):]
			require.Equal(t, "127.0.0.1"+port, value)
		case "DYNAMIC_CONFIG_FILE_PATH":
			require.Equal(t, filepath.Base(want[name]), filepath.Base(value))
		default:
			require.Equal(t, want[name], value, name)
		}
	}
	superuser := compose.Environment(project.Services["databases"])
	delete(superuser, "POSTGRES_PWD")
	require.Equal(t, superuser, environment(t, "refundsync-databases.service"))

	module, err := os.ReadFile(filepath.Join(root, "tools", "server", "go.mod"))
	require.NoError(t, err)
	for service, path := range map[string]string{"temporal": "go.temporal.io/server", "ui": "github.com/temporalio/ui-server/v2"} {
		_, tag, _ := strings.Cut(project.Services[service].Image, ":")
		require.Contains(t, string(module), "\t"+path+" v"+tag+" ", service)
	}
}

func TestUnitOfTheWorker(t *testing.T) {
	var usage bytes.Buffer
	require.NoError(t, config.Usage(&usage))
	for name := range environment(t, "refundsync-worker.service") {
		require.Contains(t, usage.String(), "  "+name+" ")
	}
	values := unit(t, "refundsync-worker.service")
	stop, err := time.ParseDuration(strings.Replace(values["TimeoutStopSec"][0], "min", "m", 1))
	require.NoError(t, err)
	drain, err := time.ParseDuration(example(t)["REFUNDSYNC_DRAIN_TIMEOUT"])
	require.NoError(t, err)
	require.Greater(t, stop, drain)
}
