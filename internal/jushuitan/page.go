package jushuitan

import (
	"cmp"

	"refundsync/internal/catalog"
)

// mostDatas bounds the orders of a page. The interface gives at most 100.
const mostDatas = 500

// Page is one page of after-sales orders.
type Page struct {
	// PageIndex counts from 1. It is the reply's, or the one asked for where
	// the reply does not say.
	PageIndex int
	// PageSize is the reply's, or the one asked for where the reply does not
	// say; 0 if neither does.
	PageSize int
	// DataCount and PageCount are of the whole query. 0 beside orders means
	// that the reply does not say (is_get_total=false). PageCount is worked
	// out from DataCount where only that is given.
	DataCount, PageCount int
	// HasNext is true if the reply says so or its counts do, and false after
	// an empty page. Without counts it is true after every full page, whatever
	// the reply says: reading one page too many is harmless, one too few loses
	// orders.
	HasNext bool
	// Datas are the orders as decoded; numbers are json.Number.
	Datas []map[string]any
	// Clock is what the reply tells of the source's clock.
	Clock Clock
}

// readPage reads body and holds it against what was asked for. A reply that
// contradicts itself or is another page than asked for is refused as
// malformed: taken at its word, it would lose orders without a trace. A page
// shorter than page_size is taken: rows can leave the query while it is read.
func readPage(body map[string]any, params map[string]string) (Page, error) {
	toldIndex, _, err := readCount(body, "page_index")
	if err != nil {
		return Page{}, err
	}
	toldSize, _, err := readCount(body, "page_size")
	if err != nil {
		return Page{}, err
	}
	dataCount, countKnown, err := readCount(body, "data_count")
	if err != nil {
		return Page{}, err
	}
	pageCount, _, err := readCount(body, "page_count")
	if err != nil {
		return Page{}, err
	}
	toldNext, _, err := truth(body["has_next"])
	if err != nil {
		return Page{}, unreadable("has_next", err)
	}
	datas, listed, err := readDatas(body["datas"])
	if err != nil {
		return Page{}, err
	}
	if len(datas) > mostDatas {
		return Page{}, malformed("一页的售后单太多", "a page of far more orders than any has")
	}
	if dataCount > 0 && pageCount > dataCount {
		return Page{}, malformed("page_count 大于 data_count", "page_count is over data_count")
	}
	// Fewer than there are on this page alone is no count: 0 beside orders is met.
	if countKnown && dataCount < len(datas) {
		dataCount, pageCount = 0, 0
	}

	askedIndex, askedSize := readAsked(params["page_index"]), readAsked(params["page_size"])
	page := Page{
		PageIndex: cmp.Or(toldIndex, askedIndex, 1),
		PageSize:  cmp.Or(toldSize, askedSize),
		DataCount: dataCount,
		PageCount: pageCount,
		Datas:     datas,
	}
	if page.PageCount == 0 && page.PageSize > 0 {
		page.PageCount = (page.DataCount + page.PageSize - 1) / page.PageSize
	}

	// A page that has ceased to exist since the pages were counted may come
	// back as another one; its orders are in the pages before it.
	ceased := page.PageCount > 0 && askedIndex > page.PageCount
	if askedIndex > 0 && page.PageIndex != askedIndex && !ceased {
		return Page{}, malformed("page_index 不是所要的那一页", "page_index is another page than asked for")
	}
	if len(datas) == 0 {
		// Without a list, only the count can say that there is nothing.
		if !listed && (!countKnown || toldNext) {
			return Page{}, malformed("没有 datas，也没有说是空页", "no datas, and nothing says that the page is empty")
		}
		if toldNext && page.PageIndex == 1 {
			return Page{}, malformed("has_next 说后面还有，第一页却是空的", "has_next promises more, yet the first page is empty")
		}
		if page.promisesOrders() {
			return Page{}, malformed("按总数这一页应有售后单，datas 却是空的", "by its counts this page has orders, yet datas is empty")
		}
		return page, nil // HasNext false: nothing follows an empty page
	}
	page.HasNext = toldNext || page.PageIndex < page.PageCount || page.PageCount == 0 && len(datas) >= page.PageSize
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

// readCount gives known = false if the reply does not say; a negative number
// does not say either.
func readCount(body map[string]any, name string) (n int, known bool, err error) {
	n, known, err = wholeNumber(body[name])
	if err != nil {
		return 0, false, unreadable(name, err)
	}
	return max(n, 0), known && n >= 0, nil
}

// readAsked gives 0 for what is no number: whether it is one is for the
// gateway to say.
func readAsked(param string) int {
	n, _, err := wholeNumber(param)
	if err != nil {
		return 0
	}
	return max(n, 0)
}

// readDatas gives listed = false if there is no list: what may stand for one of
// nothing may as well stand for a failure.
func readDatas(value any) (datas []map[string]any, listed bool, err error) {
	list, ok := catalog.Rows(value, "as_id")
	if !ok {
		return nil, false, malformed("datas 不是列表", "datas is no list")
	}
	for _, element := range list {
		order, ok := element.(map[string]any)
		if !ok {
			return nil, false, malformed("datas 里有不是对象的内容", "datas holds something other than objects")
		}
		datas = append(datas, order)
	}
	return datas, list != nil, nil
}

func unreadable(name string, err error) error {
	f := malformed(name+" 读不懂", name+": "+err.Error())
	f.Err = err
	return f
}
