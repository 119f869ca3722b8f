// A signed call that saves.
function signature(secret, text) {
    return Buffer.from(crypto.createHmac("sha256", secret).update(text).digest("hex")).toString("base64");
}
const url = env.get("KINGDEE_URL") + "Kingdee.BOS.WebApi.ServicesStub.DynamicFormService.batchSave.common.kdsvc";
const path = encodeURIComponent(url.replace(/^[a-z]+:\/\/[^/]+/, ""));
const timestamp = String(Math.floor(Date.now() / 1000));
const account = ["KINGDEE_ACCT_ID", "KINGDEE_USERNAME", "KINGDEE_LCID", "KINGDEE_ORG_NUMBER"].map((name) => env.get(name)).join(",");
return {
    url,
    payload: msg.payload,
    headers: {
        "Content-Type": "application/json",
        "X-Api-ClientID": env.get("KINGDEE_CLIENT_ID"),
        "X-Api-Auth-Version": "2.0",
        "x-api-timestamp": timestamp,
        "x-api-nonce": timestamp,
        "x-api-signheaders": "x-api-timestamp,x-api-nonce",
        "X-Api-Signature": signature(env.get("KINGDEE_CLIENT_SECRET"), `POST\n${path}\n\nx-api-nonce:${timestamp}\nx-api-timestamp:${timestamp}\n`),
        "X-Kd-Appkey": env.get("KINGDEE_APP_ID"),
        "X-Kd-Appdata": Buffer.from(account).toString("base64"),
        "X-Kd-Signature": signature(env.get("KINGDEE_APP_SECRET"), env.get("KINGDEE_APP_ID") + account),
    },
};
