package reconcile

import (
	"cmp"
	"slices"
	"strings"
)

// Sums are what rows add up to. Law: Totals is the sum of Kinds, of Days, of Shops and of
// Warehouses, on both sides.
type Sums struct {
	Totals Sides `json:"totals"`
	// Kinds are in the order of [Kinds], and then by reason.
	Kinds []KindSum `json:"kinds"`
	// Days are in order. Those outside the range are of orders that were changed within it.
	Days []Group `json:"days"`
	// Shops and Warehouses are by name, "" for those without one. Quantities and amounts
	// are by the warehouse of each line; a row counts under that of its first line.
	Shops      []Group `json:"shops"`
	Warehouses []Group `json:"warehouses"`
	// Differences counts the rows that differ, NotAudited those whose bills wait for their
	// audit, OlderFlow those that an older version of the flow made.
	Differences int `json:"differences"`
	NotAudited  int `json:"not_audited"`
	OlderFlow   int `json:"older_flow"`
}

// Agree reports whether the two systems agree.
func (s Sums) Agree() bool { return s.Differences == 0 && s.NotAudited == 0 }

// Add adds the sums of other rows.
func (s *Sums) Add(other Sums) {
	s.Totals.Add(other.Totals)
	for _, kind := range other.Kinds {
		s.addKind(kind)
	}
	addGroups(&s.Days, other.Days...)
	addGroups(&s.Shops, other.Shops...)
	addGroups(&s.Warehouses, other.Warehouses...)
	s.Differences += other.Differences
	s.NotAudited += other.NotAudited
	s.OlderFlow += other.OlderFlow
}

// Count adds a row.
func (s *Sums) Count(row Compared) {
	one := Group{Sides: row.Sides}
	if row.Kind.Differs() {
		one.Differences = 1
	}
	named := func(name string) Group { one.Name = name; return one }
	s.Totals.Add(row.Sides)
	s.addKind(KindSum{Kind: row.Kind, Reason: row.Reason, Sides: row.Sides})
	addGroups(&s.Days, named(row.Day))
	addGroups(&s.Shops, named(row.Shop))
	addGroups(&s.Warehouses, row.warehouses(one)...)
	s.Differences += one.Differences
	if row.NotAudited {
		s.NotAudited++
	}
	if row.OlderFlow {
		s.OlderFlow++
	}
}

func (s *Sums) addKind(kind KindSum) {
	i, found := slices.BinarySearchFunc(s.Kinds, kind, func(a, b KindSum) int {
		return cmp.Or(cmp.Compare(slices.Index(Kinds, a.Kind), slices.Index(Kinds, b.Kind)), strings.Compare(a.Reason, b.Reason))
	})
	if found {
		s.Kinds[i].Sides.Add(kind.Sides)
	} else {
		s.Kinds = slices.Insert(s.Kinds, i, kind)
	}
}

func addGroups(groups *[]Group, more ...Group) {
	for _, group := range more {
		i, found := slices.BinarySearchFunc(*groups, group, func(a, b Group) int { return strings.Compare(a.Name, b.Name) })
		if found {
			(*groups)[i].Sides.Add(group.Sides)
			(*groups)[i].Differences += group.Differences
		} else {
			*groups = slices.Insert(*groups, i, group)
		}
	}
}
