package envfile

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/dotenv"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/testkit"
)

func TestLine(t *testing.T) {
	for value, want := range map[string]string{
		"":                          "",
		"10.0.0.5:7233":             "10.0.0.5:7233",
		"2024-06:MDEyMw==,none":     "2024-06:MDEyMw==,none",
		"https://a.b/send?key=1&x":  `'https://a.b/send?key=1&x'`,
		"a b":                       `'a b'`,
		" a ":                       `' a '`,
		`a"b`:                       `'a"b'`,
		"#a":                        `'#a'`,
		"$HOME ${HOME} $$ $(ls)":    `'$HOME ${HOME} $$ $(ls)'`,
		"`ls`":                      "'`ls`'",
		`C:\new`:                    `'C:\new'`,
		"~/a":                       `'~/a'`,
		"集成用户":                      "'集成用户'",
		"全角　空格　":                    "'全角　空格　'",
		"it's":                      `"it's"`,
		`it's "$5" \ \n \$ ${HOME}`: `"it's \"\$5\" \\ \\n \\\$ \${HOME}"`,
		`ends in \`:                 `"ends in \\"`,
		`\\`:                        `"\\\\"`,
		"'":                         `"'"`,
	} {
		line, err := Line("NAME", value)
		require.NoError(t, err, value)
		require.Equal(t, "NAME="+want+"\n", line)
	}
}

func TestLineRefusesWhatIsReadDifferently(t *testing.T) {
	for what, value := range map[string]string{
		"line break":                 "secret\nvalue",
		"carriage return":            "secret\r",
		"tab":                        "secret\tvalue",
		"NUL":                        "secret\x00",
		"byte order mark":            "\uFEFFsecret",
		"no UTF-8":                   "secret\xff",
		"backtick and quote":         "secret`'",
		"backtick and \\ at the end": "secret`\\",
	} {
		t.Run(what, func(t *testing.T) {
			_, err := Line("KINGDEE_PASSWORD", value)
			require.ErrorContains(t, err, "KINGDEE_PASSWORD_FILE")
			require.NotContains(t, err.Error(), "secret`")
			require.NotContains(t, err.Error(), value)
		})
	}
	for _, name := range []string{"", "1A", "A-B", "A B", "A=B", "变量"} {
		_, err := Line(name, "")
		require.Error(t, err, name)
	}
}

// Any value is either refused or read alike by all three.
func TestLineIsReadAlike(t *testing.T) {
	testkit.SkipIfShort(t) // it starts shells
	t.Setenv("B", "from outside")
	characters := rapid.SampledFrom([]rune("aB1 \t\n'\"`\\$#{}()~;&|<>*?!=:%@,.-_\u3000中é"))
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]string{}
		var file strings.Builder
		for i, value := range rapid.SliceOfN(rapid.StringOf(characters), 1, 50).Draw(t, "values") {
			name := fmt.Sprintf("B%d", i)
			if line, err := Line(name, value); err == nil {
				want[name] = value
				file.WriteString(line)
			}
		}
		requireReadAlike(t, file.String(), want)
	})
}

// A copy of .env.example works in all three, as it is, with all settings in use, and with
// those of a company.
func TestExampleIsReadAlike(t *testing.T) {
	testkit.SkipIfShort(t) // it starts shells
	text, err := os.ReadFile(filepath.Join("..", "..", ".env.example"))
	require.NoError(t, err)
	all := regexp.MustCompile(`(?m)^#([A-Z])`).ReplaceAll(text, []byte("$1"))
	company := regexp.MustCompile(`(?m)^(JUSHUITAN|KINGDEE)_`).ReplaceAll(all, []byte("${1}_NORTH_"))
	for _, text := range [][]byte{text, all, company} {
		want := map[string]string{}
		for line := range strings.Lines(string(text)) {
			if line == "\n" || strings.HasPrefix(line, "#") {
				continue
			}
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			written, err := Line(name, strings.Trim(value, "'"))
			require.NoError(t, err)
			require.Equal(t, line, written)
			want[name] = strings.Trim(value, "'")
		}
		require.Greater(t, len(want), 10)
		requireReadAlike(t, string(text), want)
	}
}

func requireReadAlike(t require.TestingT, file string, want map[string]string) {
	compose, err := dotenv.Parse(strings.NewReader(file))
	require.NoError(t, err, file)
	require.Equal(t, want, compose, "Compose: %s", file)
	require.Equal(t, want, bySystemd(file), "systemd: %s", file)
	shell, err := byShell(file, slices.Sorted(maps.Keys(want)))
	require.NoError(t, err, file)
	require.Equal(t, want, shell, "shell: %s", file)
}

// byShell has a shell load a file as docs/configuration.md says, and reads the
// variables from a child of it.
func byShell(file string, names []string) (map[string]string, error) {
	folder, err := os.MkdirTemp("", "")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if err := os.WriteFile(filepath.Join(folder, ".env"), []byte(file), 0o600); err != nil {
		return nil, err
	}
	var show strings.Builder
	for _, name := range names {
		fmt.Fprintf(&show, "printf '%%s\\0' \"$%s\"\n", name)
	}
	cmd := exec.Command("sh", "-euc", `set -a; . ./.env; set +a; exec sh -euc "$0"`, show.String())
	cmd.Dir = folder
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	values := bytes.Split(out, []byte{0})
	variables := map[string]string{}
	for i, name := range names {
		variables[name] = string(values[i])
	}
	return variables, nil
}

// bySystemd reads a file by the rules of parse_env_file_internal in systemd's
// src/basic/env-file.c, without its continued lines: each line here is whole.
func bySystemd(file string) map[string]string {
	variables := map[string]string{}
	for line := range strings.Lines(file) {
		line = strings.Trim(line, " \t\r\n")
		name, rest, assigned := strings.Cut(line, "=")
		if !assigned || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
			continue
		}
		var value strings.Builder
		state := ' ' // before a value, or the quote that it is in, or 'v' in a bare one
		runes := []rune(rest)
		for i := 0; i < len(runes); i++ {
			switch r := runes[i]; {
			case state == ' ' && (r == '\'' || r == '"'), state == ' ' && strings.ContainsRune(" \t\r", r):
				if r == '\'' || r == '"' {
					state = r
				}
			case state == '\'' && r == '\'', state == '"' && r == '"':
				state = ' '
			case r == '\\' && state == '"' && i+1 < len(runes) && !strings.ContainsRune("\"\\`$", runes[i+1]):
				value.WriteRune(r)
			case r == '\\' && state != '\'':
				if i++; i < len(runes) {
					value.WriteRune(runes[i])
				}
				if state == ' ' {
					state = 'v'
				}
			default:
				if state == ' ' {
					state = 'v'
				}
				value.WriteRune(r)
			}
		}
		variables[strings.TrimSpace(name)] = value.String()
	}
	return variables
}

// What is written is read back, and setting variables keeps the others.
func TestReadIsTheReverseOfLine(t *testing.T) {
	characters := rapid.SampledFrom([]rune("aB1 '\"`\\$#{}()~;&|<>*?!=:%@,.-_\u3000中é"))
	rapid.Check(t, func(t *rapid.T) {
		file, want := "# a comment\n\n", map[string]string{}
		var names []string
		for i, value := range rapid.SliceOfN(rapid.StringOf(characters), 1, 9).Draw(t, "values") {
			name := fmt.Sprintf("V%d", i)
			if _, err := Line(name, value); err == nil {
				names, want[name] = append(names, name), value
			}
		}
		value := func(name string) string { return want[name] }
		file, err := Set(file, names, value)
		require.NoError(t, err)
		got, err := Read(file)
		require.NoError(t, err)
		require.Equal(t, want, got)

		changed, err := Set(file+"OTHER=1", names[:len(names)/2], func(string) string { return "new" })
		require.NoError(t, err)
		for _, name := range names[:len(names)/2] {
			want[name] = "new"
		}
		want["OTHER"] = "1"
		got, err = Read(changed)
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, len(want)+2, strings.Count(changed, "\n"))
	})
}

func TestReadRefusesWhatMayBeReadDifferently(t *testing.T) {
	for _, line := range []string{"NAME", "export NAME=x", "NAME=a b", `NAME="$HOME"`, "NAME=x # secret", "NAME='it's'", `NAME="a`, "N-A=1"} {
		_, err := Read("A=1\n" + line + "\n")
		require.ErrorContains(t, err, "line 2", line)
		require.NotContains(t, err.Error(), "secret")
	}
}
