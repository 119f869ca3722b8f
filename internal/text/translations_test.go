package text

import (
	"bytes"
	"flag"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the files of translations anew")

// said is a text of the code.
type said struct {
	places []string // the files that say it
}

// formatAt is which argument of a function of this package is the format.
var formatAt = map[string]int{"New": 0, "Sprintf": 0, "Errorf": 0, "Fprintf": 1}

// textsOf reads the texts of the code, by room.
func textsOf(t *testing.T) map[string]map[string]*said {
	t.Helper()
	root := filepath.Join("..", "..")
	rooms := map[string]map[string]*said{}
	require.NoError(t, filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && (name == "testdata" || name == "tools" || strings.HasPrefix(name, ".") && name != "..") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		within, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		within = filepath.ToSlash(within)
		room := roomOf(within)
		if rooms[room] == nil {
			rooms[room] = map[string]*said{}
		}
		readTexts(t, path, within, rooms[room])
		return nil
	}))
	return rooms
}

// roomOf names the file of translations that a file of the code has its texts in.
func roomOf(path string) string {
	parts := strings.Split(path, "/")
	if parts[0] == "internal" {
		parts = parts[1:]
	}
	return parts[0]
}

func readTexts(t *testing.T, path, within string, texts map[string]*said) {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	own := file.Name.Name == "text"
	if !own && !slices.ContainsFunc(file.Imports, func(i *ast.ImportSpec) bool { return i.Path.Value == `"refundsync/internal/text"` }) {
		return
	}
	for _, declaration := range file.Decls {
		_, function := declaration.(*ast.FuncDecl)
		ast.Inspect(declaration, func(node ast.Node) bool {
			if _, ok := node.(*ast.FuncLit); ok {
				function = true
			}
			call, ok := node.(*ast.CallExpr)
			if !ok {
				return true
			}
			called := ""
			switch fun := call.Fun.(type) {
			case *ast.SelectorExpr:
				if of, ok := fun.X.(*ast.Ident); ok && of.Name == "text" {
					called = fun.Sel.Name
				}
			case *ast.Ident:
				if own {
					called = fun.Name
				}
			}
			at, ok := formatAt[called]
			if !ok {
				return true
			}
			place := fmt.Sprintf("%s:%d", within, files.Position(call.Pos()).Line)
			require.True(t, function || called == "New" || called == "Errorf", "%s is shown before the language is known: use text.New", place)
			if own && call.Ellipsis.IsValid() {
				return true // it hands on what it was given
			}
			format := stringOf(call.Args[at])
			require.NotNil(t, format, "%s: the format is no string constant, so it can't be translated", place)
			english := constant.StringVal(format)
			if !regexp.MustCompile(`\pL`).MatchString(verb.ReplaceAllString(english, "")) {
				return true // there is nothing to translate
			}
			require.False(t, chinese(english), "%s: the code holds English: %q", place, english)
			if !call.Ellipsis.IsValid() {
				require.True(t, fits(english, len(call.Args)-at-1), "%s: %q has other arguments", place, english)
			}
			if texts[english] == nil {
				texts[english] = &said{}
			}
			if !slices.Contains(texts[english].places, within) {
				texts[english].places = append(texts[english].places, within)
			}
			return true
		})
	}
}

// chinese reports whether a text is in Chinese, wholly or half. Names that the screens of
// Jushuitan and Kingdee have stand in English texts as well: “数据规则”.
func chinese(text string) bool {
	return regexp.MustCompile(`[，。；：！？]`).MatchString(text) ||
		regexp.MustCompile(`\p{Han}`).MatchString(regexp.MustCompile(`“[^”]*”|\([^)]*\)|（[^）]*）`).ReplaceAllString(text, ""))
}

// stringOf is the value of a string constant that is written out, nil for anything else.
func stringOf(e ast.Expr) constant.Value {
	switch e := e.(type) {
	case *ast.BasicLit:
		if e.Kind == token.STRING {
			return constant.MakeFromLiteral(e.Value, e.Kind, 0)
		}
	case *ast.ParenExpr:
		return stringOf(e.X)
	case *ast.BinaryExpr:
		if a, b := stringOf(e.X), stringOf(e.Y); a != nil && b != nil {
			return constant.BinaryOp(a, token.ADD, b)
		}
	}
	return nil
}

// fileOf is a room's file of translations.
func fileOf(texts map[string]*said, translated map[string]string) []byte {
	var b bytes.Buffer
	b.WriteString("msgid \"\"\nmsgstr \"\"\n\"Language: zh_CN\\n\"\n\"MIME-Version: 1.0\\n\"\n\"Content-Type: text/plain; charset=UTF-8\\n\"\n\"Content-Transfer-Encoding: 8bit\\n\"\n")
	for _, english := range slices.SortedFunc(maps.Keys(texts), func(a, b string) int {
		return strings.Compare(texts[a].places[0]+"\x00"+a, texts[b].places[0]+"\x00"+b)
	}) {
		fmt.Fprintf(&b, "\n#: %s\n#, c-format\nmsgid %s\nmsgstr %s\n", strings.Join(texts[english].places, " "), inFile(english), inFile(translated[english]))
	}
	return b.Bytes()
}

// inFile quotes a text as gettext does, a line of it on each line of the file.
func inFile(text string) string {
	quote := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`).Replace
	lines := strings.SplitAfter(text, "\n")
	if lines[len(lines)-1] == "" && len(lines) > 1 {
		lines = lines[:len(lines)-1]
	}
	if len(lines) == 1 {
		return `"` + quote(text) + `"`
	}
	b := `""`
	for _, line := range lines {
		b += "\n\"" + quote(line) + `"`
	}
	return b
}

func TestTranslationsAreThoseOfTheCode(t *testing.T) {
	rooms := textsOf(t)
	all := map[string]string{}
	written, err := filepath.Glob("zh_CN/*.po")
	require.NoError(t, err)
	for _, name := range written {
		content, err := os.ReadFile(name)
		require.NoError(t, err)
		for english, chinese := range readFile(content) {
			if chinese != "" && all[english] != "" {
				require.Equal(t, all[english], chinese, "two translations of %q", english)
			}
			if chinese != "" {
				all[english] = chinese
			}
		}
	}
	for room, texts := range rooms {
		name := "zh_CN/" + room + ".po"
		want := fileOf(texts, all)
		if len(texts) == 0 {
			continue
		}
		written = slices.DeleteFunc(written, func(n string) bool { return filepath.ToSlash(n) == name })
		if *update {
			require.NoError(t, os.WriteFile(name, want, 0o644))
		}
		got, err := os.ReadFile(name)
		require.NoError(t, err, "run: go test ./internal/text -update")
		require.Equal(t, string(want), string(got), "run: go test ./internal/text -update")
	}
	for _, name := range written {
		if *update {
			require.NoError(t, os.Remove(name))
		} else {
			t.Errorf("%s: nobody says these texts any more; run: go test ./internal/text -update", name)
		}
	}
	for _, texts := range rooms {
		for english, text := range texts {
			if all[english] == "" {
				t.Errorf("no translation, from %s: %s", text.places[0], strconv.Quote(english))
				continue
			}
			if !maps.Equal(arguments(english), arguments(all[english])) {
				t.Errorf("the translation has other arguments, from %s:\n%q\n%q", text.places[0], english, all[english])
			}
		}
	}
}
