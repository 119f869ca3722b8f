// Package docs tests that the documents are true to the code.
package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	testNamed   = regexp.MustCompile("`(Test[A-Z]\\w+)`")
	testDefined = regexp.MustCompile(`(?m)^func (Test\w+)\(`)
	whyNone     = regexp.MustCompile(`^ no test( here)?: \w`)
)

// testsOfTheProject are the names of all tests.
func testsOfTheProject(t *testing.T) map[string]bool {
	t.Helper()
	tests := map[string]bool{}
	require.NoError(t, filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		for _, match := range testDefined.FindAllStringSubmatch(string(source), -1) {
			tests[match[1]] = true
		}
		return err
	}))
	return tests
}

// Every test that a document names is there.
func TestNamedTestsExist(t *testing.T) {
	tests := testsOfTheProject(t)
	require.Greater(t, len(tests), 100)
	for _, name := range documents(t) {
		document, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, match := range testNamed.FindAllStringSubmatch(string(document), -1) {
			assert.True(t, tests[match[1]], "%s: there is no %s", name, match[1])
		}
	}
}

// Each claim of a table that says by which tests it is shown names one, or says why
// none.
func TestClaimsAreTested(t *testing.T) {
	for name, least := range map[string]int{"security.md": 50, "operations.md": 10} {
		t.Run(name, func(t *testing.T) {
			document, err := os.ReadFile(name)
			require.NoError(t, err)
			claims, inClaims := 0, false
			for line := range strings.Lines(string(document)) {
				line = strings.TrimSpace(line)
				switch {
				case !strings.HasPrefix(line, "|"):
					inClaims = false
				case strings.HasSuffix(line, "| Shown by |"):
					inClaims = true
				case inClaims && !strings.HasPrefix(line, "|---"):
					claims++
					cells := strings.Split(strings.Trim(line, "|"), "|")
					shownBy := cells[len(cells)-1]
					assert.True(t, testNamed.MatchString(shownBy) || whyNone.MatchString(shownBy), line)
				}
			}
			require.GreaterOrEqual(t, claims, least)
		})
	}
}
