package docs

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var (
	link    = regexp.MustCompile(`\]\(([^()\s]+)\)`)
	heading = regexp.MustCompile(`^#{1,6} +(.+)`)
	inCode  = regexp.MustCompile("`[^`]*`")
)

// documents are all of them.
func documents(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "decisions/*.md", "../*.md"} {
		names, err := filepath.Glob(pattern)
		require.NoError(t, err)
		all = append(all, names...)
	}
	return all
}

// prose is the lines of a document without those of its code blocks.
func prose(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var lines []string
	fenced := false
	for line := range strings.Lines(string(content)) {
		switch {
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			fenced = !fenced
		case !fenced:
			lines = append(lines, strings.TrimRight(line, "\r\n"))
		}
	}
	return lines
}

// anchor is the one that GitHub gives a heading.
func anchor(heading string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == ' ':
			return '-'
		case r == '-' || r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r):
			return unicode.ToLower(r)
		}
		return -1
	}, heading)
}

// anchors are those of a document's headings; one that comes again is numbered.
func anchors(t *testing.T, path string) map[string]bool {
	t.Helper()
	found, times := map[string]bool{}, map[string]int{}
	for _, line := range prose(t, path) {
		if match := heading.FindStringSubmatch(line); match != nil {
			name := anchor(match[1])
			if times[name]++; times[name] > 1 {
				name = fmt.Sprintf("%s-%d", name, times[name]-1)
			}
			found[name] = true
		}
	}
	return found
}

func TestAnchor(t *testing.T) {
	for text, want := range map[string]string{
		"On PostgreSQL":                          "on-postgresql",
		"`worker --version`, and so on":          "worker---version-and-so-on",
		"每单一个活动，或若干页一个":                          "每单一个活动或若干页一个",
		"An activity an order, or one for pages": "an-activity-an-order-or-one-for-pages",
	} {
		require.Equal(t, want, anchor(text))
	}
}

// Each file and each heading that a document links to is there.
func TestLinksLeadSomewhere(t *testing.T) {
	links := 0
	for _, document := range documents(t) {
		for _, line := range prose(t, document) {
			for _, match := range link.FindAllStringSubmatch(inCode.ReplaceAllString(line, ""), -1) {
				if strings.Contains(match[1], "://") {
					continue
				}
				links++
				name, fragment, _ := strings.Cut(match[1], "#")
				target := document
				if name != "" {
					target = filepath.Join(filepath.Dir(document), filepath.FromSlash(name))
				}
				if _, err := os.Stat(target); !assert.NoError(t, err, "%s: %s", document, match[1]) || fragment == "" {
					continue
				}
				assert.True(t, anchors(t, target)[fragment], "%s: there is no heading %s", document, match[1])
			}
		}
	}
	require.Greater(t, links, 50)
}

// A document and its translation have as many sections, items, rows of tables, blocks
// of code and pictures, each in the same place.
func TestTranslationsHaveTheSameParts(t *testing.T) {
	translations := 0
	for _, translation := range documents(t) {
		original, translated := strings.CutSuffix(translation, ".zh-CN.md")
		if !translated {
			continue
		}
		translations++
		t.Run(original, func(t *testing.T) {
			require.Equal(t, parts(t, original+".md"), parts(t, translation))
		})
	}
	require.GreaterOrEqual(t, translations, 5)
}

// parts are what a document has apart from its words, in their order.
func parts(t *testing.T, path string) []string {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	var all []string
	code := false
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSpace(line)
		level := len(line) - len(strings.TrimLeft(line, "#"))
		switch {
		case strings.HasPrefix(line, "```"):
			code = !code
			all = append(all, "code "+line)
		case code:
		case level > 0:
			all = append(all, line[:level])
		case strings.HasPrefix(line, "|"):
			all = append(all, fmt.Sprintf("row of %d cells", strings.Count(line, "|")-1))
		case strings.HasPrefix(line, "- "):
			all = append(all, "item")
		case strings.HasPrefix(line, "!["):
			// A picture with text may have a translation, too.
			all = append(all, "picture "+strings.Replace(link.FindStringSubmatch(line)[1], ".zh-CN.", ".", 1))
		}
	}
	return all
}
