package source

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"refundsync/internal/simulator/faults"
)

// oddCounts returns the counts of a page with the given number of orders, or an odd form
// of them.
func (s *Source) oddCounts(counts string, orders int) string {
	if orders == 0 || !s.faults.Strikes(faults.SourceOddCounts) {
		return counts
	}
	forms := []string{"", `,"data_count":"","page_count":""`, `,"data_count":null,"page_count":null`, `,"data_count":0,"page_count":0`}
	return forms[s.faults.Pick(faults.SourceOddCounts, len(forms))]
}

// lines matches the lines of an order up to the next field, which no line has.
var lines = regexp.MustCompile(`"items":\[.*?\],"batchs"`)

// oddList returns a list of the given number of orders, or an odd form of it and of the
// lists of lines.
func (s *Source) oddList(list []byte, orders int) []byte {
	if !s.faults.Strikes(faults.SourceOddList) {
		return list
	}
	pick := s.faults.Pick(faults.SourceOddList, 6)
	list = lines.ReplaceAllFunc(list, func(items []byte) []byte {
		inside := items[len(`"items":`) : len(items)-len(`,"batchs"`)]
		return slices.Concat([]byte(`"items":`), respell(inside, bytes.Count(inside, []byte(`"asi_id"`))+bytes.Count(inside, []byte(`"ioi_id"`)), pick), []byte(`,"batchs"`))
	})
	return respell(list, orders, pick)
}

// respell writes a list of n records as some serialisers do.
func respell(list []byte, n, pick int) []byte {
	var forms []string
	switch n {
	case 0:
		forms = []string{`""`, `{}`, `null`}
	case 1:
		forms = []string{`*`, `{"data":*}`, `{"data":[*]}`}
	default:
		forms = []string{`{"data":[*]}`, `[[*]]`}
	}
	return []byte(strings.Replace(forms[pick%len(forms)], "*", string(list[1:len(list)-1]), 1))
}

var (
	timeField   = regexp.MustCompile(`"(as_date|created|modified|confirm_date|receive_date|io_date|pay_date)":"(\d{4})-0?(\d+)-0?(\d+) 0?(\d+):(\d\d):(\d\d)(\.\d+)?"`)
	noTimeField = regexp.MustCompile(`"(confirm_date|receive_date)":(null|"")`)
)

// oddTimes returns the orders, or an odd form of their times. The seconds of created and
// modified are kept, because ranges depend on them, and those of io_date.
func (s *Source) oddTimes(orders []byte) []byte {
	if !timeField.Match(orders) || !s.faults.Strikes(faults.SourceOddTimes) {
		return orders
	}
	forms := []struct{ time, noTime string }{
		{`"$1":"$2/$3/$4 $5:$6:$7$8"`, `"$1":"0001/1/1 0:00:00"`},
		{`"$1":"$2-$3-$4 $5:$6:$7$8"`, `"$1":"1900-01-01 00:00:00.000"`},
		{`"$1":"$2-$3-$4 $5:$6"`, `"$1":"0001-01-01 00:00:00"`},
	}
	form := forms[s.faults.Pick(faults.SourceOddTimes, len(forms))]
	orders = timeField.ReplaceAllFunc(orders, func(field []byte) []byte {
		kept := form.time
		if bytes.HasPrefix(field, []byte(`"modified"`)) || bytes.HasPrefix(field, []byte(`"created"`)) || bytes.HasPrefix(field, []byte(`"io_date"`)) {
			kept = forms[0].time
		}
		return timeField.ReplaceAll(field, []byte(kept))
	})
	return noTimeField.ReplaceAll(orders, []byte(form.noTime))
}

// InGBK returns a page in GBK if it strikes.
func (s *Source) InGBK(body []byte) ([]byte, bool) {
	text, inGBK := []byte("退货"), []byte("\xcd\xcb\xbb\xf5")
	if !bytes.Contains(body, text) || !s.faults.Strikes(faults.SourceNotUTF8) {
		return body, false
	}
	return bytes.ReplaceAll(body, text, inGBK), true
}
