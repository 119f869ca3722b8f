package jushuitan

import (
	"cmp"

	"refundsync/internal/catalog"
	"refundsync/internal/text"
)

// mostDatas bounds the orders of a page. The interfaces give at most 100.
const mostDatas = 500

// Page is one page of orders.
type Page struct {
	// PageIndex counts from 1. It is the reply's, or the requested one if the
	// reply has none.
	PageIndex int
	// PageSize is the reply's, or the requested one if the reply has none; 0 if
	// there is neither.
	PageSize int
	// DataCount and PageCount are of the whole query. 0 with orders means that
	// the reply does not say (is_get_total=false). PageCount is computed from
	// DataCount if only that is given.
	DataCount, PageCount int
	// HasNext is true if the reply or its counts say so, and false after an
	// empty page. Without counts it is true after every full page, whatever the
	// reply says: reading a page too many is harmless, one too few loses orders.
	HasNext bool
	// Datas are the orders as decoded; numbers are json.Number.
	Datas []map[string]any
	// Clock compares the source's clock to ours.
	Clock Clock
}

// readPage reads body and compares it to what was requested. A reply that
// contradicts itself or is not the requested page is refused as malformed:
// accepting it would lose orders without a trace. A page shorter than page_size
// is accepted: rows can drop out of the query while it is read.
func (c call) readPage(body map[string]any) (Page, error) {
	replyIndex, _, err := c.readCount(body, "page_index")
	if err != nil {
		return Page{}, err
	}
	replySize, _, err := c.readCount(body, "page_size")
	if err != nil {
		return Page{}, err
	}
	dataCount, countKnown, err := c.readCount(body, "data_count")
	if err != nil {
		return Page{}, err
	}
	pageCount, _, err := c.readCount(body, "page_count")
	if err != nil {
		return Page{}, err
	}
	replyNext, _, err := truth(body["has_next"])
	if err != nil {
		return Page{}, c.unreadable("has_next", err)
	}
	datas, listed, err := c.readDatas(body["datas"])
	if err != nil {
		return Page{}, err
	}
	if len(datas) > mostDatas {
		return Page{}, c.malformed(text.Errorf("the page has more than %d orders", mostDatas))
	}
	if dataCount > 0 && pageCount > dataCount {
		return Page{}, c.malformed(text.Errorf("page_count exceeds data_count"))
	}
	// A count below the orders of this page is ignored: 0 with orders occurs.
	if countKnown && dataCount < len(datas) {
		dataCount, pageCount = 0, 0
	}

	requestedIndex, requestedSize := readRequested(c.params["page_index"]), readRequested(c.params["page_size"])
	page := Page{
		PageIndex: cmp.Or(replyIndex, requestedIndex, 1),
		PageSize:  cmp.Or(replySize, requestedSize),
		DataCount: dataCount,
		PageCount: pageCount,
		Datas:     datas,
	}
	if page.PageCount == 0 && page.PageSize > 0 {
		page.PageCount = (page.DataCount + page.PageSize - 1) / page.PageSize
	}

	// A page that has ceased to exist since the pages were counted may come
	// back as another one; its orders are on the pages before it.
	ceased := page.PageCount > 0 && requestedIndex > page.PageCount
	if requestedIndex > 0 && page.PageIndex != requestedIndex && !ceased {
		return Page{}, c.malformed(text.Errorf("page_index is not the requested page"))
	}
	if len(datas) == 0 {
		// Without a list, only the count can say that there is nothing.
		if !listed && (!countKnown || replyNext) {
			return Page{}, c.malformed(text.Errorf("it has no datas, and does not say that the page is empty"))
		}
		if replyNext && page.PageIndex == 1 {
			return Page{}, c.malformed(text.Errorf("has_next promises more, yet the first page is empty"))
		}
		if page.promisesOrders() {
			return Page{}, c.malformed(text.Errorf("its counts say that this page has orders, yet datas is empty"))
		}
		return page, nil // HasNext false: nothing follows an empty page
	}
	page.HasNext = replyNext || page.PageIndex < page.PageCount || page.PageCount == 0 && len(datas) >= page.PageSize
	return page, nil
}

// promisesOrders is true if the counts say that this page or one after it has
// orders.
func (p Page) promisesOrders() bool {
	if p.PageIndex == 1 {
		return p.DataCount > 0 || p.PageCount > 1
	}
	return p.PageIndex < p.PageCount || p.PageSize > 0 && p.DataCount > (p.PageIndex-1)*p.PageSize
}

// readCount gives known = false if the reply has no such number, or a negative one.
func (c call) readCount(body map[string]any, name string) (n int, known bool, err error) {
	n, known, err = wholeNumber(body[name])
	if err != nil {
		return 0, false, c.unreadable(name, err)
	}
	return max(n, 0), known && n >= 0, nil
}

// readRequested gives 0 for what is not a number, which the gateway has to refuse.
func readRequested(param string) int {
	n, _, err := wholeNumber(param)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// readDatas gives listed = false if there is no list: its absence may mean an empty
// page, or a failure.
func (c call) readDatas(value any) (datas []map[string]any, listed bool, err error) {
	list, ok := catalog.Rows(value, c.key)
	if !ok {
		return nil, false, c.malformed(text.Errorf("datas is not a list"))
	}
	for _, element := range list {
		order, ok := element.(map[string]any)
		if !ok {
			return nil, false, c.malformed(text.Errorf("datas contains something other than objects"))
		}
		datas = append(datas, order)
	}
	return datas, list != nil, nil
}

func (c call) unreadable(name string, err error) error {
	return c.malformed(text.Errorf("%s: %w", name, err))
}
