package source

import (
	"math/rand/v2"
	"strconv"

	"refundsync/internal/simulator/faults"
	"refundsync/internal/simulator/merchant"
)

// WritePage returns a page as a JSON object. The forms of its own fields vary between calls
// as they do between merchants, depending only on the seed and the page; with
// merchant.Typed they do not.
func (s *Source) WritePage(q Query, style merchant.Style) []byte {
	records, count := s.Page(q)
	rng := rand.New(rand.NewPCG(s.options.Seed, uint64(q.start.Unix())+uint64(q.pageIndex)))
	integer := func(n int) string {
		if rng.IntN(4) == 0 && style != merchant.Typed {
			return strconv.Quote(strconv.Itoa(n))
		}
		return strconv.Itoa(n)
	}
	body := []byte(`{"page_size":` + integer(q.pageSize) + `,"page_index":` + integer(q.pageIndex))
	if q.totals {
		pages := (count + q.pageSize - 1) / q.pageSize
		counts := `,"data_count":` + integer(count) + `,"page_count":` + integer(pages)
		body = append(body, s.oddCounts(counts, len(records))...)
	}
	next := strconv.FormatBool(q.pageIndex*q.pageSize < count)
	if style != merchant.Typed {
		next = hasNext(q.pageIndex*q.pageSize < count, rng)
	}
	body = append(body, `,"has_next":`+next+`,"datas":`...)
	datas := []byte{'['}
	for i, r := range records {
		if i > 0 {
			datas = append(datas, ',')
		}
		datas = r.AppendJSON(datas, s.options.Seed, style)
	}
	datas = append(datas, ']')
	body = append(body, s.oddList(s.oddTimes(datas), len(records))...)
	return append(body, '}')
}

// hasNext writes the flag as a bool, a string or a number.
func hasNext(next bool, rng *rand.Rand) string {
	forms := []string{"false", `"false"`, "0"}
	if next {
		forms = []string{"true", `"true"`, "1"}
	}
	return forms[rng.IntN(len(forms))]
}

// NoPage returns one of the replies of a gateway that report a failure without a code, or
// nothing at all, if the fault strikes.
func (s *Source) NoPage(forms []string) (body []byte, strikes bool) {
	if !s.faults.Strikes(faults.SourceNoPage) {
		return nil, false
	}
	return []byte(forms[s.faults.Pick(faults.SourceNoPage, len(forms))]), true
}
