package flow

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestNewTableState(t *testing.T) {
	for _, test := range []struct {
		name                string
		entries             []TableEntry
		rows                map[string]string
		ambiguous, disabled map[string][]string
		empty               []string
	}{
		{name: "nothing"},
		{name: "a row", entries: []TableEntry{{"A", "1", false}}, rows: map[string]string{"A": "1"}},
		{name: "blanks around", entries: []TableEntry{{" A\u3000", " 1 ", false}}, rows: map[string]string{"A": "1"}},
		{name: "the same for two organisations", entries: []TableEntry{{"A", "1", false}, {"A", "1", false}}, rows: map[string]string{"A": "1"}},
		{name: "two values", entries: []TableEntry{{"A", "2", false}, {"A", "1", false}, {"B", "1", false}}, rows: map[string]string{"B": "1"}, ambiguous: map[string][]string{"A": {"1", "2"}}},
		{name: "one with a value and one without", entries: []TableEntry{{"A", "", false}, {"A", "1", false}}, ambiguous: map[string][]string{"A": {"", "1"}}},
		{name: "disabled", entries: []TableEntry{{"A", "1", true}, {"A", "0", true}}, disabled: map[string][]string{"A": {"0", "1"}}},
		{name: "disabled beside one in use", entries: []TableEntry{{"A", "1", true}, {"A", "2", false}}, rows: map[string]string{"A": "2"}},
		{name: "no value", entries: []TableEntry{{"B", " ", false}, {"A", "", false}}, empty: []string{"A", "B"}},
		{name: "no code", entries: []TableEntry{{" ", "1", false}}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := NewTableState(test.entries)
			assert.Equal(t, len(test.entries), s.Entries)
			assert.Equal(t, len(test.rows), s.Codes())
			for code, value := range test.rows {
				assert.Equal(t, value, s.rows[code])
			}
			assert.Len(t, s.Ambiguous, len(test.ambiguous))
			for code, values := range test.ambiguous {
				assert.Equal(t, values, s.Ambiguous[code])
			}
			assert.Len(t, s.Disabled, len(test.disabled))
			for code, values := range test.disabled {
				assert.Equal(t, values, s.Disabled[code])
			}
			assert.Equal(t, test.empty, s.Empty)
		})
	}
}

// Law: a table does not depend on the order of its entries, and translates a code only into
// the one value that all its usable entries have.
func TestATableFromKingdeeNeverGuesses(t *testing.T) {
	entries := rapid.SliceOf(rapid.Custom(func(t *rapid.T) TableEntry {
		return TableEntry{
			Code: rapid.SampledFrom([]string{"", "A", "B ", "C"}).Draw(t, "code"), Value: rapid.SampledFrom([]string{"", "1", "2"}).Draw(t, "value"),
			Disabled: rapid.Bool().Draw(t, "disabled"),
		}
	}))
	rapid.Check(t, func(t *rapid.T) {
		all := entries.Draw(t, "entries")
		s := NewTableState(all)
		require.True(t, s.Same(NewTableState(rapid.Permutation(all).Draw(t, "in another order"))))
		for code, value := range s.rows {
			require.NotEmpty(t, code)
			require.NotEmpty(t, value)
			found := false
			for _, entry := range all {
				if strings.TrimSpace(entry.Code) == code && !entry.Disabled {
					require.Equal(t, value, entry.Value)
					found = true
				}
			}
			require.True(t, found)
		}
		for _, entry := range all {
			if code := strings.TrimSpace(entry.Code); code != "" {
				_, ambiguous := s.Ambiguous[code]
				_, disabled := s.Disabled[code]
				_, row := s.rows[code]
				require.True(t, row || ambiguous || disabled || slices.Contains(s.Empty, code), "each code is told")
			}
		}
	})
}
