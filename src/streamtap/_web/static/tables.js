// The tables of agents, models and tools.

import { byId, make } from './elements.js';
import { count, dollars, missing, rate, seconds } from './numbers.js';

const number = (value, unit = count) => ({ text: unit(value) });
const unlessNone = (value, kind) => (value ? { text: count(value), class: kind } : { text: missing, class: 'none' });

const COLUMNS = {
  agents: [
    ['runs', (row) => number(row.count)],
    ['nested', (row) => unlessNone(row.nested, '')],
    ['now', (row) => unlessNone(row.now, '')],
    ['failed', (row) => unlessNone(row.failed, 'bad')],
    ['cancelled', (row) => unlessNone(row.cancelled, '')],
    ['blank screen', (row) => number(row.first[0], seconds)],
    ['p95', (row) => number(row.first[1], seconds)],
    ['run', (row) => number(row.duration[0], seconds)],
    ['cost', (row) => number(row.cost, dollars)],
    ['with called', (row) => number(row.total_cost, dollars)],
  ],
  models: [
    ['requests', (row) => number(row.count)],
    ['stalled', (row) => unlessNone(row.stalled, 'warn')],
    ['failed', (row) => unlessNone(row.failed, 'bad')],
    ['cancelled', (row) => unlessNone(row.cancelled, '')],
    ['TTFT', (row) => number(row.first[0], seconds)],
    ['p95', (row) => number(row.first[1], seconds)],
    ['tokens/s', (row) => number(row.speed[0], rate)],
    ['cost', (row) => number(row.cost, dollars)],
  ],
  tools: [
    ['calls', (row) => number(row.count)],
    ['now', (row) => unlessNone(row.now, '')],
    ['failed', (row) => unlessNone(row.failed, 'bad')],
    ['median', (row) => number(row.duration[0], seconds)],
    ['p95', (row) => number(row.duration[1], seconds)],
  ],
};

export function headTables() {
  for (const [id, columns] of Object.entries(COLUMNS)) {
    const titles = [id.slice(0, -1), ...columns.map(([title]) => title)];
    byId(id).tHead.append(make('tr', {}, titles.map((text) => make('th', { text, scope: 'col' }))));
  }
}

export function showTables(groups) {
  for (const [id, columns] of Object.entries(COLUMNS)) {
    const rows = groups[id].map((row) => {
      const cells = columns.map(([, cell]) => make('td', cell(row)));
      return make('tr', {}, [rowHead(row), ...cells]);
    });
    const none = { text: 'none in the last 15 minutes', class: 'none', colspan: columns.length + 1 };
    byId(id).tBodies[0].replaceChildren(...(rows.length ? rows : [make('tr', {}, [make('td', none)])]));
  }
}

function rowHead({ agent, name }) {
  const where = agent ? [make('span', { class: 'soft', text: `${agent}/` })] : [];
  return make('th', { scope: 'row', title: name }, [...where, name]);
}
