package main

import (
	"cmp"
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
	company                   string
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
			"It asks for what neither flags, --answers, the environment nor a former run in the same folder say. At the end of the input, what is optional is left out; anything else ends it. Stop it at any time; the next run goes on there. "+
			"Secrets come from the environment, from %s in the folder, or are typed: no flag takes them, and the answers do not hold them.\n"+
			"With --company, it sets up a company beside others: its settings have its name within (KINGDEE_NORTH_URL), in the same environment file; it has a flow, tables and answers of its own.\n"+
			"A file of answers has the keys company, template, settings (by name), codes (organisation, bill_type, currency, unit, tax_rate, or a form of base data), rows (by table and code) and overwrite. An empty setting or row is left out.", envFileName),
		Example: `  starter setup
  starter setup --folder shanghai --template flows/refund_to_return.yaml
  starter setup --company north
  starter setup --answers answers.yaml --set KINGDEE_URL=https://tenant.ik3cloud.com/k3cloud/ --code organisation=100 --row customers/天猫旗舰店=CUST_TMALL`,
		// The company is one that no flow names yet.
		PersistentPreRunE: func(*cobra.Command, []string) error { return nil },
		RunE: func(cmd *cobra.Command, _ []string) error {
			flags.company, _ = cmd.Flags().GetString(companyFlag)
			if flags.days < 0 || flags.days > mostCheckedDays {
				return usageError(cmd, text.Errorf("--days %d: expected 0 to %d", flags.days, mostCheckedDays))
			}
			s := &setupRun{cmd: cmd, flags: flags, asker: newAsker(cmd.InOrStdin(), cmd.OutOrStdout()), days: flags.days}
			ctx := cmd.Context()
			err := s.run(ctx)
			if err != nil && ctx.Err() != nil {
				s.sayStopped()
				return &exitError{code: exitInterrupted}
			}
			return err
		},
	}
	cmd.Flags().StringVar(&flags.folder, "folder", "setup", text.Sprintf("folder to write to"))
	cmd.Flags().StringVar(&flags.template, "template", "", text.Sprintf("flow file to start from (default %s)", builtInTemplate))
	cmd.Flags().StringVar(&flags.answers, "answers", "", text.Sprintf("file of answers (YAML)"))
	cmd.Flags().StringArrayVar(&flags.set, "set", nil, text.Sprintf("setting as `NAME=VALUE`, may be repeated; an empty value leaves it out"))
	cmd.Flags().StringArrayVar(&flags.codes, "code", nil, text.Sprintf("code in Kingdee as `WHAT=CODE`, such as organisation=100, may be repeated"))
	cmd.Flags().StringArrayVar(&flags.rows, "row", nil, text.Sprintf("row of a table as `TABLE/CODE=VALUE`, may be repeated; an empty value leaves the code out"))
	cmd.Flags().BoolVar(&flags.overwrite, "overwrite", false, text.Sprintf("write a flow and tables anew that are there already"))
	cmd.Flags().IntVar(&flags.days, "days", 7, text.Sprintf("days of orders to find codes in"))
	alsoExits(cmd, exitInterrupted)
	return cmd
}

// envFileName is the environment file of the folder, for all companies.
const envFileName = "refundsync.env"

// setupRun sets up a company.
type setupRun struct {
	cmd   *cobra.Command
	flags setupFlags
	*asker
	days int

	// env are the process's variables with the settings that were given, as they are set.
	env config.Environment
	// answers are of the company that is set up.
	answers setup.Answers
	// others are the flows of the folder that are of other companies.
	others flow.Flows
	// flow is the template.
	flow   *flow.Flow
	source *jushuitan.Client
	ledger *kingdee.Client
	tables []*setupTable
	// constants are the fields whose constants are replaced.
	constants []setupConstant
	// saved: what was answered so far is in the folder.
	saved bool
}

func (s *setupRun) path(name ...string) string {
	return filepath.Join(append([]string{s.flags.folder}, name...)...)
}

// settings has the settings of the company, under their names without a company.
func (s *setupRun) settings() config.Environment { return s.env.Of(s.answers.Company) }

// named is a name with the company's; as it is if the company has none, or it ends so already.
func (s *setupRun) named(name string) string {
	suffix := "_" + s.answers.Company
	if s.answers.Company == "" || strings.HasSuffix(name, suffix) {
		return name
	}
	return name + suffix
}

// answersPath is the file of the company's answers.
func (s *setupRun) answersPath() string { return s.path(s.named("answers") + ".yaml") }

func (s *setupRun) run(ctx context.Context) error {
	if err := s.begin(ctx); err != nil {
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
func (s *setupRun) begin(ctx context.Context) (err error) {
	if s.answers, err = s.given(); err != nil {
		return err
	}
	if err := s.company(ctx); err != nil {
		return err
	}
	if err := s.checkSettings(); err != nil {
		return err
	}
	settings := s.answers.Settings
	kept, err := setup.ReadAnswers(s.answersPath())
	if err != nil {
		return err
	}
	s.answers = s.answers.Under(kept)
	if s.answers.Template == "" {
		s.answers.Template = builtInTemplate
	}
	// A blank variable is not set; in the environment file, it has been left out.
	s.env = config.FromProcess()
	maps.DeleteFunc(s.env, func(_, value string) bool { return strings.TrimSpace(value) == "" })
	file, err := s.readEnvFile()
	if err != nil {
		return err
	}
	variables, err := envfile.Read(file)
	if err != nil {
		return err
	}
	for name, value := range variables {
		if s.env[name] == "" || value != "" {
			s.env[name] = value
		}
	}
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
	say(s.out, text.Sprintf("Setting up %s in %s. Nothing is written to Jushuitan or Kingdee; Ctrl-C stops; the next run goes on.", s.flow.Title, s.flags.folder))
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
	given := setup.Answers{Company: s.flags.company, Template: s.flags.template, Settings: map[string]string{}}
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
	return given.Under(file), nil
}

// company finds out which company is set up: the given one, or, if the folder has a flow
// already, the one that a person names.
func (s *setupRun) company(ctx context.Context) error {
	// What can't be loaded is said by the checks of what was written.
	flows, _ := flowfile.LoadFolder(s.path("flows"))
	company := cmp.Or(s.answers.Company, config.FromProcess().Only())
	if companies := flows.Companies(); company == "" && len(companies) > 0 && s.flags.answers == "" {
		question := text.Sprintf("There are flows already: %s. To set up another company beside, give it a name (a-z and 0-9)", strings.Join(sortedNames(flows), ", "))
		answer, err := s.ask(ctx, question, text.Sprintf("(Enter goes on with %s)", strings.Join(sortedNames(flows.OfCompany(companies[0])), ", ")), false)
		if err != nil {
			return err
		}
		company = cmp.Or(answer, companies[0])
	}
	if company != "" {
		if err := flowfile.CheckCompany(company); err != nil {
			return usageError(s.cmd, err)
		}
	}
	s.answers.Company, s.others = company, flows
	maps.DeleteFunc(s.others, func(_ string, f *flow.Flow) bool { return f.Company == company })
	return nil
}

// checkSettings refuses given settings that are not the company's, and secrets.
func (s *setupRun) checkSettings() error {
	for name := range s.answers.Settings {
		question, err := s.settings().Asked(name)
		if err != nil {
			return usageError(s.cmd, err)
		}
		if question.Secret {
			return usageError(s.cmd, text.Errorf("%s is a secret, which neither flags nor answers hold; set the environment variable, or put it into %s", name, s.path(envFileName)))
		}
	}
	return nil
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
	if err := s.answers.Write(s.answersPath()); err != nil {
		return err
	}
	folder, err := filepath.Abs(s.flags.folder)
	if err != nil {
		return err
	}
	flows := filepath.Join(folder, "flows")
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
	values := map[string]string{"REFUNDSYNC_FLOWS": flows, "SETTINGS_FILE": filepath.Join(folder, envFileName)}
	for name, value := range map[string]string{"COMPOSE_PROFILES": "production", "DATABASE_PASSWORD": rand.Text(), "GRAFANA_PASSWORD": rand.Text()} {
		if known[name] == "" {
			values[name] = value
		}
	}
	var names []string
	for _, name := range s.settings().SystemNames() {
		if value, answered := s.env[name]; answered {
			values[name] = value
			names = append(names, name)
		}
	}
	for _, name := range []string{"REFUNDSYNC_FLOWS", "SETTINGS_FILE", "COMPOSE_PROFILES", "DATABASE_PASSWORD", "GRAFANA_PASSWORD"} {
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
	s.saved = true
	return os.Rename(next, s.path(envFileName))
}

// warn says what went wrong but stops nothing, unless it went wrong because a person stops.
func (s *setupRun) warn(ctx context.Context, what text.Text) {
	if ctx.Err() == nil {
		say(s.out, "! "+what.String())
	}
}

// sayStopped says what a stopped setup has kept, and how to go on.
func (s *setupRun) sayStopped() {
	if !s.saved {
		say(s.out, text.Sprintf("Stopped; nothing was written."))
		return
	}
	command := "starter setup"
	for _, flag := range [][2]string{{"folder", s.flags.folder}, {companyFlag, s.answers.Company}} {
		if f := s.cmd.Flags().Lookup(flag[0]); flag[1] != f.DefValue {
			command += " --" + flag[0] + " " + flag[1]
		}
	}
	say(s.out, text.Sprintf("Stopped. Your answers so far are in %s; to go on: %s", s.flags.folder, command))
}

// finish checks what was written, previews yesterday, and says what to do next.
func (s *setupRun) finish(ctx context.Context) error {
	for _, name := range append(s.settings().SystemNames(), "REFUNDSYNC_FLOWS") {
		if err := os.Setenv(name, s.env[name]); err != nil {
			return err
		}
	}
	// The rest is about the company alone.
	ctx = context.WithValue(ctx, scopeKey{}, scope{environment: config.FromProcess().Of(s.answers.Company)})
	s.cmd.SetContext(ctx)
	flowName := s.named(s.flow.Name)
	say(s.out, "\n"+text.Sprintf("Checking what was written."))
	c := &checks{out: s.out, days: s.days, withoutTemporal: true}
	if c.all(ctx); ctx.Err() != nil {
		return ctx.Err()
	}
	yesterday := time.Now().In(beijing.Zone).AddDate(0, 0, -1).Format(time.DateOnly)
	say(s.out, "\n"+text.Sprintf("What yesterday's orders would become."))
	err := previewRange(s.cmd, previewFlags{flow: flowName, from: yesterday, to: yesterday, output: previewOutput(outputTable)})
	// Orders that would be parked are what a preview is for, and no failure of the setup.
	var parked *exitError
	if err != nil && !(errors.As(err, &parked) && parked.code == exitWithFailures) {
		return err
	}
	// Orders dated yesterday may have changed since, and a reconciliation finds these too.
	recently := time.Now().In(beijing.Zone).Add(-s.flow.Source.Lag).Format(time.DateTime)
	say(s.out, "\n"+text.Sprintf("Next: look through %s. Then, with a Temporal server at TEMPORAL_ADDRESS (localhost:7233 if not set), in two terminals:", s.path("flows")))
	for _, line := range []string{
		"set -a; . " + s.path(envFileName) + "; set +a  # " + text.Sprintf("in both"),
		"worker  # " + text.Sprintf("in the first; or docker compose --env-file %s up -d", s.path(envFileName)),
		strings.TrimSuffix("starter check --company "+s.answers.Company, " --company ") + "  # " + text.Sprintf("in the second, as what follows"),
		"starter run --flow " + flowName + " --from " + yesterday + " --to \"" + recently + "\" --wait",
		"starter reconcile --flow " + flowName + " --from " + yesterday + " --to " + yesterday,
		"starter schedule create --flow " + flowName + " --since " + yesterday,
	} {
		say(s.out, "  "+line)
	}
	if c.failed {
		return &exitError{code: exitFailed, err: text.Errorf("a check has failed; correct what its line says, and run starter setup again or starter check")}
	}
	return nil
}
