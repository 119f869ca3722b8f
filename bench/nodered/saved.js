// A call has ended.
flow.get("run").saving--;
if (!JSON.parse(msg.payload).Result.ResponseStatus.IsSuccess) {
    throw new Error("Kingdee refused: " + msg.payload);
}
return msg;
