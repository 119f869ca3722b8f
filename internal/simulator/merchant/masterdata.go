package merchant

import "slices"

// The shops that only one of Jushuitan's gateways shows, if they are split between them.
// Both show the others.
var (
	OnlyQimen = []int64{10001}
	OnlyOpen  = []int64{10003, 10004, 10005, 10009}
)

// Shop is where an order was placed. Customer is the Kingdee customer for its returns.
type Shop struct {
	ID       int64
	Name     string
	Customer string
}

// Warehouse is where returned goods arrive. Stock is Kingdee's stock for it.
type Warehouse struct {
	ID    int64 // wms_co_id
	Name  string
	Stock string
}

// newShop is too new to be in the sync's tables.
var newShop = Shop{10009, "视频号新店", ""}

// shops and warehouses with their share of the orders, in per cent.
var (
	shops = []struct {
		Shop
		share int
	}{
		{Shop{10001, "天猫旗舰店", "CUST_TMALL"}, 36},
		{Shop{10002, "京东专营店", "CUST_JD"}, 24},
		{Shop{10003, "抖音小店", "CUST_DOUYIN"}, 20},
		{Shop{10004, "拼多多百货店", "CUST_PDD"}, 12},
		{Shop{10005, "快手小店", "CUST_KUAISHOU"}, 8},
	}
	warehouses = []struct {
		Warehouse
		share int
	}{
		{Warehouse{20001, "杭州退货仓", "CK001"}, 45},
		{Warehouse{20002, "广州退货仓", "CK002"}, 30},
		{Warehouse{20003, "成都退货仓", "CK003"}, 15},
		{Warehouse{20009, "武汉退货仓", "CK009"}, 10},
	}
)

// The Kingdee codes in every bill of this merchant.
const (
	Organisation = "100"
	BillType     = "XSTHD01_SYS"
	ReturnType   = "THLX01_SYS"
	OwnerType    = "BD_OwnerOrg"
	Currency     = "PRE001"
	TaxRate      = "13"
)

// The Kingdee codes that depend on a line.
const (
	unitPieces, unitKilograms = "Pcs", "kg"
	stockSound, stockDamaged  = "KCZT01_SYS", "KCZT08_SYS"
)

// product is a style with its variants. A SKU is style and variant, and is the material
// number in Kingdee.
type product struct {
	style, name, price string
	variants           []variant
	byWeight           bool // sold by the kilogram, so quantities are fractional
}

type variant struct{ code, properties string }

var products = []product{
	{"TS1001", "纯棉圆领T恤", "59.90", []variant{{"WH-M", "白色;M"}, {"WH-L", "白色;L"}, {"BK-M", "黑色;M"}, {"BK-L", "黑色;L"}}, false},
	{"JN2003", "高腰牛仔裤", "189.00", []variant{{"26", "深蓝;26"}, {"27", "深蓝;27"}, {"28", "深蓝;28"}, {"29", "浅蓝;29"}}, false},
	{"SH3010", "轻便跑步鞋", "329.00", []variant{{"40", "灰;40"}, {"41", "灰;41"}, {"42", "灰;42"}, {"43", "白;43"}}, false},
	{"CP4002", "316不锈钢保温杯", "88.80", []variant{{"500", "500ml"}, {"750", "750ml"}}, false},
	{"BD5007", "全棉四件套 \"简约\"", "459.00", []variant{{"15", "1.5m床"}, {"18", "1.8m床"}}, false},
	{"NT6001", "散装每日坚果", "66.66", []variant{{"KG", "按公斤"}}, true},
	{"TE6005", "明前龙井", "398.50", []variant{{"KG", "按公斤"}}, true},
	{"EB7001", "无线耳机\\降噪款", "249.00", []variant{{"BK", "黑"}, {"WH", "白"}}, false},
	{"TW8001", "毛巾&浴巾套装", "39.90", []variant{{"3", "3件装"}, {"5", "5件装"}}, false},
	{"UM9001", "晴雨两用伞", "49.00", []variant{{"NV", "藏青"}, {"GR", "墨绿"}, {"PK", "樱粉"}}, false},
}

// gifts are SKUs that are not material numbers: the sync's table maps them to materials.
var gifts = []struct{ sku, name, material string }{
	{"GIFT-BAG", "赠品帆布袋", "9901"},
	{"GIFT-CARD", "赠品贺卡", "9902"},
}

// newSKUs are already sold but not yet in Kingdee.
var newSKUs = []string{"NEW-2401", "NEW-2402", "NEW-2403"}

// Materials returns the material numbers initially in the merchant's Kingdee.
func Materials() []string {
	var numbers []string
	for _, p := range products {
		for _, v := range p.variants {
			numbers = append(numbers, p.sku(v))
		}
	}
	for _, gift := range gifts {
		numbers = append(numbers, gift.material)
	}
	return numbers
}

// Customers returns the customers in the merchant's Kingdee.
func Customers() []string {
	var numbers []string
	for _, s := range shops {
		numbers = append(numbers, s.Customer)
	}
	return numbers
}

// Shops returns the merchant's shops.
func Shops() []Shop {
	all := []Shop{newShop}
	for _, s := range shops {
		all = append(all, s.Shop)
	}
	return all
}

// Warehouses returns the merchant's warehouses.
func Warehouses() (all []Warehouse) {
	for _, w := range warehouses {
		all = append(all, w.Warehouse)
	}
	return all
}

// Stocks returns the stocks in the merchant's Kingdee.
func Stocks() []string {
	var numbers []string
	for _, w := range warehouses {
		numbers = append(numbers, w.Stock)
	}
	return numbers
}

// Names returns the names of the merchant's base data in Kingdee, by number: customers
// are named after their shops, stocks after their warehouses.
func Names() map[string]string {
	names := map[string]string{Organisation: "总公司"}
	for _, s := range shops {
		names[s.Customer] = s.Name
	}
	for _, w := range warehouses {
		names[w.Stock] = w.Name
	}
	for _, p := range products {
		for _, v := range p.variants {
			names[p.sku(v)] = p.name + " " + v.properties
		}
	}
	for _, gift := range gifts {
		names[gift.material] = gift.name
	}
	return names
}

// Units are the base units of the materials in Kingdee.
func Units() map[string]string {
	units := map[string]string{}
	for _, number := range Materials() {
		units[number] = unit(number)
	}
	return units
}

func (p product) sku(v variant) string { return p.style + "-" + v.code }

// unit is Kingdee's unit for a SKU.
func unit(sku string) string {
	for _, p := range products {
		for _, v := range p.variants {
			if p.byWeight && p.sku(v) == sku {
				return unitKilograms
			}
		}
	}
	return unitPieces
}

// material is the material number for a SKU.
func material(sku string) string {
	if i := slices.IndexFunc(gifts, func(gift struct{ sku, name, material string }) bool { return gift.sku == sku }); i >= 0 {
		return gifts[i].material
	}
	return sku
}
