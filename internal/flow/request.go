package flow

import (
	"maps"
	"strconv"
	"time"

	"refundsync/internal/beijing"
	"refundsync/internal/catalog"
)

// Page are the parameters of a call that asks for a page of the orders of a range.
func (s Source) Page(from, to time.Time, index int) map[string]string {
	request := s.request(index, true) // the default is not documented
	request[s.Interface.Source.From] = from.In(beijing.Zone).Format(time.DateTime)
	request[s.Interface.Source.To] = to.In(beijing.Zone).Format(time.DateTime)
	return request
}

// From are the parameters of a call that asks for the rows from a row version on. The total
// is not needed then, and it is faster without.
func (s Source) From(version int64) map[string]string {
	request := s.request(1, false)
	request["start_ts"] = strconv.FormatInt(version, 10)
	return request
}

func (s Source) request(index int, total bool) map[string]string {
	request := map[string]string{}
	maps.Copy(request, s.Parameters)
	request["page_index"] = strconv.Itoa(index)
	if _, ok := s.Interface.Find(catalog.Request, "is_get_total"); ok {
		request["is_get_total"] = strconv.FormatBool(total)
	}
	return request
}
