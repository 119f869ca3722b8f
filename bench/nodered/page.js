// A signed question for one page.
const beijing = new Date(Date.now() + 8 * 3600 * 1000).toISOString();
const parameters = {
    method: "jushuitan.refund.list.query",
    app_key: env.get("JUSHUITAN_APP_KEY"),
    target_app_key: "23060081",
    customer_id: env.get("JUSHUITAN_CUSTOMER_ID"),
    timestamp: beijing.slice(0, 10) + " " + beijing.slice(11, 19),
    format: "json",
    v: "2.0",
    sign_method: "md5",
    page_index: String(msg.page),
    page_size: "50",
    start_time: env.get("START_TIME"),
    end_time: env.get("END_TIME"),
    date_type: "0",
    status: "Confirmed",
    good_status: "SELLER_RECEIVED",
};
const secret = env.get("JUSHUITAN_APP_SECRET");
const signed = Object.keys(parameters).sort().map((name) => name + parameters[name]).join("");
parameters.sign = crypto.createHash("md5").update(secret + signed + secret).digest("hex").toUpperCase();
return {
    page: msg.page,
    url: env.get("JUSHUITAN_URL"),
    headers: { "Content-Type": "application/x-www-form-urlencoded; charset=utf-8" },
    payload: new URLSearchParams(parameters).toString(),
};
