// Begins what can begin: four calls that save, and as many pages as are to be read at
// a time. Pages are read ahead of the calls, but no further than one a call.
const run = flow.get("run");
const saves = [], reads = [];
while (run.waiting.length > 0 && run.saving < 4) {
    run.saving++;
    saves.push({ payload: run.waiting.shift() });
}
while (run.next <= run.pages && run.reading < run.readers && run.waiting.length < 4) {
    run.reading++;
    reads.push({ page: run.next++ });
}
if (run.ended || run.next <= run.pages || run.reading + run.saving + run.waiting.length > 0) {
    return [reads, saves, null];
}
run.ended = true;
return [null, null, { ...run.started, payload: "" }];
