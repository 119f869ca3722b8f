package paging

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"refundsync/internal/fault"
)

// source shows rows in pages, and who read them.
type source struct {
	rows     []int
	pageSize int
	// most is how many rows fit into one reply; 0 for any number.
	most int
	seen map[int]bool
	// calls are the pages that were asked for.
	calls []int
	// before may change the rows before a call.
	before func(s *source, call int)
}

func newSource(rows, pageSize int) *source {
	s := &source{pageSize: pageSize, seen: map[int]bool{}}
	for i := range rows {
		s.rows = append(s.rows, i)
	}
	return s
}

func (s *source) reply(page, rest int) (reply Page, fresh bool) {
	s.calls = append(s.calls, page)
	if s.before != nil {
		s.before(s, len(s.calls))
	}
	reply.DataCount = len(s.rows)
	reply.PageCount = (len(s.rows) + s.pageSize - 1) / s.pageSize
	begin := min((page-1)*s.pageSize, len(s.rows))
	rows := s.rows[begin:min(begin+s.pageSize, len(s.rows))]
	if rest > 0 {
		rows = rows[:min(rest, len(rows))]
	}
	if s.most > 0 && len(rows) > s.most {
		reply.Rest = len(rows) - s.most
		rows = rows[reply.Rest:]
	}
	for _, r := range rows {
		fresh = fresh || !s.seen[r]
		s.seen[r] = true
	}
	return reply, fresh
}

// read reads the window to its end.
func (s *source) read() (Reader, error) {
	r := New(nil)
	for r.Next > 0 {
		page, fresh := s.reply(r.Next, r.Rest)
		if err := r.read(page, fresh, len(s.seen)); err != nil {
			return r, err
		}
		if len(s.calls) > 100_000 {
			return r, errors.New("it does not end")
		}
	}
	return r, nil
}

func TestPagesAreReadFromTheLastUntilNothingIsNew(t *testing.T) {
	for _, c := range []struct {
		name     string
		rows     int
		pageSize int
		before   func(*source, int)
		want     []int
	}{
		{"an empty window", 0, 2, nil, []int{1}},
		{"one page", 2, 2, nil, []int{1}},
		{"two pages", 3, 2, nil, []int{1, 2, 1, 2, 1}},
		{"three pages", 6, 2, nil, []int{1, 3, 2, 1, 3, 2, 1}},
		{"a row leaves while page 3 is away", 6, 2, func(s *source, call int) {
			if call == 2 {
				s.rows = slices.Delete(s.rows, 0, 1)
			}
		}, []int{1, 3, 2, 1, 3, 2, 1}},
		{"a row enters in the last pass", 6, 2, func(s *source, call int) {
			if call == 7 {
				s.rows = append([]int{99}, s.rows...)
			}
		}, []int{1, 3, 2, 1, 3, 2, 1, 4, 3, 2, 1}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSource(c.rows, c.pageSize)
			s.before = c.before
			_, err := s.read()
			require.NoError(t, err)
			require.Equal(t, c.want, s.calls)
		})
	}
}

// One row that leaves and one that enters cancel out in the source's count. Whenever
// and wherever they do, no row is left out that was there before and after.
func TestEntryAndDepartureThatCancelOut(t *testing.T) {
	const rows, pageSize = 6, 2
	for leavesAt := 1; leavesAt <= 8; leavesAt++ {
		for entersAt := 1; entersAt <= 8; entersAt++ {
			for leaving := range rows {
				for entering := range rows {
					s := newSource(rows, pageSize)
					s.before = func(s *source, call int) {
						if call == leavesAt {
							s.rows = slices.Delete(s.rows, slices.Index(s.rows, leaving), slices.Index(s.rows, leaving)+1)
						}
						if call == entersAt {
							s.rows = slices.Insert(s.rows, min(entering, len(s.rows)), 99)
						}
					}
					_, err := s.read()
					require.NoError(t, err)
					for row := range rows {
						require.True(t, s.seen[row] || row == leaving, "row %d, leaves %d at %d, enters %d at %d: read %v",
							row, leaving, leavesAt, entering, entersAt, s.calls)
					}
				}
			}
		}
	}
}

// Law: whatever moves, a window that is read to its end has shown every row that was
// there all through the last pass, if none entered in it.
func TestNothingIsLeftOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := newSource(rapid.IntRange(0, 12).Draw(t, "rows"), rapid.IntRange(1, 4).Draw(t, "page size"))
		s.most = rapid.IntRange(0, 3).Draw(t, "rows a reply")
		next, entered, stopAt := 1000, 0, rapid.IntRange(0, 25).Draw(t, "still from call")
		s.before = func(s *source, call int) {
			if call > stopAt {
				return
			}
			switch rapid.IntRange(0, 3).Draw(t, "move") {
			case 0:
				if len(s.rows) > 0 {
					i := rapid.IntRange(0, len(s.rows)-1).Draw(t, "leaves")
					s.rows = slices.Delete(s.rows, i, i+1)
				}
			case 1:
				s.rows = slices.Insert(s.rows, rapid.IntRange(0, len(s.rows)).Draw(t, "enters"), next)
				next, entered = next+1, call
			}
		}
		r, err := s.read()
		if f := fault.As(err); f != nil {
			require.Contains(t, []string{"source_unsettled", "source_repeats"}, f.Reason)
			return
		}
		require.NoError(t, err)
		lastPass := len(s.calls)
		for page := 1; lastPass > 0 && s.calls[lastPass-1] >= page; lastPass-- {
			page = s.calls[lastPass-1]
		}
		if entered > lastPass {
			return
		}
		for _, row := range s.rows {
			require.True(t, s.seen[row], "row %d of %v, read %v", row, s.rows, s.calls)
		}
		require.LessOrEqual(t, r.Pass, passes)
	})
}

func TestWindowThatCannotBeReadToItsEnd(t *testing.T) {
	for _, c := range []struct {
		reason string
		reply  func(call int) (Page, bool, int)
	}{
		{"window_too_large", func(int) (Page, bool, int) { return Page{PageCount: 601, DataCount: 60_001}, false, 100 }},
		{"source_repeats", func(call int) (Page, bool, int) { return Page{PageCount: 9000, DataCount: 50}, call == 1, 50 }},
		{"source_unsettled", func(call int) (Page, bool, int) { return Page{PageCount: 2, DataCount: 100}, true, call }},
		{"source_unsettled", func(int) (Page, bool, int) { return Page{PageCount: 1, DataCount: 3}, true, 2 }},
	} {
		t.Run(c.reason, func(t *testing.T) {
			r := New(nil)
			var err error
			for call := 1; err == nil && r.Next > 0; call++ {
				page, fresh, seen := c.reply(call)
				err = r.read(page, fresh, seen)
			}
			require.Equal(t, c.reason, fault.As(err).Reason)
			require.Equal(t, fault.Final, fault.As(err).Class)
		})
	}
}

func TestRowVersions(t *testing.T) {
	for _, c := range []struct {
		name  string
		pages []Page
		want  Versions
		pass  bool
	}{
		{"nothing new", []Page{{LastTS: 5}}, Versions{Reached: 5, Stable: 5, Complete: true}, true},
		{"all stable", []Page{{LastTS: 9, StableTS: 9, More: true}, {LastTS: 12, StableTS: 12}}, Versions{Reached: 12, Stable: 12, Complete: true}, true},
		{"what may move is read again", []Page{{LastTS: 9, StableTS: 7, More: true}, {LastTS: 12, StableTS: 12}}, Versions{Reached: 12, Stable: 7, Complete: true}, true},
		{"a full page without anything newer", []Page{{LastTS: 5, More: true}}, Versions{}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := New(&Versions{Reached: 5, Stable: 5})
			var err error
			for i, page := range c.pages {
				require.Equal(t, 1, r.Next, fmt.Sprint("page ", i))
				err = r.read(page, true, 10)
			}
			if !c.pass {
				require.Equal(t, "row_versions_unsupported", fault.As(err).Reason)
				return
			}
			require.NoError(t, err)
			require.Zero(t, r.Next)
			require.Equal(t, c.want, *r.Versions)
		})
	}
}

func TestVersionsOfTheNextWindowAreAddedToThoseBefore(t *testing.T) {
	for _, c := range []struct {
		name               string
		before, next, want Versions
	}{
		{"all stable", Versions{Reached: 5, Stable: 5}, Versions{Reached: 9, Stable: 9, Complete: true}, Versions{Reached: 9, Stable: 9, Complete: true}},
		{"the next is not", Versions{Reached: 5, Stable: 5}, Versions{Reached: 9, Stable: 7}, Versions{Reached: 9, Stable: 7}},
		{"the one before was not", Versions{Reached: 5, Stable: 3}, Versions{Reached: 9, Stable: 9}, Versions{Reached: 9, Stable: 3}},
	} {
		t.Run(c.name, func(t *testing.T) { require.Equal(t, c.want, *c.before.After(c.next)) })
	}
}
