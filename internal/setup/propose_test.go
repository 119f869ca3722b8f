package setup

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/flow"
)

func TestPropose(t *testing.T) {
	customers := []Entry{{"C1", "天猫旗舰店"}, {"C2", "京东专营店"}, {"C3", "ＡＢＣ Shop"}, {"C4", "两个"}, {"C5", "两个"}, {"20001", "杭州"}}
	for _, c := range []struct {
		name   string
		code   Entry
		target string
		doubt  string
	}{
		{"the same name", Entry{"10001", "天猫旗舰店"}, "C1", ""},
		{"a code that is a name", Entry{Code: "京东专营店"}, "C2", ""},
		{"the same code", Entry{"C2", "something else"}, "C2", ""},
		{"a code of digits", Entry{Code: "20001"}, "20001", ""},
		{"another ending", Entry{"1", "天猫官方旗舰店"}, "C1", "the names are only similar"},
		{"width, case and spaces", Entry{"1", "abcSHOP"}, "C3", "the names are only similar"},
		{"two of one name", Entry{"1", "两个"}, "", "several fit: C4 两个; C5 两个"},
		{"name and code disagree", Entry{"20001", "天猫旗舰店"}, "", "several fit: C1 天猫旗舰店; 20001 杭州"},
		{"nothing", Entry{"1", "新店"}, "", "nothing in Kingdee has this name or code"},
		{"an ending alone", Entry{"1", "店"}, "", "nothing in Kingdee has this name or code"},
	} {
		t.Run(c.name, func(t *testing.T) {
			rows := Propose([]Entry{c.code}, customers)
			require.Len(t, rows, 1)
			require.Equal(t, c.target, rows[0].Target.Code)
			require.Equal(t, c.doubt, rows[0].Doubt.String())
		})
	}
	rows := Propose([]Entry{{"1", "天猫旗舰店"}, {"2", "天猫店"}, {" 1", "京东专营店"}}, customers)
	require.Len(t, rows, 2, "a code is proposed once")
	for _, row := range rows {
		require.Equal(t, "C1", row.Target.Code)
		require.Equal(t, "the same for 1, 2", row.Doubt.String())
	}
}

// Each code has one row; no two sure rows have the same target; a sure row's target is alone
// in having its code or name.
func TestLawOfProposals(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		entry := rapid.Custom(func(t *rapid.T) Entry {
			word := rapid.SampledFrom([]string{"", "甲", "甲店", "甲旗舰店", "乙仓", "乙", "A", "a", "Ａ", "1", " 1"})
			return Entry{word.Draw(t, "code"), word.Draw(t, "name")}
		})
		codes, targets := rapid.SliceOf(entry).Draw(t, "codes"), rapid.SliceOf(entry).Draw(t, "targets")
		seen, taken := map[string]bool{}, map[string]bool{}
		for _, row := range Propose(codes, targets) {
			plain := flow.PlainCode(row.Code)
			require.False(t, seen[plain], "%q is proposed twice", row.Code)
			seen[plain] = true
			if !row.Sure() {
				continue
			}
			require.NotEmpty(t, row.Target.Code)
			require.False(t, taken[row.Target.Code], "two become %q", row.Target.Code)
			taken[row.Target.Code] = true
			require.Contains(t, targets, row.Target)
		}
		for _, code := range codes {
			if plain := flow.PlainCode(code.Code); plain != "" {
				require.True(t, seen[plain], "%q has no row", code.Code)
			}
		}
	})
}
