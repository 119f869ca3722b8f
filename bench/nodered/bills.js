// The reply of the source becomes the body of one call. Replies can hold raw control
// characters, which JSON forbids.
const reply = JSON.parse(msg.payload.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, "")).response;
if (!reply || !Array.isArray(reply.datas)) {
    throw new Error("the source refused: " + msg.payload);
}
const customers = { 天猫旗舰店: "CUST_TMALL", 京东专营店: "CUST_JD", 抖音小店: "CUST_DOUYIN", 拼多多百货店: "CUST_PDD" };
const stocks = { 20001: "CK001", 20002: "CK002", 20003: "CK003" };
const materials = { "GIFT-BAG": "9901", "GIFT-CARD": "9902" };
// 退货, 拒收退货 and 其它 came back, 换货 and 补发 were sent out.
const returned = ["", "退货", "拒收退货", "其它"];

function line(item, stock) {
    const price = Number(item.price), quantity = Number(item.r_qty);
    return {
        FMaterialId: { FNumber: materials[item.sku_id] || item.sku_id },
        FRealQty: quantity,
        FTaxPrice: price,
        FAmount: Math.round(price * quantity * 100) / 100,
        FIsFree: price === 0,
        FReturnType: { FNumber: "THLX01_SYS" },
        FStockId: { FNumber: stock },
        FOwnerTypeId: "BD_OwnerOrg",
        FOwnerId: { FNumber: "100" },
        FNote: `${item.asi_id} ${item.name || ""} ${item.properties_value || ""}`.trim(),
    };
}

function bill(order) {
    const lines = order.items.filter((item) => returned.includes(item.type || "") && Number(item.r_qty) > 0);
    const received = lines.map((item) => item.receive_date || "").sort().at(-1);
    const date = received || order.confirm_date || order.modified || order.as_date;
    return {
        FBillTypeID: { FNUMBER: "XSTHD01_SYS" },
        FBillNo: String(order.as_id),
        FDate: date.slice(0, 10),
        FSaleOrgId: { FNumber: "100" },
        FStockOrgId: { FNumber: "100" },
        FRetcustId: { FNumber: customers[order.shop_name] || "CUST_ONLINE" },
        FHeadNote: `聚水潭售后单 ${order.as_id} 线上订单 ${order.so_id || ""}`,
        SubHeadEntity: {
            FSettleOrgId: { FNumber: "100" },
            FSettleCurrId: { FNumber: "PRE001" },
            FThirdBillNo: order.outer_as_id || "",
        },
        FEntity: lines.map((item) => line(item, stocks[order.wms_co_id] || "CK900")),
    };
}

const run = flow.get("run");
run.reading--;
// has_next is a bool, "true" or 1.
if (!["true", "1"].includes(String(reply.has_next))) {
    run.pages = Math.min(run.pages, msg.page);
}
run.waiting.push(JSON.stringify({
    formid: "SAL_RETURNSTOCK",
    data: {
        NeedUpDateFields: [],
        NeedReturnFields: [],
        IsDeleteEntry: true,
        SubSystemId: "",
        IsVerifyBaseDataField: true,
        IsEntryBatchFill: true,
        ValidateFlag: true,
        NumberSearch: true,
        IsAutoAdjustField: false,
        InterationFlags: "",
        IgnoreInterationFlag: true,
        IsControlPrecision: false,
        ValidateRepeatJson: false,
        IsAutoSubmitAndAudit: false,
        BatchCount: 5,
        // An order that the flow leaves out has no bill.
        Model: reply.datas.filter((order) => order.type !== "仅退款").map(bill).filter((b) => b.FEntity.length > 0),
    },
}));
return msg;
