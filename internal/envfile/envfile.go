// Package envfile writes and reads the lines of an environment file that Docker Compose, systemd
// (EnvironmentFile=) and a POSIX shell (set -a; . FILE; set +a) read alike. The rules are
// in docs/configuration.md. Sources of the formats: compose-go's dotenv, systemd.exec(5),
// and POSIX, Shell Command Language, 2.2 Quoting.
package envfile

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"refundsync/internal/text"
)

var (
	nameForm = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	// bare are the values that need no quotes.
	bare = regexp.MustCompile(`^[A-Za-z0-9_./:@%+,=-]*$`)
	// escaper escapes what is special within double quotes. A backtick is too, but Compose
	// would keep the backslash before it.
	escaper   = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`)
	unescaper = strings.NewReplacer(`\\`, `\`, `\"`, `"`, `\$`, `$`)
)

// Line returns the line of a variable, with its newline. It returns an error, which does
// not quote the value, if the three would not read it alike.
func Line(name, value string) (string, error) {
	switch {
	case !nameForm.MatchString(name):
		return "", text.Errorf("%q is no name of an environment variable: use letters, digits and _", name)
	case !utf8.ValidString(value) || strings.ContainsFunc(value, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return "", text.Errorf("an environment file can't hold the value of %[1]s: it has a line break, a control character or an invisible one; put a secret into a file and name it in %[1]s_FILE", name)
	case bare.MatchString(value):
		return name + "=" + value + "\n", nil
	// Compose takes \' for a quote.
	case !strings.Contains(value, "'") && !strings.HasSuffix(value, `\`):
		return name + "='" + value + "'\n", nil
	case !strings.Contains(value, "`"):
		return name + `="` + escaper.Replace(value) + "\"\n", nil
	}
	return "", text.Errorf("an environment file can't hold the value of %[1]s: it has a backtick beside a ' or before a \\ at its end; put a secret into a file and name it in %[1]s_FILE", name)
}

// Read gives the variables of a file with lines as [Line] writes them, blank lines and
// comments. Any other line is an error, which names the line and quotes nothing.
func Read(file string) (map[string]string, error) {
	variables := map[string]string{}
	for i, line := range strings.Split(file, "\n") {
		line = strings.TrimSuffix(line, "\r")
		if trimmed := strings.TrimSpace(line); trimmed == "" || trimmed[0] == '#' {
			continue
		}
		name, value, ok := readLine(line)
		if !ok {
			return nil, text.Errorf("line %d of the environment file can't be read; expected NAME=VALUE, with a value of special characters in quotes", i+1)
		}
		variables[name] = value
	}
	return variables, nil
}

// readLine reverses Line.
func readLine(line string) (name, value string, ok bool) {
	name, written, found := strings.Cut(strings.TrimRight(line, " "), "=")
	switch last := len(written) - 1; {
	case !found || !nameForm.MatchString(name):
		return "", "", false
	case bare.MatchString(written):
		return name, written, true
	case last > 0 && written[0] == '\'' && written[last] == '\'':
		value = written[1:last]
		return name, value, !strings.Contains(value, "'") && !strings.HasSuffix(value, `\`)
	case last > 0 && written[0] == '"' && written[last] == '"':
		value = unescaper.Replace(written[1:last])
		return name, value, escaper.Replace(value) == written[1:last] && !strings.Contains(value, "`")
	}
	return "", "", false
}

// Set gives a file in which variables have other values. Lines of other variables and
// comments stay as they are; a variable without a line gets one at the end.
func Set(file string, names []string, value func(name string) string) (string, error) {
	if file != "" && !strings.HasSuffix(file, "\n") {
		file += "\n"
	}
	for _, name := range names {
		line, err := Line(name, value(name))
		if err != nil {
			return "", err
		}
		at := regexp.MustCompile(`(?m)^` + name + `=.*\n`)
		if place := at.FindStringIndex(file); place != nil {
			file = file[:place[0]] + line + file[place[1]:]
		} else {
			file += line
		}
	}
	return file, nil
}
