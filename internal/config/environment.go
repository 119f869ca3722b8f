package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"

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
