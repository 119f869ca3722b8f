package e2e

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"

	"refundsync/internal/beijing"
	"refundsync/internal/config"
	"refundsync/internal/envfile"
	"refundsync/internal/setup"
	"refundsync/internal/simulator"
	"refundsync/internal/simulator/galaxy"
	"refundsync/internal/simulator/merchant"
	"refundsync/internal/syncworker"
)

// company is a merchant of the last two days for whom nothing is set up. Kingdee calls one
// of the warehouses otherwise than Jushuitan.
type company struct {
	*world
	from, to string // the days, whose orders are all over
	folder   string
}

func newCompany(t *testing.T) company {
	t.Helper()
	today := time.Now().In(beijing.Zone)
	from := time.Date(today.Year(), today.Month(), today.Day()-2, 0, 0, 0, 0, beijing.Zone)
	w := newWorld(t, simulator.Options{Orders: 60, From: from, Kinds: []merchant.Kind{merchant.Returned, merchant.Discounted, merchant.RefundOnly, merchant.Gift}})
	require.NoError(t, w.PutBaseData("BD_STOCK", galaxy.BaseItem{Number: "CK001", Name: "杭州 仓"}))
	return company{w, from.Format(time.DateOnly), from.AddDate(0, 0, 1).Format(time.DateOnly), filepath.Join(t.TempDir(), "company")}
}

// setUp runs starter setup with these answers on standard input, and no settings but the
// given.
func (c company) setUp(t *testing.T, given map[string]string, stdin string, args ...string) ended {
	t.Helper()
	w := &world{Simulator: c.Simulator, server: c.server, env: config.Environment(given)}
	cmd := w.command(t, "starter", append([]string{"setup", "--folder", c.folder, "--template", filepath.Join("..", "flows", "refund_to_return.yaml")}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(t, err)
	}
	return ended{code: cmd.ProcessState.ExitCode(), stdout: stdout.String(), stderr: stderr.String()}
}

// requireBooked has a worker book the days with what was written, and finance reconcile
// them.
func (c company) requireBooked(t *testing.T) {
	t.Helper()
	require.Empty(t, c.State().Kingdee.Bills, "setting up writes nothing")
	path := filepath.Join(c.folder, "refundsync.env")
	info, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	file, err := os.ReadFile(path)
	require.NoError(t, err)
	env, err := envfile.Read(string(file))
	require.NoError(t, err)
	answers, err := os.ReadFile(filepath.Join(c.folder, "answers.yaml"))
	require.NoError(t, err)
	for _, name := range setupSecrets {
		require.Equal(t, c.env[name], env[name])
		require.NotContains(t, string(answers), env[name])
	}
	for _, name := range []string{"TEMPORAL_ADDRESS", "TEMPORAL_NAMESPACE"} {
		env[name] = c.env[name]
	}
	env["JUSHUITAN_CALLS_PER_SECOND"] = "100"
	w := &world{Simulator: c.Simulator, server: c.server, env: env}
	w.startWorker(t)
	require.NotContains(t, w.starter(t, 0, "check").stdout, "✗")
	w.starter(t, 0, "run", "--flow", builtInFlow, "--from", c.from, "--to", c.to, "--wait")
	w.starter(t, 0, "reconcile", "--flow", builtInFlow, "--from", c.from, "--to", c.to)
	require.NotEmpty(t, w.State().Kingdee.Bills)
	require.Empty(t, simulator.Compare(w.Truth(), w.State()))
}

// setupSecrets are settings that neither flags nor answers take.
var setupSecrets = []string{"JUSHUITAN_APP_SECRET", "JUSHUITAN_OPEN_APP_SECRET", "KINGDEE_APP_ID", "KINGDEE_APP_SECRET"}

// answered are settings that a file of answers may hold.
var answered = []string{
	"JUSHUITAN_URL", "JUSHUITAN_APP_KEY", "JUSHUITAN_CUSTOMER_ID", "JUSHUITAN_OPEN_URL", "JUSHUITAN_OPEN_APP_KEY",
	"KINGDEE_URL", "KINGDEE_ACCT_ID", "KINGDEE_USERNAME", "KINGDEE_ORG_NUMBER",
}

// With a file of answers, nothing is asked; what was set up books the last days, missing 0.
func TestSetupByAnswers(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	answers := setup.Answers{Settings: map[string]string{}, Codes: map[string]string{"tax_rate": "13", "unit": "Pcs"}}
	for _, name := range answered {
		answers.Settings[name] = c.env[name]
	}
	answers.SetRow("warehouses", "20001", "CK001")
	answers.SetRow("units", "NT6001-KG", "kg")
	answers.SetRow("units", "TE6005-KG", "kg")
	data, err := yaml.Marshal(answers)
	require.NoError(t, err)
	path := filepath.Join(t.TempDir(), "given.yaml")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	secrets := map[string]string{}
	for _, name := range setupSecrets {
		secrets[name] = c.env[name]
	}

	e := c.setUp(t, secrets, "", "--answers", path)
	require.Zero(t, e.code, e.stdout+e.stderr)
	require.Contains(t, e.stdout, "would be booked")
	require.Contains(t, e.stdout, "Next: look through")
	require.Contains(t, e.stdout, "Not in table customers: 视频号新店")
	require.NotContains(t, e.stdout, "✗")
	for _, secret := range secrets {
		require.NotContains(t, e.stdout+e.stderr, secret)
	}

	// What a person has changed stays, unless they say otherwise.
	flow := filepath.Join(c.folder, "flows", "refund_to_return.yaml")
	written, err := os.ReadFile(flow)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(flow, append(written, "# mine\n"...), 0o600))
	e = c.setUp(t, nil, "")
	require.Zero(t, e.code, e.stdout+e.stderr)
	kept, err := os.ReadFile(flow)
	require.NoError(t, err)
	require.Contains(t, string(kept), "# mine")
	e = c.setUp(t, nil, "", "--overwrite")
	require.Zero(t, e.code, e.stdout+e.stderr)
	anew, err := os.ReadFile(flow)
	require.NoError(t, err)
	require.Equal(t, string(written), string(anew))

	c.requireBooked(t)
}

// A person answers, gives a wrong secret, stops half-way, and goes on.
func TestSetupByQuestions(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	first := strings.Join([]string{
		"not an address", strings.TrimSuffix(c.env["KINGDEE_URL"], "/"), c.env["KINGDEE_ACCT_ID"], c.env["KINGDEE_USERNAME"],
		"", // KINGDEE_AUTH
		c.env["KINGDEE_APP_ID"], "mistaken", "KINGDEE_APP_SECRET", c.env["KINGDEE_APP_SECRET"],
		c.env["JUSHUITAN_APP_KEY"],
	}, "\n") + "\n"
	e := c.setUp(t, nil, first)
	require.Equal(t, 1, e.code, e.stdout+e.stderr)
	require.Contains(t, e.stdout, "KINGDEE_URL: it is not a full URL")
	require.Contains(t, e.stdout, "✗ Kingdee")
	require.Contains(t, e.stderr, "JUSHUITAN_APP_SECRET")
	require.NotContains(t, e.stdout+e.stderr, "mistaken")

	second := strings.Join([]string{
		c.env["JUSHUITAN_APP_SECRET"], c.env["JUSHUITAN_CUSTOMER_ID"], c.env["JUSHUITAN_URL"],
		c.env["JUSHUITAN_OPEN_APP_KEY"], c.env["JUSHUITAN_OPEN_APP_SECRET"], c.env["JUSHUITAN_OPEN_URL"],
		"", "999", "总公司", "", "", // bill type, organisation, currency, unit
		"13 %", "13",
		"y", "y", "none", "y", // units and the warehouse
	}, "\n") + "\n"
	e = c.setUp(t, nil, second)
	require.Zero(t, e.code, e.stdout+e.stderr)
	require.Contains(t, e.stdout, `has no "999"`)
	require.Contains(t, e.stdout, `"13 %" is not a rate`)
	require.Contains(t, e.stdout, "the names are only similar")
	require.Contains(t, e.stdout, "would be booked")
	c.requireBooked(t)
}

// A second company is set up beside the first: the settings of both stand in one file, and a
// worker takes both, though they share a data centre.
func TestSetupOfASecondCompany(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	first := "# mine\n"
	for _, name := range slices.Concat(answered, setupSecrets) {
		line, err := envfile.Line(name, c.env[name])
		require.NoError(t, err)
		first += line
	}
	path := filepath.Join(c.folder, "refundsync.env")
	require.NoError(t, os.CopyFS(filepath.Join(c.folder, "flows"), os.DirFS(filepath.Join("..", "flows"))))
	require.NoError(t, os.WriteFile(path, []byte(first), 0o600))
	given := map[string]string{}
	for _, name := range slices.Concat(answered, setupSecrets) {
		system, setting, _ := strings.Cut(name, "_")
		given[system+"_NORTH_"+setting] = c.env[name]
	}

	e := c.setUp(t, given, "north\n", "--code", "tax_rate=13", "--code", "unit=Pcs", "--row", "warehouses/20001=CK001")
	require.Zero(t, e.code, e.stdout+e.stderr)
	require.Contains(t, e.stdout, "the numbers of this company's begin with NORTH")
	require.Contains(t, e.stdout, "starter run --flow refund_to_return_north")
	require.Contains(t, e.stdout, "would be booked")
	require.NotContains(t, e.stdout, "✗")
	require.FileExists(t, filepath.Join(c.folder, "answers_north.yaml"))
	require.NoFileExists(t, filepath.Join(c.folder, "answers.yaml"))
	require.FileExists(t, filepath.Join(c.folder, "flows", "tables", "customers_north.csv"))
	written, err := os.ReadFile(path)
	require.NoError(t, err)
	require.True(t, strings.HasPrefix(string(written), first), "the first company's settings stay")
	variables, err := envfile.Read(string(written))
	require.NoError(t, err)
	companies, err := syncworker.Load(variables)
	require.NoError(t, err)
	require.Len(t, companies, 2)
	require.Equal(t, c.env["KINGDEE_APP_SECRET"], companies[1].Settings.Kingdee.AppSecret)
	require.Equal(t, "north", companies[1].Flows["refund_to_return_north"].Company)

	e = c.setUp(t, given, "", "--company", "north", "--set", "KINGDEE_URL=http://127.0.0.1:1/")
	require.Equal(t, 2, e.code)
	require.Contains(t, e.stderr, "KINGDEE_NORTH_URL")
	e = c.setUp(t, nil, "", "--company", "open")
	require.Equal(t, 2, e.code)
	require.Contains(t, e.stderr, "company can't be open")
}

// A secret is never taken where others see it, and a misspelt setting is named.
func TestSetupRefusesSecretsInFlags(t *testing.T) {
	t.Parallel()
	c := newCompany(t)
	e := c.setUp(t, nil, "", "--set", "KINGDEE_APP_SECRET=s3cret")
	require.Equal(t, 2, e.code)
	require.NotContains(t, e.stderr, "s3cret")
	e = c.setUp(t, nil, "", "--set", "KINGDEE_URI=x")
	require.Equal(t, 2, e.code)
	require.Contains(t, e.stderr, "KINGDEE_URL")
	require.NoDirExists(t, c.folder)
}
