// Draws a dashboard of deploy/grafana with the figures of a Prometheus, in Chromium,
// and takes a picture. It needs node, npm and chromium (Debian's packages).
//
//	npm install --prefix tools/dashboards --legacy-peer-deps
//	node tools/dashboards/picture.mjs business http://127.0.0.1:9090 8m docs/images/grafana-business.png
//
// The third argument is how far back from now; a moment to end at, as a Unix time in
// seconds, may follow the picture. It fails where a query does, and says which panels
// have no data.
import { build } from 'esbuild';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const [board, prometheus, back, picture, end = Date.now() / 1000] = process.argv.slice(2);
const [, count, unit] = /^(\d+)([mhd])$/.exec(back);
const seconds = count * { m: 60, h: 3600, d: 86400 }[unit];

const bundle = await build({
  entryPoints: [fileURLToPath(new URL('board.jsx', import.meta.url))], outdir: '/', write: false,
  bundle: true, format: 'esm', jsx: 'automatic', logLevel: 'warning',
  define: { 'process.env.NODE_ENV': '"production"' }, loader: { '.svg': 'dataurl', '.ttf': 'dataurl' },
});
const files = {
  '/': ['text/html; charset=utf-8', '<!doctype html><link rel="stylesheet" href="/board.css"><link rel="icon" href="data:,">'
    + '<body style="margin:0"><div id="board"></div><script type="module" src="/board.js"></script>'],
  '/board.js': ['text/javascript', bundle.outputFiles.find(file => file.path.endsWith('.js')).contents],
  '/board.css': ['text/css', bundle.outputFiles.find(file => file.path.endsWith('.css')).contents],
  '/board.json': ['application/json', await readFile(new URL(`../../deploy/grafana/${board}.json`, import.meta.url))],
};
const server = createServer(async (request, reply) => {
  if (request.url.startsWith('/api/v1/')) {
    reply.end(Buffer.from(await (await fetch(prometheus + request.url)).arrayBuffer()));
    return;
  }
  const [type, content] = files[new URL(request.url, 'http://localhost').pathname] ?? [];
  reply.writeHead(type ? 200 : 404, { 'Content-Type': type ?? 'text/plain' });
  reply.end(content);
});
await new Promise(listening => server.listen(0, '127.0.0.1', listening));

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'] });
const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, timezoneId: 'Asia/Shanghai', locale: 'zh-CN' });
page.on('pageerror', error => { console.error(error.message); process.exitCode = 1; });
await page.goto(`http://127.0.0.1:${server.address().port}/?from=${(end - seconds) * 1000}&to=${end * 1000}`);
await page.waitForSelector('[data-left="0"]', { timeout: 60_000 });
for (const { panel, series, failure } of await page.$$eval('[data-panel]', all => all.map(element => ({ ...element.dataset })))) {
  if (failure) {
    console.error(`${panel}: ${failure}`);
    process.exitCode = 1;
  } else if (series === '0') {
    console.log(`no data: ${panel}`);
  }
}
await (await page.$('[data-left]')).screenshot({ path: picture });
await browser.close();
server.close();
