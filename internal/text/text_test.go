package text

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// inChinese shows texts in Chinese while a test runs, with translations of its own.
func inChinese(t *testing.T, translated map[string]string) {
	t.Helper()
	before := translations.Swap(&translated)
	t.Cleanup(func() { translations.Store(before) })
}

func TestTextIsShownInTheLanguageOfTheProgram(t *testing.T) {
	said := New("bill %s of %d orders", "R1", 3)
	nested := New("not saved: %s", said)
	failed := Errorf("page %d: %w", 2, fs.ErrNotExist)
	numbered := Errorf("%[2]w on page %[1]d, 100%% sure", 2, fs.ErrNotExist)
	require.Equal(t, "bill R1 of 3 orders", said.String())
	require.Equal(t, "not saved: bill R1 of 3 orders", nested.String())
	require.Equal(t, "page 2: file does not exist", failed.Error())
	require.Equal(t, "file does not exist on page 2, 100% sure", numbered.Error())
	require.ErrorIs(t, numbered, fs.ErrNotExist)
	require.Equal(t, "100%", Sprintf("100%%"))

	inChinese(t, map[string]string{
		"bill %s of %d orders": "%[2]d 单的单据 %[1]s",
		"not saved: %s":        "未保存：%s",
		"page %d: %w":          "第 %d 页：%w",
	})
	require.Equal(t, "3 单的单据 R1", said.String())
	require.Equal(t, "未保存：3 单的单据 R1", nested.String())
	require.Equal(t, "第 2 页：file does not exist", failed.Error())
	require.ErrorIs(t, failed, fs.ErrNotExist)
	require.Equal(t, "never translated", Sprintf("never translated"))
}

// row is a value that says itself what it is.
type row struct{ code string }

func (r row) AsText() Text   { return New("no row for %q", r.code) }
func (r row) String() string { return r.AsText().String() }

// A starter shows what a worker said in its own language.
func TestTextTravels(t *testing.T) {
	inner := Errorf("no row for %q", "JD")
	for _, c := range []struct {
		name, english, chinese string
		text                   Text
	}{
		{"nothing", "", "", Text{}},
		{"a vendor's words", "金蝶说：100%", "金蝶说：100%", Literal("金蝶说：100%")},
		{"no arguments", "no worker answers", "没有 worker 应答", New("no worker answers")},
		{"arguments", "bill R1 of 3 orders", "3 单的单据 R1", New("bill %s of %d orders", "R1", 3)},
		{"a text within", `not saved: no row for "JD"`, `未保存：没有 "JD"`, New("not saved: %s", inner)},
		{"a value with a text", `not saved: no row for "JD"`, `未保存：没有 "JD"`, New("not saved: %s", row{"JD"})},
		{"an error that wraps", `not saved: no row for "JD"`, `未保存：没有 "JD"`, Of(Errorf("not saved: %s", inner))},
	} {
		t.Run(c.name, func(t *testing.T) {
			raw, err := json.Marshal(c.text)
			require.NoError(t, err)
			var arrived Text
			require.NoError(t, json.Unmarshal(raw, &arrived))
			require.Equal(t, c.english, arrived.String())
			again, err := json.Marshal(arrived)
			require.NoError(t, err)
			require.JSONEq(t, string(raw), string(again))

			inChinese(t, map[string]string{
				"bill %s of %d orders": "%[2]d 单的单据 %[1]s",
				"not saved: %s":        "未保存：%s",
				"no row for %q":        "没有 %q",
				"no worker answers":    "没有 worker 应答",
			})
			require.Equal(t, c.chinese, arrived.String())
		})
	}
}

func TestTextThatDoesNotFitIsTakenAsItWasShown(t *testing.T) {
	for name, raw := range map[string]string{
		"too few arguments": `{"text":"as shown","format":"%s and %s","args":["one"]}`,
		"within another":    `{"text":"as shown","format":"not saved: %s","args":[{"format":"%s and %s","args":["one"]}]}`,
		"no text within":    `{"text":"as shown","format":"not saved: %s","args":[7]}`,
	} {
		t.Run(name, func(t *testing.T) {
			var arrived Text
			require.NoError(t, json.Unmarshal([]byte(raw), &arrived))
			require.Equal(t, "as shown", arrived.String())
		})
	}
	for _, raw := range []string{`7`, `{"format":"%s and %s","args":["one"]}`} {
		require.Error(t, json.Unmarshal([]byte(raw), &Text{}), raw)
	}
}

func TestOf(t *testing.T) {
	made := Errorf("no row for %q", "JD")
	for _, c := range []struct {
		name string
		err  error
		want Text
	}{
		{"none", nil, Text{}},
		{"an error made of a text", made, New("no row for %q", "JD")},
		{"another that says nothing of its own", errors.Join(made), New("no row for %q", "JD")},
		{"another", fmt.Errorf("line 3: %w", made), Literal(`line 3: no row for "JD"`)},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, Of(c.err)) })
	}
}

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		name, flag, variable, locale string
		want                         Language
		wrong                        bool
	}{
		{"the flag first", "zh-CN", "en", "en_US.UTF-8", Chinese, false},
		{"then the variable", "", "zh_CN", "en_US.UTF-8", Chinese, false},
		{"then the locale", "", "", "zh_CN.UTF-8", Chinese, false},
		{"English otherwise", "", "", "fr_FR.UTF-8", English, false},
		{"no locale", "", "", "C", English, false},
		{"a language in short", "zh", "", "C", Chinese, false},
		{"a language of nobody", "fr", "", "C", English, true},
		{"no language", "", "x y", "C", English, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(Variable, c.variable)
			t.Setenv("LC_ALL", c.locale)
			got, err := Choose(c.flag)
			require.Equal(t, c.wrong, err != nil, err)
			require.Equal(t, c.want, got)
		})
	}
}

// Law: what is kept of a text is its beginning, in whole characters, and within the bound.
func TestShort(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.String().Draw(t, "words")
		longest := rapid.IntRange(0, 20).Draw(t, "longest")
		short := Literal(words).Short(longest).String()
		require.Equal(t, utf8.RuneCountInString(words) <= longest, short == words)
		nested := New("order %s: %s", "1", New("not saved: %s", words)).Short(longest + 30)
		raw, err := json.Marshal(nested)
		require.NoError(t, err)
		if _, literal := nested.literal(); !literal {
			require.LessOrEqual(t, len(raw), 4*(longest+30))
		}
		require.LessOrEqual(t, utf8.RuneCountInString(short), longest+1)
		if short != words {
			require.Equal(t, string([]rune(words)[:longest])+"…", short)
		}
	})
}

func TestJoin(t *testing.T) {
	require.Equal(t, "Kingdee Save: 100% — retry", Join(" — ", Join(": ", Join(" ", New("Kingdee"), "Save"), "100%"), "", New("retry")).String())
	require.Equal(t, "a 50% b", Join(" 50% ", "a", Text{}, "b").String())
	require.Empty(t, Join(", ").String())
}

func TestUseAsked(t *testing.T) {
	for _, c := range []struct {
		name  string
		args  []string
		want  string
		wrong bool
	}{
		{"two arguments", []string{"run", "--lang", "zh"}, "没有", false},
		{"one argument", []string{"--lang=zh-CN", "run"}, "没有", false},
		{"not asked", []string{"run"}, "no", false},
		{"behind the end of the flags", []string{"run", "--", "--lang=zh"}, "no", false},
		{"no value", []string{"run", "--lang"}, "no", false},
		{"a language of nobody", []string{"--lang=fr"}, "no", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv(Variable, "")
			t.Setenv("LC_ALL", "C")
			t.Cleanup(func() { Use(English) })
			err := UseAsked(c.args)
			require.Equal(t, c.wrong, err != nil, err)
			require.Equal(t, c.want == "没有", translations.Load() != nil)
		})
	}
}
