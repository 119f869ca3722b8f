package jushuitan

import (
	"context"
	"strconv"
	"strings"

	"refundsync/internal/catalog"
)

// Named is a shop or a warehouse.
type Named struct{ ID, Name string }

// The open platform's lists. Source: openweb.jushuitan.com, 店铺查询 and 仓库查询.
var (
	shopList      = list("/open/shops/query", "shop_id")
	warehouseList = list("/open/wms/partner/query", "wms_co_id")
)

func list(path, key string) *catalog.Interface {
	return &catalog.Interface{
		Name: path, System: catalog.Jushuitan, Transport: catalog.Open, Source: &catalog.Source{Key: key},
		Fields: map[catalog.Place][]catalog.Field{catalog.Request: {
			{Name: "page_index", Type: catalog.Integer}, {Name: "page_size", Type: catalog.Integer},
		}},
	}
}

// Shops lists the merchant's shops from the open platform. Errors are those of
// [Client.List].
func (c *Client) Shops(ctx context.Context) ([]Named, error) {
	return c.named(ctx, shopList, "shop_name")
}

// Warehouses lists the merchant's warehouses in use from the open platform, partners' among
// them. Errors are those of [Client.List].
func (c *Client) Warehouses(ctx context.Context) ([]Named, error) {
	return c.named(ctx, warehouseList, "name")
}

// mostListPages bounds a list, of which a reply may not say where it ends.
const mostListPages = 100

func (c *Client) named(ctx context.Context, list *catalog.Interface, name string) (all []Named, err error) {
	for index := 1; index <= mostListPages; index++ {
		page, err := c.List(ctx, list, map[string]string{"page_index": strconv.Itoa(index), "page_size": "100"})
		if err != nil {
			return nil, err
		}
		for _, row := range page.Datas {
			one := Named{ID: words(row[list.Source.Key]), Name: words(row[name])}
			if one.ID != "" && !strings.EqualFold(words(row["status"]), "Disabled") {
				all = append(all, one)
			}
		}
		if !page.HasNext {
			break
		}
	}
	return all, nil
}
