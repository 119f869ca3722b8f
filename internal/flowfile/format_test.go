package flowfile

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/catalog"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct{ name, given, want string }{
		{"four spaces", "a:\n    b:\n        c: 1\n    d: 2\n", "a:\n  b:\n    c: 1\n  d: 2\n"},
		{"a list in its key's column", "a:\n- b: 1\n  c: 2\n-   d: 3\n    e: 4\n# f\ng: 1\n", "a:\n  - b: 1\n    c: 2\n  - d: 3\n    e: 4\n# f\ng: 1\n"},
		{"a list in a list", "a:\n    -   - b\n        - c\n    -\n        d: 1\n", "a:\n  - - b\n    - c\n  -\n    d: 1\n"},
		{"keys in comments stay in their level", "a:\n    b: 1\n    # c: 2\n    # d:\n    #     e: 3\n# f:\n#   g: 4\n", "a:\n  b: 1\n  # c: 2\n  # d:\n  #     e: 3\n# f:\n#   g: 4\n"},
		{"a comment where nothing is", "a:\n    # b\n        # c\n", "a:\n  # b\n      # c\n"},
		{"blanks and empty lines", "\n\na: 1  \n\n\n \t\nb: 2 # c \n\n", "a: 1\n\nb: 2 # c\n"},
		{"no end of the last line", "a: 1", "a: 1\n"},
		{"endings of Windows", "a:\r\n    b: 1\r\n", "a:\r\n  b: 1\r\n"},
		{"a byte order mark", "\ufeffa: 1\n", "a: 1\n"},
		{"braces and aligned comments", "a: {b: 1,  c: 2}   # d\n", "a: {b: 1,  c: 2}   # d\n"},
		{"braces over several lines", "a:\n    b: {\n        c: 1, # d\n        # e\n        f: 2\n    }\n    # g\n", "a:\n  b: {\n      c: 1, # d\n      # e\n      f: 2\n  }\n  # g\n"},
		{"a text with |", "a:\n    b: |\n        c  \n          d\n\n\n        # e\n\n\n    # f\n    g: 1\n", "a:\n  b: |\n    c  \n      d\n\n\n    # e\n\n  # f\n  g: 1\n"},
		{"a text with > in a list", "a:\n- >-\n     b\n\n     c\n- d\n", "a:\n  - >-\n    b\n\n    c\n  - d\n"},
		{"a text over several lines", "a:\n    b: c\n      d\n\n\n      e\n    f: \"g\n\n      # h\n      i\"\n", "a:\n  b: c\n    d\n\n\n    e\n  f: \"g\n\n    # h\n    i\"\n"},
		{"a value below its key", "a:\n    b:\n          # c\n          d\n    'e f':\n        [1, 2]\n", "a:\n  b:\n    # c\n    d\n  'e f':\n    [1, 2]\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Format("a.yaml", []byte(c.given))
			require.NoError(t, err)
			require.Equal(t, c.want, string(got))
			twice, err := Format("a.yaml", got)
			require.NoError(t, err)
			require.Equal(t, c.want, string(twice))
		})
	}
}

func TestFormatRefuses(t *testing.T) {
	for _, c := range []struct{ name, given, want string }{
		{"no YAML", "a: [\n", "a.yaml:1:"},
		{"nothing", "# a\n", "The file is empty"},
		{"GBK", "a: \xd6\xd0\n", "not UTF-8"},
		{"a text that ends in a blank", "a: \"b\\ \n  c\"\n", "without changing what it means"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Format("a.yaml", []byte(c.given))
			require.ErrorContains(t, err, c.want)
		})
	}
}

// The built-in flow, which has a text over several lines and keys in comments at each level's
// end, comes back from any indentation.
func TestFormatRestoresIndentation(t *testing.T) {
	want, err := os.ReadFile(filepath.Join(shippedFlows[0], "refund_to_return.yaml"))
	require.NoError(t, err)
	var lines []string
	for line := range strings.Lines(string(want)) {
		content := strings.TrimLeft(line, " ")
		indent := strings.Repeat(" ", 2*(len(line)-len(content)))
		if item, ok := strings.CutPrefix(content, "- "); ok {
			content = "-   " + item
		}
		lines = append(lines, indent+content)
	}
	got, err := Format("a.yaml", []byte(strings.Join(lines, "")))
	require.NoError(t, err)
	require.Equal(t, string(want), string(got))
}

// What the program ships, and what it writes for people to fill in, is formatted.
func TestShippedFlowsAreFormatted(t *testing.T) {
	for _, folder := range shippedFlows {
		require.Empty(t, unformatted(t, folder))
	}
	for _, source := range catalog.Sources() {
		for _, form := range catalog.Forms() {
			folder := t.TempDir()
			_, err := Skeleton{Source: source, Target: form, Name: "new"}.Write(folder)
			require.NoError(t, err)
			require.Empty(t, unformatted(t, folder), "%s to %s", source, form)
		}
	}
}

// unformatted are the flow files of a folder that are not formatted.
func unformatted(t *testing.T, folder string) (found []string) {
	paths, err := Paths(folder, "")
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		differs, err := FormatFile(path, false)
		require.NoError(t, err)
		if differs {
			found = append(found, path)
		}
	}
	return found
}

func TestPaths(t *testing.T) {
	folder := t.TempDir()
	for name, content := range map[string]string{"1.yaml": "name: one\n", "2.yml": "name: two\n", "3.txt": "name: three\n"} {
		require.NoError(t, os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600))
	}
	one, two := filepath.Join(folder, "1.yaml"), filepath.Join(folder, "2.yml")
	for name, want := range map[string][]string{"": {one, two}, "two": {two}, "three": nil} {
		paths, err := Paths(folder, name)
		require.NoError(t, err)
		require.Equal(t, want, paths)
	}
}

// A file is replaced whole and keeps its mode; one behind a link stays there.
func TestFormatFile(t *testing.T) {
	folder := t.TempDir()
	path, link := filepath.Join(folder, "a.yaml"), filepath.Join(folder, "b.yaml")
	require.NoError(t, os.WriteFile(path, []byte("a:\n    b: 1\n"), 0o640))
	require.NoError(t, os.Symlink("a.yaml", link))
	for _, c := range []struct {
		write, differs bool
		want           string
	}{{false, true, "a:\n    b: 1\n"}, {true, true, "a:\n  b: 1\n"}, {true, false, "a:\n  b: 1\n"}} {
		differs, err := FormatFile(link, c.write)
		require.NoError(t, err)
		require.Equal(t, c.differs, differs)
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, c.want, string(content))
	}
	info, err := os.Lstat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o640), info.Mode())
	info, err = os.Lstat(link)
	require.NoError(t, err)
	require.Equal(t, os.ModeSymlink, info.Mode().Type())
	entries, err := os.ReadDir(folder)
	require.NoError(t, err)
	require.Len(t, entries, 2, "nothing else is left there")
}

// However a file is indented and commented, formatting keeps its values and comments, and a
// second time changes nothing. With one step for all levels, the result does not depend on
// which.
func TestFormatLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree := drawYAML(t, 3)
		var results []string
		for _, step := range []int{2, 3, 4, 8} {
			given := strings.Join(tree.write(0, step), "\n") + "\n"
			got, err := Format("a.yaml", []byte(given))
			if err != nil {
				t.Fatalf("%v\n%s", err, given)
			}
			if !sameContent(given, string(got)) {
				t.Fatalf("changed\n%s\n%s", given, got)
			}
			twice, err := Format("a.yaml", got)
			if err != nil || string(twice) != string(got) {
				t.Fatalf("%v: once\n%s\ntwice\n%s", err, got, twice)
			}
			results = append(results, string(got))
		}
		if len(slices.Compact(results)) > 1 {
			t.Fatalf("the step matters:\n%s", strings.Join(results, "\n"))
		}
	})
}

// The same with lines of comments and empty lines in any column.
func TestFormatKeepsAnyComments(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var lines []string
		step := rapid.IntRange(1, 5).Draw(t, "step")
		for _, line := range drawYAML(t, 3).write(0, step) {
			for range rapid.IntRange(0, 2).Draw(t, "comments") {
				lines = append(lines, rapid.SampledFrom([]string{"", "  ", "# a", " # b: 1", "  # - c", "    # d ", "      ## e"}).Draw(t, "comment"))
			}
			lines = append(lines, line)
		}
		given := strings.Join(lines, "\n")
		got, err := Format("a.yaml", []byte(given))
		if err != nil {
			t.Fatalf("%v\n%s", err, given)
		}
		twice, err := Format("a.yaml", got)
		if err != nil || string(twice) != string(got) {
			t.Fatalf("%v: once\n%s\ntwice\n%s", err, got, twice)
		}
	})
}

// yamlTree is a mapping, a list or a scalar.
type yamlTree struct {
	keys     []string // of a mapping
	children []yamlTree
	comments []string // before each child, in its level
	scalar   string
}

func drawYAML(t *rapid.T, depth int) yamlTree {
	tree := yamlTree{}
	list := depth < 3 && rapid.Bool().Draw(t, "list")
	for i := range rapid.IntRange(1, 3).Draw(t, "children") {
		child := yamlTree{scalar: rapid.SampledFrom([]string{"1", "a b", `"x # y"`, "{ a: 1 }", "[a,  b]", "2 # why", "it's", "null", "~", ""}).Draw(t, "scalar")}
		if depth > 0 && rapid.Bool().Draw(t, "deeper") {
			child = drawYAML(t, depth-1)
		}
		tree.children = append(tree.children, child)
		tree.comments = append(tree.comments, rapid.SampledFrom([]string{"", "", "# a", "# b: 1", "#   - c"}).Draw(t, "comment"))
		if !list {
			tree.keys = append(tree.keys, string(rune('a'+i)))
		}
	}
	return tree
}

// write writes a tree from a column on, with a step for each level.
func (y yamlTree) write(column, step int) (lines []string) {
	indent := strings.Repeat(" ", column)
	for i, child := range y.children {
		if y.comments[i] != "" {
			lines = append(lines, indent+y.comments[i])
		}
		begin := "-"
		if y.keys != nil {
			begin = y.keys[i] + ":"
		}
		if child.scalar != "" {
			lines = append(lines, indent+begin+" "+child.scalar)
			continue
		}
		lines = append(lines, indent+begin)
		lines = append(lines, child.write(column+step, step)...)
	}
	return lines
}
