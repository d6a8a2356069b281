// Time from left to right: the bars of a request or tool call, and the axis above them.

import { make } from './elements.js';
import { isolated } from './names.js';
import { count, dollars, percent as share, plural, rate, seconds } from './numbers.js';

const WORDS = {
  queue: 'queue',
  waiting: 'waiting',
  thinking: 'thinking',
  text: 'text',
  streaming: 'writing',
  tool_call: 'writing a tool call',
  tool: 'tool',
  native_tool: "provider's tool",
  interrupted: 'interrupted after',
  model: 'not streamed',
  stall: 'stall',
};

/** What is said of a tool call that repeats two or more before it. */
export const AGAIN = 'the same call again';

/** How many seconds there are of a run to draw; where nobody knows when it ended, as many as were seen of it. */
export const extent = ({ duration, rows }) =>
  duration ?? Math.max(0.001, ...rows.map((row) => row.start + (row.duration || 0)));

/** The bars of a row, which show their numbers when they are pointed at. */
export function bars(row, total) {
  const rest = inWords(row);
  const bar = (kind, start, length, said) => {
    const made = make('span', { class: `seg ${kind}`, data: { tip: `${said}\n${rest}` } });
    made.style.left = percent(start, total);
    if (length !== null) made.style.width = percent(length, total);
    return made;
  };
  const made = row.bars.map(([kind, start, length]) => {
    const stalled = kind === 'stall' ? 0 : stalledWithin(row, start, length);
    return bar(kind, start, length, `${WORDS[kind]} ${seconds(length)}${stalled ? `, ${seconds(stalled)} of it stalled` : ''}`);
  });
  made.push(...row.marks.map((at) => bar('stall-mark', at, null, `a stall begins at ${seconds(at)}`)));
  if (row.again) made.push(bar('again', Math.min(row.start, total * 0.98), null, AGAIN));
  const failed = row.ended_run || ((row.failed || row.outcome === 'retried') && (row.error || row.outcome));
  if (failed) made.push(bar('failed', Math.min(row.start + (row.duration || 0), total * 0.997), null, failed));
  if (!made.length) made.push(bar('untimed', Math.min(row.start, total * 0.99), null, 'its time is not known'));
  return made;
}

/** How many seconds of a bar the stalls that are drawn over it took. */
const stalledWithin = (row, from, length) => row.bars
  .filter(([kind, start]) => kind === 'stall' && start >= from && start < from + length)
  .reduce((sum, [, , seconds]) => sum + seconds, 0);

/** The same bars, but focusable and with their numbers for screen readers. */
export function focusableBars(row, total) {
  const made = bars(row, total);
  for (const bar of made) {
    const [said, ...rest] = bar.dataset.tip.split('\n');
    bar.setAttribute('role', 'img');
    bar.setAttribute('aria-label', `${said}. ${rest.join(', ')}`);
    bar.tabIndex = -1;
  }
  return made;
}

const percent = (value, total) => `${Math.min(100, Math.max(0, (100 * value) / (total || 1)))}%`;

const UNMEASURED = {
  interrupted: 'interrupted: tokens and cost only as far as reported',
  not_reported: 'no usage was reported',
  repeated: 'its usage is repeated in each chunk, which makes a wrong sum',
};
const SAYS = { price: ' by your own price', provider: ' as charged', list: ' at list price' };

function inWords(row) {
  // The queue has no name: its bar says all else.
  const named = row.name ? `${isolated(row.name)}: ${seconds(row.duration)} ` : '';
  const lines = [`${named}from ${seconds(row.start)}`];
  if (!['success', 'interrupted'].includes(row.outcome)) lines.push(row.error ? `${row.outcome}: ${row.error}` : row.outcome);
  if (row.again) lines.push(AGAIN);
  if (row.sort !== 'request') return lines.join('\n');
  if (row.first !== undefined && row.first !== null) lines.push(`first token after ${seconds(row.first)}`);
  if (row.speed) lines.push(`${rate(row.speed)} tokens/s`);
  if (row.output !== undefined && row.output !== null) {
    lines.push(`${count(row.input)} tokens in, ${count(row.output)} out, ${dollars(row.cost)}${SAYS[row.cost_source] || ''}`);
  }
  if (row.context !== undefined && row.context !== null) lines.push(`${share(row.context)} of its context window`);
  if (row.bought_again) lines.push(`${plural(row.bought_again, 'cached token')} bought again`);
  if (row.unmeasured) lines.push(UNMEASURED[row.unmeasured]);
  if (row.stalls) lines.push(`${plural(row.stalls, 'stall')}, ${seconds(row.stall_seconds)} in total`);
  if (row.chunks) lines.push(`${plural(row.chunks, 'chunk')} so far`);
  return lines.join('\n');
}

/** About five ticks from 0 to `total` seconds. */
export function axis(total) {
  const rough = total / 5;
  const power = 10 ** Math.floor(Math.log10(rough || 1));
  const step = [1, 2, 5, 10].find((one) => one * power >= rough) * power;
  const ticks = [];
  for (let at = 0; at <= total * 1.0001; at += step) ticks.push([at / total, tickText(at, step)]);
  return drawnAxis(ticks);
}

/** The axis of runs that are each on a scale of their own. */
export const ownAxis = () => drawnAxis([[0, '0'], [0.5, '50 %'], [1, '100 % of its time']]);

function drawnAxis(ticks) {
  return make('span', { class: 'axis' }, ticks.map(([share, text]) => {
    const tick = make('b', { text });
    tick.style.left = `${100 * share}%`;
    return tick;
  }));
}

function tickText(at, step) {
  if (!at) return '0';
  if (step >= 1) return `${Math.round(at)} s`;
  return at < 1 ? `${Math.round(at * 1000)} ms` : `${at.toFixed(1)} s`;
}
