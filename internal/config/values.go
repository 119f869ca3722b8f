package config

import (
	"slices"
	"strings"
)

// values are the unparsed settings by name. They are parsed after all are read, so that
// all problems can be reported at once.
type values map[string]string

// read reads the settings from the environment. A blank variable counts as not set:
// compose files and .env files pass those.
func (e Environment) read() (values, *checker) {
	env := values{}
	c := &checker{environment: e, defined: map[string]setting{}, unread: map[string]bool{}}
	c.problems = append(e.proxyProblems(), e.secretsProblems()...)
	for setting := range definitions() {
		name, value := setting.name, e[setting.name]
		c.defined[name] = setting
		if strings.TrimSpace(value) == "" {
			value = setting.defaultValue
		}
		env[name] = value
		if !setting.verbatim {
			c.clean(name, value)
		}
	}
	return env, c
}

// secretFiles reads the files of all secrets, or of the named ones.
func (c *checker) secretFiles(env values, names ...string) {
	for setting := range definitions() {
		name := setting.name
		if len(names) > 0 && !slices.Contains(names, name) {
			continue
		}
		if !setting.secret || strings.TrimSpace(c.environment[name+fileSuffix]) == "" {
			continue
		}
		secret, problem := c.environment.readSecret(name)
		if problem != nil {
			c.problems = append(c.problems, problem)
			c.unread[name] = true
		}
		env[name] = secret
		if !setting.verbatim {
			c.clean(name, secret)
		}
	}
}
