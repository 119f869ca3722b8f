// What a run knows: the request that waits for its end, the next page and the last,
// how many pages are being read, what waits to be saved, and how many calls save. The
// number of pages is known before where several are read at a time.
const readers = Number(env.get("READERS"));
const pages = readers > 1 ? Number(env.get("PAGES")) : Infinity;
flow.set("run", { started: msg, ended: false, next: 1, pages, readers, reading: 0, waiting: [], saving: 0 });
return msg;
