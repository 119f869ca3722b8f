package config

import (
	"os"
	"strings"
)

// Environment holds settings as text, by the names of their variables.
// Secrets are among them: it is not to be printed.
type Environment map[string]string

// FromProcess is the environment of this process.
func FromProcess() Environment {
	environment := Environment{}
	for _, variable := range os.Environ() {
		name, value, _ := strings.Cut(variable, "=")
		environment[name] = value
	}
	return environment
}
