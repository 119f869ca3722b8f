package main

import (
	"bytes"
	"strings"
	"testing"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/text"
)

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		name, text string
		columns    int
		want       string
	}{
		{"any width", "one two", 0, "one two"},
		{"it fits", "one two", 7, "one two"},
		{"between words", "one two three", 9, "one two\nthree"},
		{"between wide characters, but not before a comma", "退款单，已保存", 6, "退款\n单，已\n保存"},
		{"an id stays whole", "run refund/2024-03", 16, "run\nrefund/2024-03"},
		{"a word that is too long", "abcdefgh", 3, "abc\ndef\ngh"},
		{"its own lines stay", "one\n\ntwo", 5, "one\n\ntwo"},
		{"the indent stays", "  one two three", 10, "  one two\n  three"},
		{"a wide character in a single column", "退款", 1, "退\n款"},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, wrap(c.text, c.columns)) })
	}
}

// Law: what is wrapped fits, and nothing but blanks gets lost.
func TestWrapLosesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		given := strings.Join(rapid.SliceOf(rapid.StringOf(rapid.RuneFrom([]rune("ab ，。退款·/-\n")))).Draw(t, "words"), " ")
		columns := rapid.IntRange(2, 30).Draw(t, "columns")
		wrapped := wrap(given, columns)
		for line := range strings.SplitSeq(wrapped, "\n") {
			require.LessOrEqual(t, widths.StringWidth(strings.TrimRight(line, " ")), columns, "%q", line)
		}
		whole := strings.NewReplacer(" ", "", "\n", "").Replace
		require.Equal(t, whole(given), whole(wrapped))
	})
}

func TestFit(t *testing.T) {
	for _, c := range []struct {
		name           string
		natural, least []int
		columns        int
		droppable      []int
		want           []int
	}{
		{"any width", []int{50, 200}, []int{10, 20}, 0, []int{1}, []int{50, 200}},
		{"it fits", []int{30, 43}, []int{10, 20}, 80, []int{1}, []int{30, 43}},
		{"the widest is wrapped", []int{30, 200}, []int{30, 20}, 80, []int{1}, []int{30, 43}},
		{"both are wrapped", []int{60, 200}, []int{10, 20}, 80, nil, []int{36, 36}},
		{"one is dropped", []int{40, 200, 20}, []int{40, 20, 20}, 80, []int{3, 1}, []int{40, 33, 0}},
		{"no more than needed is dropped", []int{40, 200, 20, 10}, []int{40, 20, 20, 5}, 110, []int{4, 3, 1}, []int{40, 40, 20, 0}},
		{"a text is wide enough to read", []int{40, 200}, []int{40, 10}, 70, []int{1}, []int{0, 66}},
		{"words are broken", []int{50, 200}, []int{50, 50}, 80, nil, []int{36, 36}},
		{"hardly any room", []int{50, 200}, []int{50, 50}, 1, nil, []int{1, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := fit(c.natural, c.least, c.columns, c.droppable)
			require.Equal(t, c.want, got)
		})
	}
}

func TestTableFitsTheTerminal(t *testing.T) {
	id, words := "refund_to_return/20240301T000000-20240303T000000", strings.Repeat("Kingdee does not know 物料 9901，", 8)
	for _, columns := range []int{0, 40, 80, 120} {
		var out bytes.Buffer
		shown := newTableOf(&out, columns)
		shown.SetTitle("%s", id+" · 售后单 → 销售退货单")
		shown.AppendHeader(table.Row{"Run", "Orders", "For example"})
		shown.AppendRow(table.Row{id, 12, words})
		shown.AppendFooter(table.Row{"total", 12})
		shown.mayDrop(1)
		shown.Render()
		longest := 0
		for line := range strings.Lines(out.String()) {
			longest = max(longest, widths.StringWidth(strings.NewReplacer("─", "-", "│", "|", "┌", "+", "┬", "+", "┐", "+", "├", "+", "┼", "+", "┤", "+", "└", "+", "┴", "+", "┘", "+", "\n", "").Replace(line)))
		}
		if columns > 0 {
			require.LessOrEqual(t, longest, columns, out.String())
		}
		require.Equal(t, columns == 0, strings.Contains(out.String(), words), "it is wrapped on a terminal alone")
		require.Equal(t, columns == 0 || columns == 120, strings.Contains(out.String(), "│ "+id), out.String())
	}
}

// Where a table may have any width, as in a pipe, only sentences are wrapped.
func TestSentencesInAPipe(t *testing.T) {
	sentence := strings.TrimSpace(strings.Repeat("Kingdee does not know 物料 9901. ", 8))
	var out bytes.Buffer
	shown := newTableOf(&out, 0)
	shown.AppendHeader(table.Row{"Shop", "Message"})
	shown.AppendRow(table.Row{sentence, sentence})
	shown.holdSentences(2)
	shown.mayDrop(1)
	shown.Render()
	require.Contains(t, out.String(), "│ "+sentence+" │", "the shop stays on a line")
	_, wrapped, _ := strings.Cut(out.String(), "Message")
	var words []string
	for line := range strings.Lines(wrapped) {
		if cells := strings.Split(line, "│"); len(cells) == 4 {
			require.LessOrEqual(t, widths.StringWidth(strings.TrimSpace(cells[2])), sentenceColumns, line)
			words = append(words, strings.Fields(cells[2])...)
		}
	}
	require.Equal(t, strings.Fields(sentence), words, "nothing is cut")
}

// The help of every command fits a terminal, in both languages.
func TestHelpFitsTheTerminal(t *testing.T) {
	for _, language := range []text.Language{text.English, text.Chinese} {
		t.Run(string(language), func(t *testing.T) {
			text.Use(language)
			t.Cleanup(func() { text.Use(text.English) })
			eachCommand(newRootCommand(), func(cmd *cobra.Command) {
				for _, columns := range []int{80, 120} {
					examples := strings.Split(cmd.Example, "\n")
					for line := range strings.SplitSeq(helpOf(cmd, columns), "\n") {
						isExample := false
						for _, example := range examples {
							isExample = isExample || line == example
						}
						if !isExample { // to be copied, it is one line
							require.LessOrEqual(t, widths.StringWidth(line), columns, "%s: %s", cmd.CommandPath(), line)
						}
					}
				}
			})
		})
	}
}

func eachCommand(cmd *cobra.Command, do func(*cobra.Command)) {
	do(cmd)
	for _, child := range cmd.Commands() {
		eachCommand(child, do)
	}
}

// Help says of each command what it is for, and shows how it is used.
func TestEveryCommandHasAnExample(t *testing.T) {
	eachCommand(newRootCommand(), func(cmd *cobra.Command) {
		if cmd.Name() == "help" || !cmd.IsAvailableCommand() || cmd.HasSubCommands() {
			return
		}
		require.NotEmpty(t, cmd.Short, cmd.CommandPath())
		require.Contains(t, cmd.Example, cmd.CommandPath(), cmd.CommandPath())
		require.NotEmpty(t, exitsOf(cmd), cmd.CommandPath())
	})
}
