package openplatform

import (
	"slices"
	"strconv"
	"strings"

	"refundsync/internal/simulator/merchant"
)

// lists are the calls for shops and warehouses, by path.
var lists = map[string]func(params map[string]string) ([]byte, *refusal){
	"/open/shops/query": func(params map[string]string) ([]byte, *refusal) {
		var rows []any
		for _, shop := range merchant.Shops() {
			id := strconv.FormatInt(shop.ID, 10)
			if ids := params["shop_ids"]; ids == "" || slices.Contains(strings.Split(ids, ","), id) {
				rows = append(rows, map[string]any{
					"shop_id": shop.ID, "shop_name": shop.Name, "co_id": companyID, "shop_site": shop.Name, "shop_url": "", "created": "2023-01-01 00:00:00",
					"nick": merchant.PersonalData + "-nick", "session_expired": "", "session_uid": "", "short_name": "", "group_id": 0, "group_name": "",
				})
			}
		}
		return listPage(params, 100, 100, false, rows)
	},
	"/open/wms/partner/query": func(params map[string]string) ([]byte, *refusal) {
		rows := []any{map[string]any{"name": "主仓", "co_id": companyID, "wms_co_id": companyID, "is_main": true, "status": "生效", "remark1": "", "remark2": ""}}
		for _, w := range merchant.Warehouses() {
			rows = append(rows, map[string]any{"name": w.Name, "co_id": companyID, "wms_co_id": w.ID, "is_main": false, "status": "生效", "remark1": "", "remark2": ""})
		}
		return listPage(params, 30, 100, true, rows)
	},
}

// companyID is the merchant's own co_id.
const companyID = 20000

// listPage is one page of a short list.
func listPage(params map[string]string, usual, largest int, counts bool, rows []any) ([]byte, *refusal) {
	number := func(name string, absent, most int) (int, bool) {
		if params[name] == "" {
			return absent, true
		}
		n, err := strconv.Atoi(params[name])
		return n, err == nil && n >= 1 && n <= most
	}
	index, ok := number("page_index", 1, 1<<20)
	size, fits := number("page_size", usual, largest)
	if !ok || !fits {
		return nil, badParameter("page_index, page_size")
	}
	first := min((index-1)*size, len(rows))
	data := map[string]any{
		"page_index": index, "page_size": size, "has_next": index*size < len(rows), "datas": append([]any{}, rows[first:min(first+size, len(rows))]...),
	}
	if counts {
		data["data_count"], data["page_count"] = len(rows), (len(rows)+size-1)/size
	}
	return wrap(data), nil
}
