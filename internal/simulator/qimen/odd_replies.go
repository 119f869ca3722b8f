package qimen

import (
	"bytes"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"refundsync/internal/simulator/faults"
)

// noPages are replies that report a failure without a code, or nothing at all: none of
// them means an empty page.
var noPages = []string{
	`{"response":{"msg":"系统繁忙，请稍后再试","has_next":false}}`,
	`{"response":{"has_next":false}}`,
	`{"response":{"data_count":0,"message":"查询超时"}}`,
	`{"response":{"success":false,"message":"系统繁忙"}}`,
	`{"response":{"code":0,"msg":"系统繁忙","datas":[]}}`,
	`{"response":"系统繁忙"}`,
	`{"code":0,"msg":"系统繁忙","data":null}`,
}

// oddCounts returns the counts of a page with the given number of orders, or an odd form
// of them.
func (g *Gateway) oddCounts(counts string, orders int) string {
	if orders == 0 || !g.faults.Strikes(faults.SourceOddCounts) {
		return counts
	}
	forms := []string{"", `,"data_count":"","page_count":""`, `,"data_count":null,"page_count":null`, `,"data_count":0,"page_count":0`}
	return forms[g.faults.Pick(faults.SourceOddCounts, len(forms))]
}

// lines matches the lines of an order up to the next field, which no line has.
var lines = regexp.MustCompile(`"items":\[.*?\],"batchs"`)

// oddList returns a list of the given number of orders, or an odd form of it and of the
// lists of lines.
func (g *Gateway) oddList(list []byte, orders int) []byte {
	if !g.faults.Strikes(faults.SourceOddList) {
		return list
	}
	pick := g.faults.Pick(faults.SourceOddList, 6)
	list = lines.ReplaceAllFunc(list, func(items []byte) []byte {
		inside := items[len(`"items":`) : len(items)-len(`,"batchs"`)]
		return slices.Concat([]byte(`"items":`), respell(inside, bytes.Count(inside, []byte(`"asi_id"`)), pick), []byte(`,"batchs"`))
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
	timeField   = regexp.MustCompile(`"(as_date|created|modified|confirm_date|receive_date)":"(\d{4})-0?(\d+)-0?(\d+) 0?(\d+):(\d\d):(\d\d)(\.\d+)?"`)
	noTimeField = regexp.MustCompile(`"(confirm_date|receive_date)":(null|"")`)
)

// oddTimes returns the orders, or an odd form of their times. The seconds of created and
// modified are kept, because ranges depend on them.
func (g *Gateway) oddTimes(orders []byte) []byte {
	if !timeField.Match(orders) || !g.faults.Strikes(faults.SourceOddTimes) {
		return orders
	}
	forms := []struct{ time, noTime string }{
		{`"$1":"$2/$3/$4 $5:$6:$7$8"`, `"$1":"0001/1/1 0:00:00"`},
		{`"$1":"$2-$3-$4 $5:$6:$7$8"`, `"$1":"1900-01-01 00:00:00.000"`},
		{`"$1":"$2-$3-$4 $5:$6"`, `"$1":"0001-01-01 00:00:00"`},
	}
	form := forms[g.faults.Pick(faults.SourceOddTimes, len(forms))]
	orders = timeField.ReplaceAllFunc(orders, func(field []byte) []byte {
		kept := form.time
		if bytes.HasPrefix(field, []byte(`"modified"`)) || bytes.HasPrefix(field, []byte(`"created"`)) {
			kept = forms[0].time
		}
		return timeField.ReplaceAll(field, []byte(kept))
	})
	return noTimeField.ReplaceAll(orders, []byte(form.noTime))
}

// writeEncoded answers with a page in the gateway's encoding, or in GBK.
func (g *Gateway) writeEncoded(w http.ResponseWriter, body []byte) {
	text, inGBK := []byte("退货"), []byte("\xcd\xcb\xbb\xf5")
	if !bytes.Contains(body, text) || !g.faults.Strikes(faults.SourceNotUTF8) {
		g.write(w, body)
		return
	}
	g.faults.Write(w, wire, "text/html;charset=GBK", bytes.ReplaceAll(body, text, inGBK))
}
