// Package deploy tests that docker-compose.yml and the scripts of this folder hold what
// they promise.
package deploy

import (
	"bytes"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/stretchr/testify/require"

	"refundsync/internal/config"
	"refundsync/internal/simulator"
	"refundsync/internal/syncworker"
	"refundsync/internal/testkit/compose"
)

const root = ".."

func load(t *testing.T, variables map[string]string, profiles ...string) *types.Project {
	t.Helper()
	project, err := compose.Load(t.Context(), root, variables, profiles...)
	require.NoError(t, err)
	return project
}

// example is .env.example with the settings that are commented out.
func example(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, ".env.example"))
	require.NoError(t, err)
	variables, err := dotenv.Parse(bytes.NewReader(regexp.MustCompile(`(?m)^#([A-Z])`).ReplaceAll(text, []byte("$1"))))
	require.NoError(t, err)
	return variables
}

func TestEachProfileStartsWhatItShould(t *testing.T) {
	common := []string{"databases", "grafana", "namespace", "postgres", "preflight", "prometheus", "schema", "temporal", "ui"}
	for profile, more := range map[string][]string{
		"":           nil,
		"production": {"worker"},
		"tools":      {"starter"},
		"codec":      {"codec-server"},
		"demo":       {"demo", "demo-namespace", "demo-worker", "simulator"},
	} {
		want := slices.Sorted(slices.Values(slices.Concat(common, more)))
		require.Equal(t, want, slices.Sorted(maps.Keys(load(t, nil, profile).Services)), profile)
	}
	require.Equal(t, "production", example(t)["COMPOSE_PROFILES"])
}

// ends tells a service that does one thing.
func ends(service types.ServiceConfig) bool { return service.Restart == "no" }

func TestEachServiceEndsOrIsLookedAt(t *testing.T) {
	for _, service := range load(t, nil, "*").Services {
		checked := service.HealthCheck != nil && !service.HealthCheck.Disable && len(service.HealthCheck.Test) > 1
		require.Equal(t, !ends(service), checked, service.Name)
	}
}

// Nothing starts before what it stands on is well, and nothing before the
// passwords were looked at.
func TestEachServiceWaitsForTheOnesBeforeIt(t *testing.T) {
	project := load(t, nil, "*")
	var standsOn func(name string) map[string]bool
	standsOn = func(name string) map[string]bool {
		all := map[string]bool{}
		for before, dependency := range project.Services[name].DependsOn {
			want := types.ServiceConditionHealthy
			if ends(project.Services[before]) {
				want = types.ServiceConditionCompletedSuccessfully
			}
			require.Equal(t, want, dependency.Condition, "%s on %s", name, before)
			all[before] = true
			maps.Copy(all, standsOn(before))
		}
		return all
	}
	for name, before := range map[string][]string{
		"postgres": {"preflight"}, "databases": {"postgres"}, "schema": {"databases"}, "temporal": {"schema"},
		"namespace": {"temporal"}, "ui": {"temporal"}, "worker": {"namespace"},
		"prometheus": {"preflight"}, "grafana": {"preflight"}, "codec-server": {"preflight"}, "demo-worker": {"demo-namespace", "simulator"}, "demo": {"demo-worker"},
	} {
		for _, one := range before {
			require.True(t, standsOn(name)[one], "%s on %s", name, one)
		}
		require.True(t, standsOn(name)["preflight"], name)
	}
	// A command is run beside what has been started, and starts nothing again.
	require.Empty(t, project.Services["starter"].DependsOn)
}

func TestImagesArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^(docker\.io|\$REGISTRY)/[a-z-]+/[a-z-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?(@sha256:[0-9a-f]{64})?$`)
	for _, service := range load(t, nil, "*").Services {
		if service.Build == nil {
			require.Regexp(t, pinned, service.Image, service.Name)
		}
	}
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	for _, from := range regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(string(dockerfile), -1) {
		if from[1] != "scratch" {
			require.Regexp(t, pinned, from[1])
		}
	}
}

func TestPortsAreOnLoopbackUnlessSaidOtherwise(t *testing.T) {
	ports := 0
	for _, service := range load(t, nil, "*").Services {
		for _, port := range service.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, service.Name)
			ports++
		}
	}
	require.Equal(t, 5, ports)
	open := load(t, map[string]string{"BIND_ADDRESS": "10.0.0.5"}, "*")
	require.Equal(t, "10.0.0.5", open.Services["ui"].Ports[0].HostIP)
}

func TestServicesMayDoLittle(t *testing.T) {
	for _, service := range load(t, nil, "*").Services {
		require.Equal(t, []string{"ALL"}, service.CapDrop, service.Name)
		require.Empty(t, service.CapAdd, service.Name)
		require.False(t, service.Privileged, service.Name)
		require.Contains(t, service.SecurityOpt, "no-new-privileges:true", service.Name)
		if service.Build != nil {
			require.True(t, service.ReadOnly, service.Name)
		}
		_, database := service.Networks["database"]
		require.Equal(t, slices.Contains([]string{"postgres", "schema", "temporal"}, service.Name), database, service.Name)
	}
	require.True(t, bool(load(t, nil).Networks["database"].Internal))
}

func TestFilesThatAreMountedExist(t *testing.T) {
	project := load(t, nil, "*")
	for _, service := range project.Services {
		for _, volume := range service.Volumes {
			if volume.Type == types.VolumeTypeBind {
				require.DirExists(t, volume.Source, service.Name)
				require.True(t, volume.ReadOnly, service.Name)
			}
		}
		for _, word := range service.Command {
			if strings.HasPrefix(word, "/setup/") {
				path, err := compose.HostPath(service, word)
				require.NoError(t, err)
				require.FileExists(t, path)
			}
		}
	}
	path, err := compose.HostPath(project.Services["temporal"], *project.Services["temporal"].Environment["DYNAMIC_CONFIG_FILE_PATH"])
	require.NoError(t, err)
	require.FileExists(t, path)
	require.FileExists(t, "prometheus/prometheus.yaml")
	grafana := project.Services["grafana"]
	provider, err := os.ReadFile("grafana/provisioning/dashboards/refundsync.yaml")
	require.NoError(t, err)
	dashboards := regexp.MustCompile(`path: (\S+)`).FindStringSubmatch(string(provider))
	require.NotNil(t, dashboards)
	for _, path := range []string{
		*grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"], dashboards[1] + "/business.json", dashboards[1] + "/worker.json",
		"/etc/grafana/provisioning/dashboards/refundsync.yaml", "/etc/grafana/provisioning/datasources/prometheus.yaml",
	} {
		path, err := compose.HostPath(grafana, path)
		require.NoError(t, err)
		require.FileExists(t, path)
	}
}

// What can be set is in .env.example, what is there can be set, and both have all
// settings of the worker and of the codec server.
func TestEnvExampleIsComplete(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	require.NoError(t, err)
	wanted := map[string]bool{"COMPOSE_PROFILES": true}
	for _, variable := range regexp.MustCompile(`\$\{([A-Z_]+)`).FindAllStringSubmatch(string(text), -1) {
		wanted[variable[1]] = true
	}
	settable := types.MappingWithEquals{}
	for _, service := range []string{"worker", "codec-server"} {
		environment := load(t, nil, "*").Services[service].Environment
		maps.Copy(settable, environment)
		for name, value := range load(t, example(t), "*").Services[service].Environment {
			if environment[name] == nil && value != nil {
				wanted[name] = true
			}
		}
	}
	require.Equal(t, slices.Sorted(maps.Keys(wanted)), slices.Sorted(maps.Keys(example(t))))

	var usage bytes.Buffer
	require.NoError(t, config.Usage(&usage))
	settings := regexp.MustCompile(`(?m)^ +([A-Z]+_[A-Z_]+) `).FindAllStringSubmatch(usage.String(), -1)
	require.Greater(t, len(settings), 20)
	for _, setting := range settings {
		require.Contains(t, settable, setting[1])
	}
}

// The worker has the time that it may take to stop, and the demo's has as well.
func TestWorkersAreNotKilledWhileTheyDrain(t *testing.T) {
	drain, err := time.ParseDuration(example(t)["REFUNDSYNC_DRAIN_TIMEOUT"])
	require.NoError(t, err)
	for _, name := range []string{"worker", "demo-worker"} {
		require.Greater(t, time.Duration(*load(t, nil, "*").Services[name].StopGracePeriod), drain, name)
	}
}

// What is said in .env.example makes a codec server that lets the Web UI in, and it
// has no secret beyond those that it needs.
func TestCodecServer(t *testing.T) {
	variables := example(t)
	variables["REFUNDSYNC_ENCRYPTION_KEYS"] = "2024-03:MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	variables["REFUNDSYNC_CODEC_TOKEN"] = "6f1c0b5e9a7d4d2e8c3b1a0f5e6d7c8b"
	project := load(t, variables, "*")
	server, ui := project.Services["codec-server"], project.Services["ui"]
	require.Equal(t, []string{"REFUNDSYNC_CODEC_TOKEN", "REFUNDSYNC_CODEC_UI_ORIGIN", "REFUNDSYNC_ENCRYPTION_KEYS", "REFUNDSYNC_LANG", "REFUNDSYNC_SECRETS", "TEMPORAL_NAMESPACE"},
		slices.Sorted(maps.Keys(server.Environment)))
	require.Empty(t, *project.Services["worker"].Environment["REFUNDSYNC_CODEC_TOKEN"])
	require.Equal(t, project.Services["worker"].Environment["TEMPORAL_NAMESPACE"], server.Environment["TEMPORAL_NAMESPACE"])
	for name, value := range compose.Environment(server) {
		t.Setenv(name, value)
	}
	t.Setenv("REFUNDSYNC_SECRETS", t.TempDir())
	settings, keys, err := config.FromProcess().LoadCodecServer()
	require.NoError(t, err)
	require.Len(t, keys, 1)
	require.Equal(t, "http://"+ui.Ports[0].HostIP+":"+ui.Ports[0].Published, settings.UIOrigin)
}

// A company's settings, which docker-compose.yml can't name, come from the file, and the
// passwords there stay out of the worker.
func TestTheWorkerHasSettingsOfCompanies(t *testing.T) {
	file := filepath.Join(t.TempDir(), "settings.env")
	require.NoError(t, os.WriteFile(file, []byte("KINGDEE_NORTH_APP_SECRET='a$b'\nDATABASE_PASSWORD=x\nGRAFANA_PASSWORD=y\nREFUNDSYNC_CODEC_TOKEN=z\nREFUNDSYNC_FLOWS=/elsewhere\n"), 0o600))
	project := load(t, map[string]string{"SETTINGS_FILE": file, "DATABASE_PASSWORD": "x"}, "*")
	for _, name := range []string{"worker", "starter"} {
		environment := compose.Environment(project.Services[name])
		require.Equal(t, "a$b", environment["KINGDEE_NORTH_APP_SECRET"], name)
		require.Equal(t, "/flows", environment["REFUNDSYNC_FLOWS"], name)
		for _, password := range []string{"DATABASE_PASSWORD", "GRAFANA_PASSWORD", "REFUNDSYNC_CODEC_TOKEN"} {
			require.Empty(t, environment[password], password)
		}
	}
	require.NotContains(t, project.Services["demo-worker"].Environment, "KINGDEE_NORTH_APP_SECRET")
}

// Secrets may be in files of a folder that git ignores, and of which the codec server
// sees none but its own.
func TestSecretsMayBeFiles(t *testing.T) {
	project := load(t, nil, "*")
	for name, folder := range map[string]string{"worker": "secrets", "starter": "secrets", "codec-server": "secrets/codec"} {
		service := project.Services[name]
		path, err := compose.HostPath(service, *service.Environment["REFUNDSYNC_SECRETS"]+"/.gitignore")
		require.NoError(t, err)
		want, err := filepath.Abs(folder)
		require.NoError(t, err)
		require.Equal(t, want, filepath.Dir(path), name)
		ignored, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Contains(t, string(ignored), "\n*\n!.gitignore", name)
	}
}

// A CA of the user's own is found where .env.example says.
func TestCertificatesOfTheUserAreMounted(t *testing.T) {
	for _, name := range []string{"worker", "starter"} {
		service := load(t, example(t), "*").Services[name]
		path, err := compose.HostPath(service, *service.Environment["KINGDEE_CA_FILE"])
		require.NoError(t, err)
		require.DirExists(t, filepath.Dir(path))
	}
}

// A proxy is for what is outside.
func TestTemporalIsReachedWithoutAProxy(t *testing.T) {
	for _, variables := range []map[string]string{nil, {"NO_PROXY": "kingdee.example.lan"}} {
		noProxy := *load(t, variables, "*").Services["worker"].Environment["NO_PROXY"]
		require.Contains(t, strings.Split(noProxy, ","), "temporal")
		require.Contains(t, strings.Split(noProxy, ","), variables["NO_PROXY"])
	}
}

// The demo calls the simulator and nobody else, whatever .env has, of which it takes only
// the language.
func TestTheDemoCallsTheSimulator(t *testing.T) {
	sim, err := simulator.New(simulator.Options{Orders: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sim.Close()) })
	server, err := sim.Start(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Close()) })
	simulated := server.Environment().Map()

	variables := example(t)
	for name := range variables {
		variables[name] = "from-dot-env"
	}
	variables["REFUNDSYNC_LANG"] = "en"
	variables["BIND_ADDRESS"], variables["TEMPORAL_PORT"], variables["TEMPORAL_UI_PORT"] = "", "", ""
	variables["PROMETHEUS_PORT"], variables["GRAFANA_PORT"], variables["CODEC_SERVER_PORT"] = "", "", ""
	for _, name := range []string{"demo-worker", "demo"} {
		environment := compose.Environment(load(t, variables, "demo").Services[name])
		require.NotContains(t, slices.Collect(maps.Values(environment)), "from-dot-env")
		for setting, value := range environment {
			if strings.HasPrefix(setting, "JUSHUITAN_") || strings.HasPrefix(setting, "KINGDEE_") {
				require.Equal(t, simulated[setting], strings.ReplaceAll(value, "http://simulator:8090", server.URL()), setting)
			}
		}
		require.NotEqual(t, "default", environment["TEMPORAL_NAMESPACE"])
		require.Equal(t, "en", environment["REFUNDSYNC_LANG"])
	}
}

func TestNamespaceGetsTheSearchAttributesOfTheWorkflows(t *testing.T) {
	script, err := os.ReadFile("compose/setup-namespace.sh")
	require.NoError(t, err)
	made := map[string]string{}
	for _, attribute := range regexp.MustCompile(`(Refundsync[A-Za-z]+):([A-Za-z]+)`).FindAllStringSubmatch(string(script), -1) {
		made[attribute[1]] = attribute[2]
	}
	want := map[string]string{}
	for name, valueType := range syncworker.SearchAttributes() {
		want[name] = valueType.String()
	}
	require.Equal(t, want, made)
}

func TestHealthOfTheSimulatorIsOneOfItsAddresses(t *testing.T) {
	sim, err := simulator.New(simulator.Options{Orders: 1})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, sim.Close()) })
	server := httptest.NewServer(sim.Handler())
	t.Cleanup(server.Close)
	project := load(t, nil, "*")
	for _, url := range []string{project.Services["simulator"].HealthCheck.Test[3], *project.Services["preflight"].Environment["DEMO_URL"]} {
		_, path, found := strings.Cut(url, ":8090")
		require.True(t, found, url)
		response, err := http.Get(server.URL + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		require.Equal(t, http.StatusOK, response.StatusCode, url)
	}
}

// One variable names a mirror of all images, those of the build as well.
func TestImagesComeFromTheRegistry(t *testing.T) {
	standard, mirrored := load(t, nil, "*"), load(t, map[string]string{"REGISTRY": "mirror.example.lan/hub"}, "*")
	for name, service := range mirrored.Services {
		was := standard.Services[name]
		if service.Build != nil {
			require.Equal(t, was.Image, service.Image)
			require.Equal(t, "docker.io", *was.Build.Args["REGISTRY"])
			require.Equal(t, "mirror.example.lan/hub", *service.Build.Args["REGISTRY"])
			continue
		}
		path, found := strings.CutPrefix(was.Image, "docker.io/")
		require.True(t, found, was.Image)
		require.Equal(t, "mirror.example.lan/hub/"+path, service.Image)
	}
	dockerfile, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	require.NoError(t, err)
	require.Regexp(t, `(?m)^ARG REGISTRY=docker\.io$`, string(dockerfile))
}
