package config

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"refundsync/internal/catalog"
	"refundsync/internal/text"
)

// Environment holds the values of environment variables by name. It contains secrets:
// never print it.
type Environment map[string]string

// secretsName is the variable of a folder with a file for each secret, named like its
// variable, which is how Kubernetes mounts a Secret.
const secretsName = "REFUNDSYNC_SECRETS"

// FromProcess gives the environment of this process. For each file in the folder
// REFUNDSYNC_SECRETS it adds the variable NAME_FILE.
func FromProcess() Environment {
	environment := Environment{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		environment[name] = value
	}
	return environment.withSecrets()
}

// companyKey keeps the company of an environment; no variable can have this name.
const companyKey = "=company"

// Company is the company whose settings the environment holds; "" for those without a name.
func (e Environment) Company() string { return e[companyKey] }

// Only is the company that a process is about, by its setting; "" for all.
func (e Environment) Only() string { return strings.TrimSpace(e["REFUNDSYNC_COMPANY"]) }

// Of gives the environment of a company, in which its settings have the names of those
// without a company: JUSHUITAN_<NAME>_URL is JUSHUITAN_URL there. It has no other company's
// setting of Jushuitan or Kingdee, and a task queue of its own. Problems name the variables
// as they are set.
func (e Environment) Of(company string) Environment {
	if company == "" {
		return e
	}
	of := Environment{companyKey: company}
	for name, value := range e {
		if own, ok := of.ownName(name); ok {
			of[own] = value
		} else if !isSystem(name) {
			of[name] = value
		}
	}
	return of
}

// HasCompanies reports whether a setting of a company with a name is set.
func (e Environment) HasCompanies() bool {
	own := Environment{}.SystemNames()
	for name, value := range e {
		if !isSystem(name) || strings.TrimSpace(value) == "" || slices.Contains(own, name) {
			continue
		}
		for _, setting := range own {
			system, rest, _ := strings.Cut(setting, "_")
			company, ok := strings.CutSuffix(strings.TrimPrefix(name, system+"_"), "_"+rest)
			if ok && strings.HasPrefix(name, system+"_") && company != "" {
				return true
			}
		}
	}
	return false
}

// Reserved reports whether no company can have a name, because one of its settings or task
// queues would have the name of another.
func Reserved(company string) bool {
	names := map[string]bool{}
	for s := range definitions() {
		names[s.name] = true
	}
	for name := range names {
		if isSystem(name) && names[Environment{companyKey: company}.SetName(name)] {
			return true
		}
	}
	return slices.Contains(catalog.Transports(), company)
}

// SetName is the variable that sets a setting for the environment's company.
func (e Environment) SetName(name string) string {
	company := e.Company()
	if system, setting, _ := strings.Cut(name, "_"); company != "" && isSystem(name) {
		return system + "_" + strings.ToUpper(company) + "_" + setting
	}
	return name
}

// settingName matches the names of settings that a company has of its own.
var settingName = regexp.MustCompile(`\b(?:JUSHUITAN|KINGDEE)_[A-Z_]*[A-Z]\b`)

// inWords gives a text with the names that set settings for the environment's company.
func (e Environment) inWords(t text.Text) text.Text {
	if e.Company() == "" || t.IsZero() {
		return t
	}
	return text.Literal(settingName.ReplaceAllStringFunc(t.String(), e.SetName))
}

// ownName undoes SetName; false for a variable that is not of the environment's company.
func (e Environment) ownName(name string) (string, bool) {
	system, setting, _ := strings.Cut(name, "_")
	setting, ok := strings.CutPrefix(setting, strings.ToUpper(e.Company())+"_")
	return system + "_" + setting, ok && isSystem(name)
}

var variableName = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// withSecrets adds the variables of the files in the folder of secrets, except empty
// files, which count as not set. [Environment.secretsProblems] reports a folder that
// can't be read.
func (e Environment) withSecrets() Environment {
	files, _ := e.secretFiles()
	for _, path := range files {
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || info.Size() == 0 {
			continue
		}
		if name := filepath.Base(path) + fileSuffix; strings.TrimSpace(e[name]) == "" {
			e[name] = path
		}
	}
	return e
}

func (e Environment) secretFiles() (paths []string, err error) {
	folder := e[secretsName]
	if strings.TrimSpace(folder) == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(folder)
	for _, entry := range entries {
		if variableName.MatchString(entry.Name()) {
			paths = append(paths, filepath.Join(folder, entry.Name()))
		}
	}
	return paths, err
}

func (e Environment) secretsProblems() []error {
	_, err := e.secretFiles()
	if err == nil {
		return nil
	}
	return []error{&Problem{
		Name:     secretsName,
		Wrong:    text.New("can't read the folder (%s)", withoutPath(err)),
		Expected: text.New("a folder with a file for each secret"),
		Example:  "/run/secrets",
	}}
}
