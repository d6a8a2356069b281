// The live view. Everything that it shows comes as events of /events, and enters the page as text only.
'use strict';

const KEPT = 200;
const SHOWN = 16;
const WORDS = {
  waiting: 'waiting', thinking: 'thinking', text: 'text', streaming: 'writing', tool_call: 'writing a tool call', tool: 'tool',
  native_tool: "provider's tool", model: 'not streamed', stall: 'stall',
};
const byId = (id) => document.getElementById(id);

/** An element with text, attributes and children; text never becomes markup. */
function make(tag, { text, data, ...attributes } = {}, children = []) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value);
  Object.assign(made.dataset, data);
  made.append(...children);
  return made;
}

// How numbers read

const missing = '–';
function seconds(value) {
  if (value === null || value === undefined) return missing;
  if (value > 0 && value < 0.001) return '<1 ms';
  if (value < 0.9995) return `${Math.round(value * 1000)} ms`;
  if (value < 9.995) return `${value.toFixed(2)} s`;
  if (value < 59.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  return whole < 3600 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
function dollars(value) {
  if (value === null || value === undefined) return missing;
  return `$${value.toFixed(value >= 100 ? 0 : value >= 1 ? 2 : value >= 0.01 ? 3 : value === 0 ? 2 : 5)}`;
}
const rate = (value) => (value === null || value === undefined ? missing : value.toFixed(value < 10 ? 1 : 0));
const count = (value) => (value === null || value === undefined ? missing : value.toLocaleString('en'));
const clock = (unix) => new Date(unix * 1000).toLocaleTimeString('en-GB');
const plural = (number, word) => `${count(number)} ${word}${number === 1 ? '' : 's'}`;

// The small charts

const SVG = 'http://www.w3.org/2000/svg';
function shape(tag, attributes) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
const FEWEST_SLOTS = 12;
function spark(slots, value, { bars = false, bad = () => 0 } = {}) {
  const wide = Math.max(FEWEST_SLOTS, slots.length);
  const svg = shape('svg', { class: 'spark', viewBox: `0 0 ${wide} 20`, preserveAspectRatio: 'none', 'aria-hidden': 'true' });
  const values = slots.map(value);
  const top = Math.max(...values.filter((one) => one !== null), 1e-9);
  const x = (index) => wide - slots.length + index;
  svg.append(shape('line', { x1: 0, x2: wide, y1: 20, y2: 20 }));
  if (bars) {
    slots.forEach((slot, index) => {
      const height = (20 * (values[index] || 0)) / top;
      const wrong = (20 * bad(slot)) / top;
      if (height) svg.append(shape('rect', { x: x(index) + 0.1, width: 0.8, y: 20 - height, height }));
      if (wrong) svg.append(shape('rect', { class: 'bad', x: x(index) + 0.1, width: 0.8, y: 20 - wrong, height: wrong }));
    });
    return svg;
  }
  let path = '';
  let drawing = false;
  values.forEach((one, index) => {
    if (one === null) drawing = false;
    else {
      const at = `${x(index) + 0.5} ${(19 - (18 * one) / top).toFixed(2)}`;
      // A point alone would be invisible: it is a short stroke.
      path += drawing ? `L${at}` : `M${at}h.01`;
      drawing = true;
    }
  });
  svg.append(shape('path', { d: path }));
  return svg;
}

function showFigures({ now, slots }) {
  const show = (name, value, note, chart, bad) => {
    const card = document.querySelector(`[data-figure='${name}']`);
    card.querySelector('.value').textContent = value;
    const line = card.querySelector('.note');
    line.replaceChildren(...(bad ? [make('span', { class: 'bad', text: bad })] : []), note);
    card.querySelector('.spark')?.remove();
    if (chart) card.append(chart);
  };
  const p95 = (spread, unit) => (spread[1] === null ? 'nothing measured yet' : `median; p95 ${unit(spread[1])}`);
  const stalled = now.stalled ? `${count(now.stalled)} stalled  ` : '';
  show('in_progress', count(now.in_progress), `${plural(now.requests, 'request')}, ${plural(now.tools, 'tool')}`, null, stalled);
  show('first_token', seconds(now.first_token[0]), p95(now.first_token, seconds), spark(slots, (slot) => slot.first_token));
  show('first_output', seconds(now.first_output[0]), p95(now.first_output, seconds), spark(slots, (slot) => slot.first_output));
  show('speed', rate(now.speed[0]), now.speed[0] === null ? p95(now.speed, rate) : `median; ${count(now.output)} tokens out`, spark(slots, (slot) => slot.speed));
  const wrong = now.not_ok ? `${count(now.not_ok)} not ok  ` : '';
  show('runs', count(now.runs), now.runs ? `median ${seconds(now.duration[0])}` : 'none yet',
    spark(slots, (slot) => slot.runs, { bars: true, bad: (slot) => slot.not_ok }), wrong);
  const each = now.cost === null || !now.runs ? 'nothing priced yet' : `${dollars(now.cost / now.runs)} a run`;
  show('cost', dollars(now.cost), each, spark(slots, (slot) => slot.cost || 0, { bars: true }));
}

// The tables

const PLAIN = (text) => ({ text });
const SMALL = (number, kind) => (number ? { text: count(number), class: kind } : { text: missing, class: 'none' });
const TABLES = {
  agents: [
    ['runs', (row) => PLAIN(count(row.count))], ['now', (row) => SMALL(row.now, '')], ['not ok', (row) => SMALL(row.failed, 'bad')],
    ['blank screen', (row) => PLAIN(seconds(row.first[0]))], ['p95', (row) => PLAIN(seconds(row.first[1]))],
    ['run', (row) => PLAIN(seconds(row.duration[0]))], ['cost', (row) => PLAIN(dollars(row.cost))],
  ],
  models: [
    ['requests', (row) => PLAIN(count(row.count))], ['stalled', (row) => SMALL(row.stalled, 'warn')], ['failed', (row) => SMALL(row.failed, 'bad')],
    ['TTFT', (row) => PLAIN(seconds(row.first[0]))], ['p95', (row) => PLAIN(seconds(row.first[1]))],
    ['tokens/s', (row) => PLAIN(rate(row.speed[0]))], ['cost', (row) => PLAIN(dollars(row.cost))],
  ],
  tools: [
    ['calls', (row) => PLAIN(count(row.count))], ['now', (row) => SMALL(row.now, '')], ['not ok', (row) => SMALL(row.failed, 'warn')],
    ['median', (row) => PLAIN(seconds(row.duration[0]))], ['p95', (row) => PLAIN(seconds(row.duration[1]))],
  ],
};
for (const [id, columns] of Object.entries(TABLES)) {
  const heads = [id.slice(0, -1), ...columns.map(([title]) => title)].map((text) => make('th', { text, scope: 'col' }));
  byId(id).tHead.append(make('tr', {}, heads));
}
function showTables(now) {
  for (const [id, columns] of Object.entries(TABLES)) {
    const rows = now[id].map((row) => {
      const where = row.agent ? [make('span', { class: 'soft', text: `${row.agent}/` })] : [];
      const name = make('th', { scope: 'row', title: row.name }, [...where, row.name]);
      return make('tr', {}, [name, ...columns.map(([, cell]) => make('td', cell(row)))]);
    });
    const none = make('tr', {}, [make('td', { text: 'none in the last 15 minutes', class: 'none', colspan: columns.length + 1 })]);
    byId(id).tBodies[0].replaceChildren(...(rows.length ? rows : [none]));
  }
}

// Where the time of a run went

const nested = (run) => run.nested.flatMap((one) => [one, ...nested(one)]);
const isBad = (outcome) => ['error', 'timeout', 'limit'].includes(outcome);
const mood = (outcome) => (outcome === 'success' ? 'ok' : outcome === 'running' ? 'running' : isBad(outcome) ? 'bad' : 'warn');
const longest = (rows, size) => rows.reduce((best, row) => (size(row) > (best ? size(best) : 0) ? row : best), null);

/** What most of a run's time was, in a few words, and how bad that is. */
function verdict(run) {
  const stalled = longest(run.rows, (row) => row.stall_seconds || 0);
  if (run.outcome === 'running') {
    const open = run.rows.filter((row) => row.outcome === 'running');
    const silent = open.find((row) => row.stalled);
    if (silent) return [silent.stalled === 'mid_stream' ? `${silent.name} is stalled` : `${silent.name} has not begun`, 'warn'];
    const doing = open.map((row) => (row.sort === 'tool' ? `tool ${row.name}` : row.chunks ? `${row.name} writing` : `waiting for ${row.name}`));
    return [[...new Set(doing)].join(', ')];
  }
  if (run.outcome !== 'success') return [run.error || run.outcome, isBad(run.outcome) ? 'bad' : 'warn'];
  const [phase, spent] = Object.entries(run.phases).reduce((best, one) => (one[1] > best[1] ? one : best), ['other', 0]);
  const share = run.duration ? `${Math.round((100 * spent) / run.duration)} %` : '';
  if (stalled && stalled.stall_seconds > run.duration / 4) return [`${seconds(stalled.stall_seconds)} stalled in ${stalled.name}`, 'warn'];
  const requests = run.rows.filter((row) => row.sort === 'request');
  const tool = longest(run.rows.filter((row) => row.sort === 'tool'), (row) => row.duration || 0);
  const slow = longest(requests, (row) => (phase === 'wait' ? row.first : row.duration) || 0);
  const of = {
    wait: slow && `waiting for ${slow.name}`, stream: slow && `${slow.name} writing`, model: slow && slow.name,
    tools: tool && `tool ${tool.name}`, native_tools: "the provider's tools", consumer: 'your own handling of events', queue: 'the queue',
  };
  return [`${share} ${of[phase] || phase}`];
}

function rowTip(row) {
  const lines = [`${row.name}: ${seconds(row.duration)} from ${seconds(row.start)}`];
  if (row.outcome !== 'success') lines.push(row.error ? `${row.outcome}: ${row.error}` : row.outcome);
  if (row.sort === 'request') {
    if (row.first !== undefined && row.first !== null) lines.push(`first token after ${seconds(row.first)}`);
    if (row.speed) lines.push(`${rate(row.speed)} tokens/s`);
    if (row.output !== undefined && row.output !== null) lines.push(`${count(row.input)} tokens in, ${count(row.output)} out, ${dollars(row.cost)}`);
    if (row.stalls) lines.push(`${plural(row.stalls, 'stall')}, ${seconds(row.stall_seconds)} together`);
    if (row.chunks) lines.push(`${plural(row.chunks, 'chunk')} so far`);
  }
  return lines.join('\n');
}

/** The bars of one row: each carries what it says when it is pointed at or focused. */
function bars(row, total, focusable) {
  const percent = (value) => `${Math.min(100, Math.max(0, (100 * value) / (total || 1)))}%`;
  const rest = rowTip(row);
  const bar = (kind, start, length, said) => {
    const made = make('span', { class: `seg ${kind}`, data: { tip: `${said}\n${rest}` } });
    made.style.left = percent(start);
    if (length !== null) made.style.width = percent(length);
    if (focusable) {
      made.setAttribute('role', 'img');
      made.setAttribute('aria-label', `${said}. ${rest.replaceAll('\n', ', ')}`);
      made.tabIndex = -1;
    }
    return made;
  };
  const made = row.bars.map(([kind, start, length]) => bar(kind, start, length, `${WORDS[kind]} ${seconds(length)}`));
  made.push(...row.marks.map((at) => bar('stall-mark', at, null, `a stall begins at ${seconds(at)}`)));
  if (isBad(row.outcome) || row.outcome === 'failed' || row.outcome === 'retried') {
    made.push(bar('failed', Math.min(row.start + (row.duration || 0), total * 0.997), null, row.error || row.outcome));
  }
  return made;
}

// One run in the list

class RunItem {
  constructor(run) {
    this.cells = Object.fromEntries(['agent', 'time', 'why', 'tokens', 'cost', 'when'].map((name) => [name, make('span', { class: name })]));
    for (const name of ['time', 'tokens', 'cost', 'when']) this.cells[name].classList.add('number');
    this.mark = make('span');
    this.span = make('span', { class: 'span' });
    const track = make('span', { class: 'track', 'aria-hidden': 'true' }, [this.span]);
    const { agent, time, why, tokens, cost, when } = this.cells;
    this.button = make('button', { type: 'button', class: 'run run-grid', 'aria-expanded': 'false' }, [this.mark, agent, track, time, why, tokens, cost, when]);
    this.element = make('li', {}, [this.button]);
    this.button.addEventListener('click', () => this.toggle());
    this.update(run);
  }

  update(run) {
    if (this.run === run) return;
    this.run = run;
    this.mark.className = `mark ${mood(run.outcome)}`;
    this.mark.title = run.outcome;
    const [why, tone] = verdict(run);
    const tokens = run.outcome === 'running' ? null : run.input + run.output;
    this.cells.agent.textContent = run.agent;
    this.cells.time.textContent = seconds(run.duration);
    this.cells.why.replaceChildren(make('span', { class: tone, text: why, title: why }));
    this.cells.tokens.textContent = count(tokens);
    this.cells.cost.textContent = dollars(run.cost);
    this.cells.when.textContent = clock(run.started);
    const said = `${run.agent}, ${run.outcome}, ${seconds(run.duration)}, ${why}, cost ${dollars(run.cost)}, at ${clock(run.started)}`;
    this.button.setAttribute('aria-label', said);
    const inOrder = [...run.rows].sort((one, other) => (one.sort === 'tool') - (other.sort === 'tool'));
    this.span.replaceChildren(...inOrder.flatMap((row) => bars(row, run.duration, false)));
    if (this.detail) this.drawDetail();
  }

  scale(total) {
    this.span.style.width = `${Math.min(100, (100 * this.run.duration) / total)}%`;
  }

  toggle() {
    if (this.detail) {
      this.detail.remove();
      this.detail = null;
    } else {
      this.detail = make('div', { class: 'detail', role: 'group', 'aria-label': `Waterfall of a run of ${this.run.agent}` });
      this.element.append(this.detail);
      this.drawDetail();
    }
    this.button.setAttribute('aria-expanded', String(Boolean(this.detail)));
  }

  drawDetail() {
    const isTableOpen = this.detail.querySelector('details')?.open;
    const focused = [...this.detail.querySelectorAll('.seg')].indexOf(document.activeElement);
    this.detail.replaceChildren(facts(this.run), ...waterfall(this.run), asTable(this.run));
    this.detail.querySelector('details').open = Boolean(isTableOpen);
    const segments = this.detail.querySelectorAll('.seg');
    if (segments.length) segments[0].tabIndex = 0;
    if (focused >= 0) segments[Math.min(focused, segments.length - 1)]?.focus();
  }
}

function copyable(name, value) {
  const button = make('button', { type: 'button', class: 'copy', text: 'Copy', 'aria-label': `Copy the ${name}`, data: { copy: value } });
  return [make('code', { text: value }), button];
}

function facts(run) {
  const list = make('dl', { class: 'facts' });
  const fact = (name, ...what) => list.append(make('div', {}, [make('dt', { text: name }), make('dd', {}, what)]));
  fact('outcome', run.error ? `${run.outcome}: ${run.error}` : run.outcome);
  if (run.outcome !== 'running') {
    fact('first output', seconds(run.first_output));
    fact('requests', count(run.requests));
    fact('tools', count(run.tools));
    fact('tokens', `${count(run.input)} in, ${count(run.output)} out`);
    fact('cost', dollars(run.cost));
  }
  for (const [name, value] of Object.entries(run.labels)) fact(name, value || missing);
  if (run.trace) fact('trace', ...copyable('trace id', run.trace));
  fact('run', ...copyable('run id', run.id));
  return list;
}

/** The lanes of a run and of those that it called: {name, row | run, depth, start}, in order of time. */
function lanes(run, depth = 0, offset = 0) {
  const inside = run.nested.map((one) => ({ start: one.started - run.started, one }));
  const rows = [...run.rows].sort((one, other) => one.start - other.start);
  const all = rows.map((row) => {
    const mine = row.sort === 'tool' ? inside.filter(({ start, one }) => !one.placed && start >= row.start - 0.002 && start <= row.start + (row.duration || 0)) : [];
    return [{ row, depth, offset }, ...mine.flatMap((child) => {
      inside.splice(inside.indexOf(child), 1);
      return nestedLanes(child, depth + 1, offset);
    })];
  });
  return [...all.flat(), ...inside.flatMap((child) => nestedLanes(child, depth + 1, offset))];
}
const nestedLanes = ({ start, one }, depth, offset) => [{ run: one, depth, offset: offset + start }, ...lanes(one, depth + 1, offset + start)];

function waterfall(run) {
  const ticks = axis(run.duration);
  const head = make('div', { class: 'lane', 'aria-hidden': 'true' }, [make('span'), ticks, make('span')]);
  const drawn = lanes(run).map(({ row, run: called, depth, offset }) => {
    const shown = row ? { ...row, start: row.start + offset, bars: row.bars.map(([kind, at, length]) => [kind, at + offset, length]), marks: row.marks.map((at) => at + offset) } : null;
    const [start, length] = row ? [shown.start, row.duration || 0] : [offset, called.duration];
    const base = make('span', { class: 'base' });
    base.style.left = `${(100 * start) / (run.duration || 1)}%`;
    base.style.width = `${Math.min(100 - (100 * start) / (run.duration || 1), (100 * length) / (run.duration || 1))}%`;
    const track = make('span', { class: 'track' }, [base, ...(shown ? bars(shown, run.duration, true) : [])]);
    const name = row ? row.name : called.agent;
    const soft = row ? (row.sort === 'tool' ? 'tool ' : '') : 'agent ';
    const label = make('span', { class: 'name', title: name }, [make('span', { class: 'soft', text: soft }), name]);
    return make('div', { class: `lane depth-${Math.min(3, depth)} ${row ? '' : 'agent'}` }, [label, track, make('span', { class: 'number', text: seconds(length || null) })]);
  });
  const more = run.left_out ? [make('p', { text: `and ${plural(run.left_out, 'more step')} that ${run.left_out === 1 ? 'is' : 'are'} not kept` })] : [];
  return [head, ...drawn, ...more];
}

function asTable(run) {
  const rows = lanes(run).map(({ row, run: called, depth, offset }) => {
    const one = row || { sort: 'agent', name: called.agent, start: 0, duration: called.duration, outcome: called.outcome, error: called.error };
    const cells = [seconds(one.start + offset), seconds(one.duration), seconds(one.first), rate(one.speed), count(one.output), one.error || one.outcome];
    const name = make('th', { scope: 'row', class: `depth-${Math.min(3, depth)}` }, [make('span', { class: 'soft', text: `${one.sort} ` }), one.name]);
    return make('tr', {}, [name, ...cells.map((text) => make('td', { text }))]);
  });
  const heads = ['what', 'began after', 'took', 'first token', 'tokens/s', 'tokens out', 'outcome'].map((text) => make('th', { text, scope: 'col' }));
  const table = make('table', {}, [make('thead', {}, [make('tr', {}, heads)]), make('tbody', {}, rows)]);
  return make('details', {}, [make('summary', { text: 'As a table' }), table]);
}

function axis(total) {
  const rough = total / 5;
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = [1, 2, 5, 10].find((one) => one * power >= rough) * power;
  const made = make('span', { class: 'axis' });
  for (let at = 0; at <= total * 1.0001; at += step) {
    const tick = make('b', { text: at ? (step < 1 ? (at < 1 ? `${Math.round(at * 1000)} ms` : `${at.toFixed(1)} s`) : `${Math.round(at)} s`) : '0' });
    tick.style.left = `${(100 * at) / total}%`;
    made.append(tick);
  }
  return made;
}

// The list of runs

const list = byId('list');
const state = { finished: new Map(), open: [], items: new Map(), order: 'newest', limit: SHOWN, waiting: 0 };

function wanted() {
  const finished = [...state.finished.values()].reverse();
  if (state.order === 'slowest') return finished.sort((one, other) => other.duration - one.duration);
  if (state.order === 'not_ok') return finished.filter((run) => run.outcome !== 'success' || run.nested.some((one) => one.outcome !== 'success'));
  return [...state.open, ...finished];
}

/** Whether somebody reads in the list, which then keeps its order. */
function isHeld() {
  return state.items.size > 0 && (list.matches(':hover') || list.contains(document.activeElement) || [...state.items.values()].some((item) => item.detail));
}

function showRuns({ arrived = [], anew = false } = {}) {
  const all = wanted();
  const current = new Map([...state.open, ...state.finished.values()].map((run) => [run.id, run]));
  let shown = all.slice(0, state.limit);
  if (!anew && isHeld()) {
    shown = [...state.items.keys()].map((id) => current.get(id) || state.items.get(id).run);
    state.waiting += arrived.filter((run) => !shown.includes(run)).length;
  } else state.waiting = 0;
  const ids = new Set(shown.map((run) => run.id));
  for (const [id, item] of state.items) {
    if (!ids.has(id)) {
      item.element.remove();
      state.items.delete(id);
    }
  }
  const items = new Map();
  let place = list.firstElementChild;
  for (const run of shown) {
    const item = state.items.get(run.id) || new RunItem(run);
    item.update(run);
    items.set(run.id, item);
    if (item.element === place) place = place.nextElementSibling;
    else move(item.element, place);
  }
  state.items = items;
  const total = Math.max(...shown.map((run) => run.duration), 0.1);
  for (const item of items.values()) item.scale(total);
  document.querySelector('#scale .axis').replaceWith(axis(total));
  byId('held').hidden = !state.waiting;
  byId('held').textContent = `${plural(state.waiting, 'new run')}: show`;
  byId('more').hidden = all.length <= state.limit && state.limit === SHOWN;
  byId('more').textContent = state.limit === SHOWN ? `Show all ${all.length}` : 'Show fewer';
}

function move(element, before) {
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  list.insertBefore(element, before);
  focused?.focus({ preventScroll: true });
}

byId('held').addEventListener('click', () => showRuns({ anew: true }));
byId('more').addEventListener('click', () => {
  state.limit = state.limit === SHOWN ? KEPT : SHOWN;
  showRuns({ anew: true });
});
byId('order').addEventListener('click', ({ target }) => {
  if (!target.dataset.order) return;
  state.order = target.dataset.order;
  for (const button of byId('order').children) button.setAttribute('aria-pressed', String(button === target));
  showRuns({ anew: true });
});

// Keyboard: up and down walk through the runs, or through the lanes of a waterfall; left and right through its bars.
list.addEventListener('keydown', (event) => {
  const { target, key } = event;
  if (!['ArrowUp', 'ArrowDown', 'ArrowLeft', 'ArrowRight', 'Escape'].includes(key)) return;
  const detail = target.closest('.detail');
  let next = null;
  if (key === 'Escape') {
    hideTip();
    if (!detail) return;
    next = detail.previousElementSibling;
    next.click();
  } else if (target.classList.contains('seg')) {
    const step = key === 'ArrowUp' || key === 'ArrowLeft' ? -1 : 1;
    if (key === 'ArrowLeft' || key === 'ArrowRight') {
      const all = [...detail.querySelectorAll('.seg')];
      next = all[all.indexOf(target) + step];
    } else {
      const all = [...detail.querySelectorAll('.track')].filter((track) => track.querySelector('.seg'));
      next = all[all.indexOf(target.parentElement) + step]?.querySelector('.seg');
    }
    if (next) [target.tabIndex, next.tabIndex] = [-1, 0];
  } else if (target.classList.contains('run') && (key === 'ArrowUp' || key === 'ArrowDown')) {
    const sibling = key === 'ArrowUp' ? target.parentElement.previousElementSibling : target.parentElement.nextElementSibling;
    next = sibling?.querySelector('.run');
  }
  if (next) {
    event.preventDefault();
    next.focus();
  }
});

// What is pointed at or focused says its numbers

const tip = byId('tip');
function showTip(target) {
  const text = target.dataset?.tip;
  if (!text) return hideTip();
  tip.textContent = text;
  tip.hidden = false;
  const at = target.getBoundingClientRect();
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.min(window.innerWidth - width - 8, Math.max(8, at.left + Math.min(at.width, 200) / 2 - width / 2));
  tip.style.left = `${left}px`;
  tip.style.top = `${at.top - height - 8 > 0 ? at.top - height - 8 : at.bottom + 8}px`;
}
function hideTip() {
  tip.hidden = true;
}
document.addEventListener('pointerover', ({ target }) => showTip(target));
document.addEventListener('focusin', ({ target }) => showTip(target));
document.addEventListener('focusout', hideTip);
document.addEventListener('scroll', hideTip, true);

document.addEventListener('click', async ({ target }) => {
  const text = target.id === 'copy-snippet' ? document.querySelector('#empty code').textContent : target.dataset?.copy;
  if (text === undefined) return;
  const before = target.textContent;
  try {
    await navigator.clipboard.writeText(text);
    target.textContent = 'Copied';
  } catch {
    target.textContent = 'Select it to copy';
  }
  setTimeout(() => { target.textContent = before; }, 1500);
});

// The theme

const theme = byId('theme');
const THEMES = ['system', 'light', 'dark'];
function applyTheme(name) {
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  theme.textContent = `Theme: ${name}`;
}
function stored(change) {
  // Where storage is switched off, the theme lasts as long as the page.
  try {
    if (change) localStorage.setItem('streamtap-theme', change);
    return localStorage.getItem('streamtap-theme');
  } catch {
    return change;
  }
}
let chosen = THEMES.includes(stored()) ? stored() : 'system';
applyTheme(chosen);
theme.addEventListener('click', () => {
  chosen = THEMES[(THEMES.indexOf(chosen) + 1) % THEMES.length];
  stored(chosen);
  applyTheme(chosen);
});

// The events

let source = null;
let retry = 0;
function showState(name, text) {
  const element = byId('state');
  if (element.dataset.state === name) return;
  element.dataset.state = name;
  element.textContent = text;
}
function receive({ data, type }) {
  const { now, runs } = JSON.parse(data);
  if (type === 'all') state.finished.clear();
  for (const run of runs) state.finished.set(run.id, run);
  for (const id of state.finished.keys()) {
    if (state.finished.size <= KEPT) break;
    state.finished.delete(id);
  }
  state.open = now.open.filter((run) => !state.finished.has(run.id));
  const isEmpty = !state.finished.size && !state.open.length;
  byId('empty').hidden = !isEmpty;
  byId('runs').hidden = isEmpty;
  byId('tables').hidden = isEmpty;
  byId('since').textContent = `since ${clock(now.since)}: ${plural(now.runs, 'run')}, ${dollars(now.cost)}`;
  byId('about').textContent = `streamtap ${now.version}`;
  document.title = now.now.stalled ? `(${now.now.stalled} stalled) streamtap` : 'streamtap';
  showFigures(now);
  showTables(now);
  showRuns({ arrived: runs });
  showState('live', 'live');
}
function connect() {
  clearTimeout(retry);
  source?.close();
  source = new EventSource('events');
  source.addEventListener('all', receive);
  source.addEventListener('more', receive);
  source.addEventListener('error', () => {
    showState('lost', 'connection lost, trying again');
    // A browser gives up by itself where the answer was no stream, as when the token is another one now.
    if (source.readyState === EventSource.CLOSED) retry = setTimeout(connect, 2000);
  });
}
// Nobody looks at a hidden page, so nothing is asked for.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden) return connect();
  clearTimeout(retry);
  source?.close();
});
connect();
