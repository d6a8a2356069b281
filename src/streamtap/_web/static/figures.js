// The large figures: what is in progress now, and the last 15 minutes.

import { byId, make } from './elements.js';
import { oneStop } from './keyboard.js';
import { count, dollars, percent, plural, rate, seconds } from './numbers.js';
import { sparkbars, sparkline } from './sparkline.js';

const stop = oneStop(byId('figures'), () => [[...byId('figures').querySelectorAll('button')]]);

export function showFigures({ now, slots }) {
  show('in_progress', {
    value: count(now.in_progress),
    bad: now.stalled ? `${count(now.stalled)} stalled` : '',
    note: `${plural(now.requests, 'request')}, ${plural(now.tools, 'tool')}`,
  });
  show('first_token', {
    value: seconds(now.first_token[0]),
    note: p95(now.first_token),
    hint: now.hints.first_token,
    chart: sparkline(slots, (slot) => slot.first_token),
  });
  show('first_output', {
    value: seconds(now.first_output[0]),
    note: p95(now.first_output),
    hint: now.hints.first_output,
    chart: sparkline(slots, (slot) => slot.first_output),
  });
  show('speed', {
    value: rate(now.speed[0]),
    note: now.speed[0] === null ? unmeasured : `median; ${count(now.output)} tokens out`,
    hint: now.hints.speed,
    chart: sparkline(slots, (slot) => slot.speed),
  });
  show('runs', {
    value: count(now.runs),
    said: [toRuns(now.failed, 'failed', 'bad'), toRuns(now.cancelled, 'cancelled')],
    note: now.runs ? `median ${seconds(now.duration[0])}` : 'none',
    chart: sparkbars(slots, (slot) => slot.runs, (slot) => slot.failed),
  });
  show('cost', {
    value: dollars(now.cost),
    bad: now.unmeasured ? `${plural(now.unmeasured, 'response')} not counted in full` : '',
    note: perRun(now),
    hint: now.hints.cost,
    chart: sparkbars(slots, (slot) => slot.cost || 0),
  });
  showHealth(now.health);
  stop();
}

function perRun({ cost, cost_of_runs, runs }) {
  if (cost_of_runs !== null) return `${dollars(cost_of_runs / runs)} per finished run`;
  if (cost === null) return 'nothing priced';
  return runs ? 'no finished run priced' : 'no run finished';
}

/** What is not known of every agent stands in a line of its own, as far as it is. */
function showHealth({ objective, counted, again, context, hits }) {
  const shown = [
    objective !== null && ['objective met', percent(objective), `of ${plural(counted, 'run')}`],
    again > 0 && ['repeated tool calls', count(again), '(the same call for the third time or more in a run)'],
    context >= FULL && ['fullest context', percent(context), 'of its window'],
    hits !== null && ['cache hits', percent(hits), 'of the input'],
  ].filter(Boolean);
  const line = byId('health');
  line.hidden = !shown.length;
  line.replaceChildren(...shown.map(([name, value, of]) => make('div', {}, [
    make('dt', { text: name }), make('dd', {}, [make('b', { text: value }), ` ${of}`]),
  ])));
}

/** A context is worth a headline from half full on. */
const FULL = 0.5;
const unmeasured = 'nothing measured';
const p95 = ([, high]) => (high === null ? unmeasured : `median; p95 ${seconds(high)}`);

/** How many runs there were of an order, and the way to them. */
const toRuns = (number, order, kind = '') =>
  number ? make('button', { type: 'button', class: `filter ${kind}`, text: `${count(number)} ${order}`, data: { order } }) : '';

function show(name, { value, bad, said = bad ? [make('span', { class: 'bad', text: bad })] : [], note, hint, chart }) {
  const card = document.querySelector(`[data-figure='${name}']`);
  card.querySelector('.value').textContent = value;
  const why = make('span', hint ? { text: hint } : { class: 'whole', text: note });
  const content = make('p', {}, [...said.flatMap((one) => (one ? [one, ', '] : [])), why]);
  const shown = card.querySelector('.note');
  // A button that is replaced while it is pressed is not clicked.
  if (shown.textContent !== content.textContent) {
    const focused = shown.contains(document.activeElement) ? document.activeElement.dataset.order : null;
    shown.replaceChildren(...content.childNodes);
    if (focused) shown.querySelector(`[data-order='${focused}']`)?.focus();
  }
  card.querySelector('.spark')?.remove();
  if (chart) card.append(chart);
}
