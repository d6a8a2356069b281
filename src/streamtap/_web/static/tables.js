// The tables of errors, agents, models, tools and the user's labels.

import { filterButton } from './buttons.js';
import { byId, make } from './elements.js';
import { keyOf, OTHER, whereInWords } from './filters.js';
import { named } from './names.js';
import { clock, count, dollars, missing, percent, rate, seconds } from './numbers.js';
import { SortedTable } from './sorted-table.js';

const number = (title, value, unit = count) => ({ title, value, show: (one) => ({ text: unit(one) }) });
/** A column with a word on what it shows. */
const told = (hint, column) => ({ ...column, hint });
const names = (title, value) => ({ title, value, isName: true, show: (one) => ({ text: one || missing, class: 'text' }) });
const unlessNone = (title, value, kind = '') => ({
  title,
  value,
  show: (one) => (one ? { text: count(one), class: kind } : { text: missing, class: 'none' }),
});

const failed = { ...unlessNone('failed', (row) => row.failed, 'bad'), tellsNone: true };
const cancelled = unlessNone('cancelled', (row) => row.cancelled);
const now = unlessNone('now', (row) => row.now);
const p95 = (title, value) => number(title, (row) => value(row)[1], seconds);
/** A column that is left out where there is no room, those of the least worth first. */
const worth = (value, column) => ({ ...column, worth: value });
/** Columns that are there only where a row has something for them. */
const rare = (column) => ({ ...column, isRare: true });
const share = (title, value) => rare(worth(2, number(title, value, percent)));
const again = rare(worth(3, unlessNone('again', (row) => row.again || null, 'warn')));
const objective = share('objective', (row) => row.objective);
const context = share('context', (row) => row.context);
const median = (title, value) => number(title, (row) => value(row)[0], seconds);

const steps = ([first, last]) => (first === last ? `${first}` : `${first}–${last}`);

/** Of tools: the time of one that calls another agent is in that agent's row. */
const itsOwn = { value: ({ calls }) => (calls.length ? 0 : 1) };
const called = (agents) => make('span', { class: 'soft calls' }, ['calls ', named(agents.join(', '))]);

const TIMED = 'Of calls that ended by themselves: how long an interrupted one would have taken is not known';
const ENDED = 'Of runs that have ended';

const TABLES = {
  errors: {
    name: 'error',
    columns: [
      names('where', (row) => whereInWords(row.group)),
      rare(worth(2, { ...number('step', (row) => row.steps && row.steps[0]), show: (one, row) => ({ text: one === null ? missing : steps(row.steps) }) })),
      worth(3, names('agent', (row) => row.group[0])),
      { ...number('runs', (row) => row.count), show: (one) => ({ text: count(one), class: 'bad' }) },
      worth(1, number('first', (row) => row.first, clock)),
      number('last', (row) => row.last, clock),
    ],
    hurts: ['runs', 'last'],
    head: (row) => [filterButton(['error', ...row.group], row.name)],
  },
  agents: {
    name: 'agent',
    columns: [
      number('runs', (row) => row.count - row.nested),
      worth(9, unlessNone('nested', (row) => row.nested)),
      worth(5, now),
      failed,
      worth(4, cancelled),
      median('blank screen', (row) => row.first),
      worth(8, p95('blank p95', (row) => row.first)),
      median('run', (row) => row.duration),
      objective,
      again,
      context,
      told(ENDED, number('cost', (row) => row.cost, dollars)),
      worth(7, told(ENDED, number('with called', (row) => row.total_cost, dollars))),
    ],
    hurts: ['failed', 'run'],
    head: (row) => [filterButton(['agent', row.name], row.name)],
  },
  models: {
    name: 'model',
    columns: [
      worth(8, number('requests', (row) => row.count)),
      told('Open requests that are silent now', unlessNone('stalled now', (row) => row.stalled, 'warn')),
      told('Stalls of responses that have ended', unlessNone('stalls', (row) => row.stalls)),
      worth(7, told('How long these stalls took together', number('stalled', (row) => row.stall_seconds || null, seconds))),
      failed,
      worth(4, cancelled),
      median('TTFT', (row) => row.first),
      worth(5, p95('TTFT p95', (row) => row.first)),
      worth(6, number('tokens/s', (row) => row.speed[0], rate)),
      share('hits', (row) => row.hits),
      context,
      number('cost', (row) => row.cost, dollars),
    ],
    hurts: ['stalled now', 'failed', 'TTFT p95'],
    head: (row) => [filterButton(['model', row.name], row.name)],
  },
  tools: {
    name: 'tool',
    columns: [
      worth(5, names('agent', (row) => row.agent)),
      number('calls', (row) => row.count),
      worth(2, now),
      failed,
      rare(worth(3, unlessNone('retried', (row) => row.retried || null))),
      rare(worth(1, unlessNone('interrupted', (row) => row.interrupted || null))),
      again,
      worth(4, told(TIMED, median('median', (row) => row.duration))),
      told(TIMED, p95('p95', (row) => row.duration)),
    ],
    hurts: ['failed', itsOwn, 'p95'],
    head: ({ agent, name, calls }) => [filterButton(['tool', agent, name], name), ...(calls.length ? [called(calls)] : [])],
  },
};

const ofLabel = (label) => ({
  name: 'value',
  columns: [
    number('runs', (row) => row.count),
    failed,
    worth(3, cancelled),
    median('blank screen', (row) => row.first),
    worth(5, p95('blank p95', (row) => row.first)),
    median('run', (row) => row.duration),
    worth(4, p95('run p95', (row) => row.duration)),
    objective,
    number('cost', (row) => row.total_cost, dollars),
  ],
  hurts: ['failed', 'cost'],
  head: ({ name }) => [filterButton(['label', label, name], name)],
});

const keyed = (row, names) => ({ ...row, key: keyOf(names), isRest: row.name === OTHER });

const TITLES = { errors: 'Errors', agents: 'Agents', models: 'Models', tools: 'Tools' };

export class Tables {
  #tables = Object.entries(TABLES).map(([id, its]) => [id, new SortedTable(byId(id), its)]);
  #labels = new Map();
  #room = new ResizeObserver(() => requestAnimationFrame(() => this.#fit()));

  constructor() {
    this.#room.observe(byId('tables'));
  }

  /** Shows an event's figures; `lately` says of what time they are, and `since` from when the errors are. */
  show(figures, lately, since) {
    const began = figures.at - figures.age;
    const rows = {
      ...figures,
      errors: figures.errors.map((row) => ({
        ...row, name: row.group[1], first: began + row.first, last: began + row.last,
      })),
    };
    for (const [id, table] of this.#tables) {
      table.update(rows[id].map((row) => keyed(row, row.group ?? [row.agent, row.name, row.kind, ...(row.calls ?? [])])), TITLES[id], make('span', { class: 'soft', text: id === 'errors' ? since : lately }));
    }
    this.#showLabels(figures.labels, lately);
  }

  #fit() {
    for (const [, table] of this.#tables) table.fit();
    for (const { table } of this.#labels.values()) table.fit();
  }

  #showLabels(labels, lately) {
    const rows = new Map(labels.map((one) => [one.label, one.rows]));
    for (const [label, { box }] of this.#labels) {
      // All are missing after a quiet time, and some after a restart of the process.
      if (rows.size && !rows.has(label)) {
        box.remove();
        this.#labels.delete(label);
      }
    }
    for (const label of rows.keys()) if (!this.#labels.has(label)) this.#add(label);
    for (const [label, { table }] of this.#labels) {
      const its = rows.get(label) ?? [];
      table.update(its.map((row) => keyed(row, [row.name])), `By ${label}`, make('span', { class: 'soft', text: lately }));
    }
  }

  #add(label) {
    const element = make('table');
    const box = make('div', { class: 'table' }, [element]);
    this.#labels.set(label, { box, table: new SortedTable(element, ofLabel(label)) });
    byId('tables').append(box);
  }
}
