package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"refundsync/internal/text"
)

// Environment holds settings as text, by the names of their variables.
// Secrets are among them: it is not to be printed.
type Environment map[string]string

// secretsName is the variable of a folder with secrets in files, each named as the
// variable that it stands for: so does a Secret of Kubernetes look where it is mounted.
const secretsName = "REFUNDSYNC_SECRETS"

// FromProcess is the environment of this process, with the files of the folder that
// REFUNDSYNC_SECRETS names as if each were named by its variable with _FILE.
func FromProcess() Environment {
	environment := Environment{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		environment[name] = value
	}
	return environment.withSecrets()
}

var variableName = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// withSecrets leaves what can't be listed to [Environment.secretsProblems]. An empty
// file is a secret that is not set.
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
		Wrong:    text.New("The folder can't be read (%s)", withoutPath(err)),
		Expected: text.New("a folder with files of secrets"),
		Example:  "/run/secrets",
	}}
}
