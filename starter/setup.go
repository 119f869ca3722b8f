package main

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"refundsync/internal/beijing"
	"refundsync/internal/config"
	"refundsync/internal/envfile"
	"refundsync/internal/flow"
	"refundsync/internal/flowfile"
	"refundsync/internal/jushuitan"
	"refundsync/internal/kingdee"
	"refundsync/internal/setup"
	"refundsync/internal/text"
)

type setupFlags struct {
	folder, template, answers string
	set, codes, rows          []string
	overwrite                 bool
	days                      int
}

const builtInTemplate = "flows/refund_to_return.yaml"

func newSetupCommand() *cobra.Command {
	var flags setupFlags
	cmd := &cobra.Command{
		Use:   "setup",
		Short: text.Sprintf("Set up a company: settings, codes, tables, flow"),
		Long: text.Sprintf("Asks for the settings and tries them; reads organisations, bill types, currencies, units, customers and warehouses from Kingdee, shops and warehouses from Jushuitan; proposes tables by equal names and codes, and asks about those that are not sure. "+
			"It writes a flow, its tables, an environment file and the answers to a folder, then checks them and previews yesterday's orders. It writes to neither system.\n"+
			"It asks for what neither flags, --answers, the environment nor a former run in the same folder say; at the end of the input, what has no default is left out, or ends it. Stop it at any time; the next run goes on there. "+
			"Values that must not be shown come from the environment, from %s in the folder, or are typed: no flag takes them, and the answers do not hold them.\n"+
			"A file of answers has the keys template, settings (by name), codes (organisation, bill_type, currency, unit, tax_rate, or a form of base data), rows (by table and code; empty leaves a code out) and overwrite.", envFileName),
		Example: `  starter setup
  starter setup --folder shanghai --template flows/refund_to_return.yaml
  starter setup --answers answers.yaml --set KINGDEE_URL=https://tenant.ik3cloud.com/k3cloud/ --code organisation=100 --row customers/天猫旗舰店=CUST_TMALL`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if flags.days < 0 || flags.days > mostCheckedDays {
				return usageError(cmd, text.Errorf("--days %d: expected 0 to %d", flags.days, mostCheckedDays))
			}
			s := &setupRun{cmd: cmd, flags: flags, asker: newAsker(cmd.InOrStdin(), cmd.OutOrStdout()), days: flags.days}
			return s.run(cmd.Context())
		},
	}
	cmd.Flags().StringVar(&flags.folder, "folder", "setup", text.Sprintf("folder to write to"))
	cmd.Flags().StringVar(&flags.template, "template", "", text.Sprintf("flow file to start from (default %s)", builtInTemplate))
	cmd.Flags().StringVar(&flags.answers, "answers", "", text.Sprintf("file of answers (YAML)"))
	cmd.Flags().StringArrayVar(&flags.set, "set", nil, text.Sprintf("setting as `NAME=VALUE`, may be repeated"))
	cmd.Flags().StringArrayVar(&flags.codes, "code", nil, text.Sprintf("code in Kingdee as `WHAT=CODE`, such as organisation=100, may be repeated"))
	cmd.Flags().StringArrayVar(&flags.rows, "row", nil, text.Sprintf("row of a table as `TABLE/CODE=VALUE`, may be repeated; without a value, the code is left out"))
	cmd.Flags().BoolVar(&flags.overwrite, "overwrite", false, text.Sprintf("write a flow and tables anew that are there already"))
	cmd.Flags().IntVar(&flags.days, "days", 7, text.Sprintf("days of orders to find codes in"))
	alsoExits(cmd, exitInterrupted)
	return cmd
}

// The files of the folder.
const (
	envFileName     = "refundsync.env"
	answersFileName = "answers.yaml"
)

// setupRun sets up a company.
type setupRun struct {
	cmd   *cobra.Command
	flags setupFlags
	*asker
	days int

	// env are the process's variables with the settings that were given.
	env     config.Environment
	answers setup.Answers
	// flow is the template.
	flow   *flow.Flow
	source *jushuitan.Client
	ledger *kingdee.Client
	tables []*setupTable
	// constants are the fields whose constants are replaced.
	constants []setupConstant
}

func (s *setupRun) path(name ...string) string {
	return filepath.Join(append([]string{s.flags.folder}, name...)...)
}

func (s *setupRun) run(ctx context.Context) error {
	if err := s.begin(); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{s.kingdee, s.jushuitan, s.codes, s.fillTables, s.write} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	return s.finish(ctx)
}

// begin reads what is known already, and the template.
func (s *setupRun) begin() error {
	kept, err := setup.ReadAnswers(s.path(answersFileName))
	if err != nil {
		return err
	}
	s.answers, err = s.given()
	if err != nil {
		return err
	}
	settings := s.answers.Settings
	s.answers = s.answers.Under(kept)
	if s.answers.Template == "" {
		s.answers.Template = builtInTemplate
	}
	s.env = config.FromProcess()
	file, err := s.readEnvFile()
	if err != nil {
		return err
	}
	variables, err := envfile.Read(file)
	if err != nil {
		return err
	}
	maps.Copy(s.env, variables)
	maps.Copy(s.env, settings)
	flows, err := flowfile.LoadFolder(filepath.Dir(s.answers.Template))
	if err != nil {
		return err
	}
	for _, f := range flows {
		if f.Files[0].Name == filepath.Base(s.answers.Template) {
			s.flow = f
		}
	}
	if s.flow == nil {
		return text.Errorf("there is no flow file %s; --template names another", s.answers.Template)
	}
	say(s.out, text.Sprintf("Setting up %s in %s. Nothing is written to Jushuitan or Kingdee; Ctrl-C stops, and the next run goes on.", s.flow.Title, s.flags.folder))
	return s.save()
}

// given are the answers of the flags and of --answers.
func (s *setupRun) given() (setup.Answers, error) {
	var file setup.Answers
	if path := s.flags.answers; path != "" {
		if _, err := os.Stat(path); err != nil {
			return file, text.Errorf("can't read the answers in %s: %w", path, err)
		}
		var err error
		if file, err = setup.ReadAnswers(path); err != nil {
			return file, err
		}
	}
	given := setup.Answers{Template: s.flags.template, Settings: map[string]string{}}
	if s.flags.overwrite {
		given.Overwrite = &s.flags.overwrite
	}
	for _, flag := range []struct {
		name, form string
		values     []string
		take       func(name, value string) bool
	}{
		{"--set", "NAME=VALUE", s.flags.set, func(name, value string) bool { given.Settings[name] = value; return true }},
		{"--code", "WHAT=CODE", s.flags.codes, func(name, value string) bool { given.SetCode(name, value); return true }},
		{"--row", "TABLE/CODE=VALUE", s.flags.rows, func(name, value string) bool {
			table, code, ok := strings.Cut(name, "/")
			given.SetRow(table, code, value)
			return ok
		}},
	} {
		for _, value := range flag.values {
			name, value, ok := strings.Cut(value, "=")
			if !ok || !flag.take(name, value) {
				return given, usageError(s.cmd, text.Errorf("%s %s: expected %s", flag.name, name, flag.form))
			}
		}
	}
	given = given.Under(file)
	for name := range given.Settings {
		question, err := config.Asked(name)
		if err != nil {
			return given, usageError(s.cmd, err)
		}
		if question.Secret {
			return given, usageError(s.cmd, text.Errorf("%s is a secret, which neither flags nor answers hold; set the environment variable, or put it into %s", name, s.path(envFileName)))
		}
	}
	return given, nil
}

func (s *setupRun) readEnvFile() (string, error) {
	data, err := os.ReadFile(s.path(envFileName))
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return string(data), err
}

// save keeps what has been given so far: settings in the environment file, which only its
// owner may read, the rest in the answers.
func (s *setupRun) save() error {
	if err := os.MkdirAll(s.flags.folder, 0o755); err != nil {
		return err
	}
	if err := s.answers.Write(s.path(answersFileName)); err != nil {
		return err
	}
	flows, err := filepath.Abs(s.path("flows"))
	if err != nil {
		return err
	}
	file, err := s.readEnvFile()
	if err != nil {
		return err
	}
	if file == "" {
		file = "# " + text.Sprintf("Docker Compose, systemd and a shell read this file: docs/configuration.md.") + "\n"
	}
	known, err := envfile.Read(file)
	if err != nil {
		return err
	}
	values := map[string]string{"REFUNDSYNC_FLOWS": flows}
	for name, value := range map[string]string{"COMPOSE_PROFILES": "production", "DATABASE_PASSWORD": rand.Text(), "GRAFANA_PASSWORD": rand.Text()} {
		if known[name] == "" {
			values[name] = value
		}
	}
	var names []string
	for _, name := range config.SystemNames() {
		if s.env[name] != "" {
			values[name] = s.env[name]
			names = append(names, name)
		}
	}
	for _, name := range []string{"REFUNDSYNC_FLOWS", "COMPOSE_PROFILES", "DATABASE_PASSWORD", "GRAFANA_PASSWORD"} {
		if values[name] != "" {
			names = append(names, name)
		}
	}
	file, err = envfile.Set(file, names, func(name string) string { return values[name] })
	if err != nil {
		return err
	}
	s.env["REFUNDSYNC_FLOWS"] = flows
	// Never half written, and never readable by others.
	next := s.path(envFileName + ".new")
	if err := os.WriteFile(next, []byte(file), 0o600); err != nil {
		return err
	}
	return os.Rename(next, s.path(envFileName))
}

// finish checks what was written, previews yesterday, and says what to do next.
func (s *setupRun) finish(ctx context.Context) error {
	for _, name := range append(config.SystemNames(), "REFUNDSYNC_FLOWS") {
		if err := os.Setenv(name, s.env[name]); err != nil {
			return err
		}
	}
	say(s.out, "\n"+text.Sprintf("Checking what was written."))
	c := &checks{out: s.out, days: s.days, withoutTemporal: true}
	c.all(ctx)
	yesterday := time.Now().In(beijing.Zone).AddDate(0, 0, -1).Format(time.DateOnly)
	say(s.out, "\n"+text.Sprintf("What yesterday's orders would become."))
	if err := previewRange(s.cmd, previewFlags{flow: s.flow.Name, from: yesterday, to: yesterday, output: previewOutput(outputTable)}); err != nil {
		return err
	}
	// Orders dated yesterday may have changed since, and a reconciliation finds these too.
	recently := time.Now().In(beijing.Zone).Add(-s.flow.Source.Lag).Format(time.DateTime)
	say(s.out, "\n"+text.Sprintf("Next: look through %s. Then, with a Temporal server:", s.path("flows")))
	for _, line := range []string{
		"set -a; . " + s.path(envFileName) + "; set +a",
		"worker                 # docker compose --env-file " + s.path(envFileName) + " up -d",
		"starter check",
		"starter run --flow " + s.flow.Name + " --from " + yesterday + " --to \"" + recently + "\" --wait",
		"starter reconcile --flow " + s.flow.Name + " --from " + yesterday + " --to " + yesterday,
		"starter schedule create --flow " + s.flow.Name + " --since " + yesterday,
	} {
		say(s.out, "  "+line)
	}
	if c.failed {
		return &exitError{code: exitFailed, err: text.Errorf("a check has failed; correct what its line says, and run starter setup again or starter check")}
	}
	return nil
}
