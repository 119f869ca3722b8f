// Package setup holds what setting up a company needs beside asking: it proposes tables by
// equal names and codes, changes the text of a flow file, and keeps answers.
package setup

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"refundsync/internal/flow"
	"refundsync/internal/spelling"
	"refundsync/internal/text"
)

// Entry is a shop, a warehouse or an item of Jushuitan, or base data of Kingdee.
type Entry struct {
	// Code is what orders or bills have, Name what people call it; Name may be "".
	Code, Name string
}

// String gives the code, and the name if it says more.
func (e Entry) String() string {
	if e.Name == "" || e.Name == e.Code {
		return e.Code
	}
	return e.Code + " " + e.Name
}

// Row is a proposed row of a table.
type Row struct {
	Entry
	// Target is what the code becomes; the zero Entry if nothing is proposed.
	Target Entry
	// Doubt says why a person has to decide; zero for a row that is sure.
	Doubt text.Text
}

// Sure reports whether the row needs no person.
func (r Row) Sure() bool { return r.Doubt.IsZero() }

// Propose gives a row for each code, in their order. A row is sure if one target alone has
// the same code or name, and no other row has that target. Names that are the same but for
// width, case, spaces and an ending such as 旗舰店 or 仓 are proposed with a doubt.
func Propose(codes, targets []Entry) []Row {
	var rows []Row
	taken := map[string]bool{}
	for _, code := range codes {
		if plain := flow.PlainCode(code.Code); plain != "" && !taken[plain] {
			taken[plain] = true
			rows = append(rows, propose(code, targets))
		}
	}
	shared := map[string][]string{}
	for _, row := range rows {
		shared[row.Target.Code] = append(shared[row.Target.Code], row.Code)
	}
	for i, row := range rows {
		if others := shared[row.Target.Code]; row.Target.Code != "" && len(others) > 1 {
			rows[i].Doubt = text.New("the same for %s", strings.Join(others, ", "))
		}
	}
	return rows
}

func propose(code Entry, targets []Entry) Row {
	row := Row{Entry: code}
	same := matching(targets, func(target Entry) bool {
		return equal(target.Name, code.Name) || equal(target.Name, code.Code) || equal(target.Code, code.Code) || equal(target.Code, code.Name)
	})
	similar := same
	if len(same) == 0 {
		wanted := map[string]bool{normalised(code.Name): true, normalised(code.Code): true}
		delete(wanted, "")
		similar = matching(targets, func(target Entry) bool { return wanted[normalised(target.Name)] || wanted[normalised(target.Code)] })
	}
	switch len(similar) {
	case 0:
		row.Doubt = text.New("nothing in Kingdee has this name or code")
		return row
	case 1:
		row.Target = similar[0]
	default:
		var names []string
		for _, target := range similar {
			names = append(names, target.String())
		}
		row.Doubt = text.New("several fit: %s", strings.Join(names, "; "))
		return row
	}
	if len(same) == 0 {
		row.Doubt = text.New("the names are only similar")
	}
	return row
}

// matching gives the targets of which something holds, each code once.
func matching(targets []Entry, holds func(Entry) bool) (found []Entry) {
	seen := map[string]bool{}
	for _, target := range targets {
		if target.Code != "" && !seen[target.Code] && holds(target) {
			seen[target.Code] = true
			found = append(found, target)
		}
	}
	return found
}

func equal(a, b string) bool { return a != "" && flow.PlainCode(a) == flow.PlainCode(b) }

// endings say what a thing is, and not which, the longest first.
var endings = []string{"官方旗舰店", "旗舰店", "专营店", "专卖店", "百货店", "小店", "店铺", "店", "退货仓", "仓库", "仓"}

// normalised is a name without what people write differently. A name is never all ending.
func normalised(name string) string {
	name = strings.ToLower(width.Fold.String(name))
	name = strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) || spelling.IsInvisible(r) {
			return -1
		}
		return r
	}, name)
	for _, ending := range endings {
		if short := strings.TrimSuffix(name, ending); short != name && short != "" {
			return short
		}
	}
	return name
}
