// The page that picture.mjs takes the picture of: each panel drawn by the component
// that Grafana draws it with, its queries answered by Prometheus.
import 'uplot/dist/uPlot.min.css';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import {
  applyFieldOverrides, createTheme, dateTime, FieldConfigOptionsRegistry, FieldType,
  getDisplayProcessor, identityOverrideProcessor, reduceField, VizOrientation,
} from '@grafana/data';
import { BarGauge, BigValue, GlobalStyles, PanelChrome, ThemeContext, TimeSeries, VizRepeater } from '@grafana/ui';

const theme = createTheme({ colors: { mode: 'light' } });
const parameters = new URLSearchParams(location.search);
const from = dateTime(+parameters.get('from')), to = dateTime(+parameters.get('to'));
const timeRange = { from, to, raw: { from, to } };
const column = window.innerWidth / 24, row = 38;

// The properties that overrides may set; a Grafana server registers them with its panels.
const registry = new FieldConfigOptionsRegistry(() => [
  'unit', 'decimals', 'min', 'max', 'noValue', 'color', 'thresholds', 'custom.drawStyle', 'custom.lineWidth', 'custom.lineStyle',
  'custom.fillOpacity', 'custom.showPoints', 'custom.spanNulls', 'custom.stacking',
].map(id => ({
  id, path: id.replace('custom.', ''), isCustom: id.startsWith('custom.'), name: id,
  process: identityOverrideProcessor, shouldApply: () => true, getItemsCount: () => 0,
})));

async function ask(path, query) {
  const reply = await (await fetch(`api/v1/${path}?` + new URLSearchParams(query))).json();
  if (reply.status !== 'success') { throw new Error(reply.error); }
  return reply.data.result;
}

function interpolate(expr, interval) {
  const seconds = Math.round((to - from) / 1000);
  return expr.replaceAll('$__rate_interval', `${interval}s`).replaceAll('$__range', `${seconds}s`).replaceAll(/"\$(flow|instance|{company:pipe})"/g, '".*"');
}

async function query(panel) {
  const step = Math.max(5, Math.ceil((to - from) / 1000 / 220 / 5) * 5);
  const frames = [];
  for (const target of panel.targets) {
    const expr = interpolate(target.expr, Math.max(step * 4, 60));
    const series = target.instant
      ? (await ask('query', { query: expr, time: to / 1000 })).map(s => ({ metric: s.metric, values: [s.value] }))
      : await ask('query_range', { query: expr, start: from / 1000, end: to / 1000, step });
    for (const { metric, values } of series) {
      const name = target.legendFormat.replaceAll(/{{(\w+)}}/g, (_, label) => metric[label] ?? '');
      const at = new Map(values.map(([time, value]) => [Math.round(time * 1000), +value]));
      const times = target.instant ? [...at.keys()] : Array.from({ length: Math.floor((to - from) / 1000 / step) + 1 }, (_, i) => +from + i * step * 1000);
      frames.push({
        refId: target.refId, length: times.length,
        fields: [
          { name: 'Time', type: FieldType.time, config: { interval: step * 1000 }, values: times },
          { name, type: FieldType.number, labels: metric, config: { displayNameFromDS: name }, values: times.map(t => Number.isFinite(at.get(t)) ? at.get(t) : null) },
        ],
      });
    }
  }
  return applyFieldOverrides({ data: frames, fieldConfig: panel.fieldConfig, fieldConfigRegistry: registry, replaceVariables: v => v, theme, timeZone: 'Asia/Shanghai' });
}

function values(frames) {
  return frames.map(frame => {
    const field = frame.fields[1];
    const display = field.display ?? getDisplayProcessor({ field, theme });
    const value = display(reduceField({ field, reducers: ['lastNotNull'] }).lastNotNull);
    return { field: field.config, display, value: { ...value, title: field.config.displayName ?? field.config.displayNameFromDS } };
  });
}

function Drawing({ panel, frames, width, height }) {
  if (panel.type === 'timeseries') {
    return <TimeSeries frames={frames} structureRev={1} timeRange={timeRange} timeZone="Asia/Shanghai" width={width} height={height} legend={panel.options.legend} options={panel.options} />;
  }
  const source = values(frames);
  if (panel.type === 'stat') {
    return <VizRepeater source={source} width={width} height={height} orientation={VizOrientation.Auto} getValues={() => source} renderCounter={0}
      renderValue={({ value, width, height, count }) => <BigValue value={value.value} width={width} height={height} theme={theme}
        colorMode={panel.options.colorMode} graphMode={panel.options.graphMode} justifyMode={panel.options.justifyMode} textMode={count > 1 ? 'value_and_name' : panel.options.textMode} />} />;
  }
  return <VizRepeater source={source} width={width} height={height} orientation={VizOrientation.Horizontal} getValues={() => source} renderCounter={0} itemSpacing={8} minVizHeight={16}
    renderValue={({ value, width, height }) => <BarGauge {...value} width={width} height={height} theme={theme} orientation={VizOrientation.Horizontal}
      displayMode={panel.options.displayMode} valueDisplayMode={panel.options.valueMode} namePlacement={panel.options.namePlacement} showUnfilled={panel.options.showUnfilled} />} />;
}

function Panel({ panel, done }) {
  const [frames, setFrames] = useState();
  const [failure, setFailure] = useState();
  useEffect(() => { query(panel).then(setFrames, e => setFailure(e.message)).finally(() => setTimeout(done, 300)); }, []);
  const { x, y, w, h } = panel.gridPos;
  return <div data-panel={panel.title} data-series={frames?.length ?? 0} data-failure={failure} style={{ position: 'absolute', left: x * column + 4, top: y * row + 48 }}>
    <PanelChrome title={panel.title} width={w * column - 8} height={h * row - 8} statusMessage={failure}>
      {(width, height) => frames?.length ? <Drawing {...{ panel, frames, width, height }} /> : <div style={{ padding: 16 }}>No data</div>}
    </PanelChrome>
  </div>;
}

function Board({ board }) {
  const [left, setLeft] = useState(board.panels.length);
  const height = Math.max(...board.panels.map(p => p.gridPos.y + p.gridPos.h)) * row + 56;
  return <div data-left={left} style={{ position: 'relative', height, background: theme.colors.background.canvas }}>
    <div style={{ padding: '12px 12px 0', fontSize: 18 }}>{board.title}</div>
    {board.panels.map(panel => <Panel key={panel.id} panel={panel} done={() => setLeft(n => n - 1)} />)}
  </div>;
}

const board = await (await fetch('board.json')).json();
createRoot(document.getElementById('board')).render(
  <ThemeContext.Provider value={theme}><GlobalStyles /><Board board={board} /></ThemeContext.Provider>);
