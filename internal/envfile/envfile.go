// Package envfile writes the lines of an environment file that Docker Compose, systemd
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
	escaper = strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`)
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
