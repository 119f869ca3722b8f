package fault

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestReasonText(t *testing.T) {
	for reason, want := range map[string]string{
		"unknown_material":          "Kingdee does not know the material (unknown_material)",
		"unknown_code customers 新店": "a table has no row for the code (unknown_code customers 新店)",
		"仅退款":                       "仅退款",
		"repair":                    "repair", // of a flow file
		"":                          "",
	} {
		require.Equal(t, want, ReasonText(reason).String())
	}
}

// Every reason that the documents name, or that the code gives, has words.
func TestEveryReasonHasWords(t *testing.T) {
	page, err := os.ReadFile("../../docs/results.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "### Reasons\n")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n#")
	given := map[string]bool{}
	for _, line := range strings.Split(section, "\n") {
		if first, _, table := strings.Cut(strings.TrimPrefix(line, "| "), " | "); strings.HasPrefix(line, "| ") && table {
			line = first
		}
		for _, match := range regexp.MustCompile("`([a-z]+(?:_[a-z]+)+|timeout|connection|unreachable|unclear)[` ]").FindAllStringSubmatch(line, -1) {
			given[match[1]] = true
		}
	}
	require.Greater(t, len(given), 30)
	inCode := 0
	for _, folder := range []string{"..", "../../activities", "../../workflows"} {
		require.NoError(t, filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil {
				return err
			}
			if entry.IsDir() && (entry.Name() == "simulator" || entry.Name() == "testdata" || entry.Name() == "testkit") {
				return fs.SkipDir
			}
			if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				for _, reason := range reasonsGiven(t, path) {
					given[reason], inCode = true, inCode+1
				}
			}
			return nil
		}))
	}
	require.Greater(t, inCode, 80)
	var wordless []string
	for reason := range given {
		if _, ok := reasons[reason]; !ok {
			wordless = append(wordless, reason)
		}
	}
	require.Empty(t, wordless)
}

// reasonsGiven are the reasons that a file gives: strings for a field Reason, beside a class, as
// the first argument of final, and constants whose names say so.
func reasonsGiven(t *testing.T, path string) (given []string) {
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
	require.NoError(t, err)
	add := func(of ast.Expr) {
		if literal, ok := of.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			reason, err := strconv.Unquote(literal.Value)
			require.NoError(t, err)
			if reason != "" && reason != "robot_" {
				given = append(given, reason)
			}
		}
	}
	afterClass := func(list []ast.Expr) {
		for i := 1; i < len(list); i++ {
			if class, ok := list[i-1].(*ast.SelectorExpr); ok {
				if of, ok := class.X.(*ast.Ident); ok && of.Name == "fault" {
					add(list[i])
				}
			}
		}
	}
	ast.Inspect(file, func(node ast.Node) bool {
		switch node := node.(type) {
		case *ast.KeyValueExpr:
			if key, ok := node.Key.(*ast.Ident); ok && key.Name == "Reason" {
				add(node.Value)
			}
		case *ast.CompositeLit:
			afterClass(node.Elts)
		case *ast.CallExpr:
			afterClass(node.Args)
			if called, ok := node.Fun.(*ast.Ident); ok && called.Name == "final" && len(node.Args) > 0 {
				add(node.Args[0])
			}
		case *ast.ValueSpec:
			for i, name := range node.Names {
				if (strings.HasPrefix(name.Name, "Reason") || strings.HasPrefix(name.Name, "reason")) && i < len(node.Values) && name.Name != "ReasonLabel" {
					add(node.Values[i])
				}
			}
		}
		return true
	})
	return given
}
