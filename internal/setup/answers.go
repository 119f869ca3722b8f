package setup

import (
	"errors"
	"io/fs"
	"os"

	"github.com/goccy/go-yaml"

	"refundsync/internal/text"
)

// Answers are what starter setup was told. No secret is among them.
type Answers struct {
	// Company is the company that is set up; "" for the settings without a name.
	Company string `yaml:"company,omitempty"`
	// Template is the flow file to start from.
	Template string `yaml:"template,omitempty"`
	// Settings are environment variables that hold no secret.
	Settings map[string]string `yaml:"settings,omitempty"`
	// Codes are codes of Kingdee by what they are: organisation, bill_type, currency, unit,
	// tax_rate, or the form of other base data.
	Codes map[string]string `yaml:"codes,omitempty"`
	// Rows are rows of the tables, by table and code; "" leaves a code out.
	Rows map[string]map[string]string `yaml:"rows,omitempty"`
	// Overwrite: a flow or table that is there already is written anew.
	Overwrite *bool `yaml:"overwrite,omitempty"`
}

// ReadAnswers reads a file of answers; one that does not exist has none.
func ReadAnswers(path string) (a Answers, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return a, nil
	}
	if err == nil {
		err = yaml.UnmarshalWithOptions(data, &a, yaml.Strict())
	}
	if err != nil {
		return a, text.Errorf("can't read the answers in %s: %w", path, err)
	}
	return a, nil
}

// SetCode notes a code.
func (a *Answers) SetCode(name, code string) {
	if a.Codes == nil {
		a.Codes = map[string]string{}
	}
	a.Codes[name] = code
}

// SetRow notes a row of a table.
func (a *Answers) SetRow(table, code, value string) {
	if a.Rows == nil {
		a.Rows = map[string]map[string]string{}
	}
	if a.Rows[table] == nil {
		a.Rows[table] = map[string]string{}
	}
	a.Rows[table][code] = value
}

// Under gives these answers, and others where there is none.
func (a Answers) Under(others Answers) Answers {
	both := Answers{Settings: map[string]string{}}
	for _, from := range []Answers{others, a} {
		if from.Company != "" {
			both.Company = from.Company
		}
		if from.Template != "" {
			both.Template = from.Template
		}
		if from.Overwrite != nil {
			both.Overwrite = from.Overwrite
		}
		for name, value := range from.Settings {
			both.Settings[name] = value
		}
		for name, code := range from.Codes {
			both.SetCode(name, code)
		}
		for table, rows := range from.Rows {
			for code, value := range rows {
				both.SetRow(table, code, value)
			}
		}
	}
	return both
}

// Write keeps the answers, except for the settings, which the environment file has.
func (a Answers) Write(path string) error {
	a.Settings = nil
	data, err := yaml.Marshal(a)
	if err != nil {
		return err
	}
	head := text.Sprintf("# What starter setup was told. It asks only for what is not here; settings are in the environment file.")
	return os.WriteFile(path, append([]byte(head+"\n"), data...), 0o600)
}
