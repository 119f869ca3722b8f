// What fails ends the run: what is under way is lost.
const run = flow.get("run");
run.pages = 0;
if (run.ended) {
    return null;
}
run.ended = true;
return { ...run.started, statusCode: 500, payload: msg.error.message };
