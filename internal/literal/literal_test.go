package literal

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"unicode"

	"github.com/stretchr/testify/require"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extensionast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"
	"pgregory.net/rapid"
)

// odd draws texts with many characters that media obey.
func odd() *rapid.Generator[string] {
	pieces := []string{"\x1b[31m", "\x9b", "\u009b2J", "\r", "\n", "\r\n", "\t", "\u202e", "\u2066", "\u2028", "\xe6\xac", "退", " ", "  ",
		"=", "＝", "+", "-", "@", "|", `\`, "`", "*", "**", "_", "[", "](", ")", "<", ">", "~~", "&amp;", "#", "!", "1.", "www.", "https://", "mailto:", "a", "x.cn", "\ufeff", "'", `"`, ",", "---", "```", "<img src=x>", "[x](https://x.cn)", "a@b.cn"}
	return rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOfN(rapid.SampledFrom(pieces), 0, 12), func(parts []string) string { return strings.Join(parts, "") }))
}

func TestTerminal(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"colours and titles", "退\x1b]0;title\x07\x1b[2J", "退□]0;title□□[2J"},
		{"C1 controls", "\u009b31m", "□31m"},
		{"the same as a byte", "\x9b31m", "□31m"},
		{"a carriage return, which would overwrite the line", "a\rb", "a□b"},
		{"lines and columns", "a\tb\r\nc\n", "a\tb\r\nc\n"},
		{"bidirectional controls", "a\u202eb\u2066c\u200ed", "a□b□c□d"},
		{"half a character", "\xe6\xac", "□□"},
		{"tag characters", "a\U000E0041", "a□"},
		{"emoji and replacement characters", "👩‍🚀 \ufffd", "👩‍🚀 \ufffd"},
	} {
		require.Equal(t, c.want, Terminal(c.text), c.name)
	}
	require.Equal(t, "a b\nc□d", Cell("a\tb\r\nc\x1bd"))
	require.Equal(t, "a b c□d", Line("a\r\nb\tc\x1bd"))
}

func checkTerminal(t require.TestingT, given string, cut int) {
	shown := Terminal(given)
	for _, r := range strings.ReplaceAll(shown, "\r\n", "") {
		require.False(t, r != '\n' && r != '\t' && obeyed(r), "%q", shown)
	}
	require.Equal(t, shown, Terminal(shown), "once is enough")
	for _, r := range Line(given) {
		require.False(t, obeyed(r), "%q", given)
	}
	// The same however it is split into writes.
	var out bytes.Buffer
	w := &Writer{To: &out}
	whole := given + "\n"
	for _, part := range []string{whole[:cut], whole[cut:]} {
		n, err := w.Write([]byte(part))
		require.NoError(t, err)
		require.Equal(t, len(part), n)
	}
	require.Equal(t, Terminal(whole), out.String())
}

func TestNothingIsObeyedByATerminal(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		given := odd().Draw(r, "text")
		checkTerminal(r, given, rapid.IntRange(0, len(given)).Draw(r, "cut"))
	})
}

func TestCSV(t *testing.T) {
	for given, want := range map[string]string{
		"=1+1": "'=1+1", "＝1": "'＝1", "+1": "'+1", "－1": "'－1", "@x": "'@x", "＠x": "'＠x",
		"\t=1": "' =1", "\n=1": "' =1", "\r=1": "' =1", " =1": "' =1", "\u3000=1": "'\u3000=1", "\ufeff=1": "'\ufeff=1", " a": "' a",
		"|cmd": "'|cmd", "a=1": "a=1", "": "", "'=1": "'=1", "1": "1",
	} {
		require.Equal(t, want, CSV(given), "%q", given)
	}
	require.Equal(t, `="a""b c"`, CSVText("a\"b\nc"))
}

func checkCSV(t require.TestingT, given string) {
	var out bytes.Buffer
	writer := csv.NewWriter(&out)
	require.NoError(t, writer.WriteAll([][]string{{CSV(given), CSVText(given), "last"}}))
	rows, err := csv.NewReader(&out).ReadAll()
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Len(t, rows[0], 3)
	got := rows[0][0]
	require.Equal(t, Line(given), strings.TrimPrefix(got, map[bool]string{true: "'", false: ""}[got != Line(given)]))
	trimmed := strings.TrimLeftFunc(got, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Cf, r) })
	require.False(t, trimmed != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(trimmed)[0]), "%q", got)
	inText := strings.TrimSuffix(strings.TrimPrefix(rows[0][1], `="`), `"`)
	require.Equal(t, Line(given), strings.ReplaceAll(inText, `""`, `"`))
	require.NotContains(t, strings.ReplaceAll(inText, `""`, ""), `"`, "the text ends where it should")
}

func TestNoCellIsAFormula(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) { checkCSV(r, odd().Draw(r, "text")) })
}

var gitHub = goldmark.New(goldmark.WithExtensions(extension.GFM))

// checkMarkdown parses the text as Markdown in each position where the Web UI shows it,
// and requires the same words as plain text.
func checkMarkdown(t require.TestingT, given string) {
	escaped := Markdown(given)
	for before, kinds := range map[string]map[ast.NodeKind]bool{
		"x: ":                      {},
		"":                         {},
		"- ":                       {ast.KindList: true, ast.KindListItem: true, ast.KindTextBlock: true},
		"| a | b |\n|---|---|\n| ": {extensionast.KindTable: true, extensionast.KindTableHeader: true, extensionast.KindTableRow: true, extensionast.KindTableCell: true},
	} {
		source := []byte(before + escaped)
		if strings.HasPrefix(before, "|") {
			source = append(source, " | z |\n"...)
		}
		var shown strings.Builder
		document := gitHub.Parser().Parse(text.NewReader(source))
		require.NoError(t, ast.Walk(document, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
			kind := node.Kind()
			require.True(t, kinds[kind] || kind == ast.KindDocument || kind == ast.KindParagraph || kind == ast.KindText || kind == ast.KindString, "%s of %q", kind, source)
			return ast.WalkContinue, nil
		}))
		var html bytes.Buffer
		require.NoError(t, gitHub.Convert(source, &html))
		shown.WriteString(stripped(html.String()))
		want := strings.Join(strings.Fields(strings.ReplaceAll(Line(given), "\x00", "\ufffd")), " ")
		got := strings.Join(strings.Fields(shown.String()), " ")
		for _, around := range []string{"x:", "a b"} {
			if strings.HasPrefix(before, around[:1]) || strings.HasPrefix(before, "|") && around == "a b" {
				got = strings.TrimSpace(strings.TrimPrefix(got, around))
			}
		}
		if strings.HasPrefix(before, "|") {
			got = strings.TrimSpace(strings.TrimSuffix(got, "z"))
		}
		require.Equal(t, want, got, "%q", source)
	}
}

// stripped removes the tags of those positions.
func stripped(html string) string {
	for _, tag := range []string{"<p>", "</p>", "<ul>", "</ul>", "<li>", "</li>", "<table>", "</table>", "<thead>", "</thead>", "<tbody>", "</tbody>", "<tr>", "</tr>", "<th>", "</th>", "<td>", "</td>"} {
		html = strings.ReplaceAll(html, tag, " ")
	}
	return strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&amp;", "&").Replace(html)
}

func TestMarkdown(t *testing.T) {
	require.Equal(t, `\[x\](https\://example.com) \<img src=x\> a\|b \\\| refund_to_return \_x\_`, Markdown("[x](https://example.com) <img src=x> a|b \\| refund_to_return _x_"))
	require.Equal(t, `\_\_a\_\_ a\_\_b`, Markdown("__a__ a__b"))
	require.Equal(t, "unknown_material 12:30 a-b (c)", Markdown("unknown_material 12:30 a-b (c)"), "nothing to escape")
}

func TestNothingIsObeyedByMarkdown(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) { checkMarkdown(r, odd().Draw(r, "text")) })
}

func TestChat(t *testing.T) {
	require.Equal(t, "［x］(https：//example.com) ＜＠all＞ ＊＊b＊＊ refund_to_return 12:30 www．x.cn", Chat("[x](https://example.com) <@all> **b** refund_to_return 12:30 www.x.cn"))
}

func checkChat(t require.TestingT, given string) {
	shown := Chat(given)
	require.NotContains(t, shown, "://")
	require.False(t, strings.ContainsAny(shown, "\\`*[]<>|~@#\r\n"), "%q", shown)
	require.Equal(t, len([]rune(Line(given))), len([]rune(shown)), "one for one")
}

func TestNothingIsObeyedByAChat(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) { checkChat(r, odd().Draw(r, "text")) })
}

// seed adds odd texts to a fuzzer.
func seed(f *testing.F) {
	for _, text := range []string{"", "退\x1b[2J\u009b31m\r\n\x9b\u202e", "=1+1", " ＝1", "[x](https://x.cn) <b> `a` *b* _c_ | d", "1. a", "# a", " __0000__", "www.x.cn a@b.cn"} {
		f.Add(text)
	}
}

func FuzzTerminal(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) {
		for cut := range min(len(text), 8) + 1 {
			checkTerminal(t, text, cut)
		}
	})
}

func FuzzCSV(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) { checkCSV(t, text) })
}

func FuzzMarkdown(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) { checkMarkdown(t, text) })
}

func FuzzChat(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, text string) { checkChat(t, text) })
}
