// How a run went, and what most of its time was spent on.

import { seconds } from './numbers.js';

/** The class of the mark of a run. */
export function mood({ outcome, failed }) {
  if (failed) return 'bad';
  if (outcome === 'running') return 'running';
  if (outcome === 'incomplete') return 'unknown';
  return ['success', 'deferred'].includes(outcome) ? 'ok' : 'warn';
}

/** What most of a run's time was spent on, or what went wrong, in a few words; and the class for how bad that is. */
export function verdict(run) {
  if (run.outcome === 'running') return whatItDoes(run);
  if (run.outcome !== 'success') return [run.error || run.outcome, { bad: 'bad', warn: 'warn' }[mood(run)]];
  const stalled = longest(run.rows, (row) => row.stall_seconds);
  if (stalled && stalled.stall_seconds > run.duration / 4) {
    return [`${seconds(stalled.stall_seconds)} stalled in ${stalled.name}`, 'warn'];
  }
  return [whereItsTimeWent(run)];
}

function whatItDoes(run) {
  const open = run.rows.filter((row) => row.outcome === 'running');
  const silent = open.find((row) => row.stalled);
  if (silent) {
    return [silent.stalled === 'mid_stream' ? `${silent.name} is stalled` : `${silent.name} has not begun`, 'warn'];
  }
  const doing = open.map((row) => {
    if (row.sort === 'tool') return `tool ${row.name}`;
    return row.chunks ? `${row.name} writing` : `waiting for ${row.name}`;
  });
  return [[...new Set(doing)].join(', ')];
}

function whereItsTimeWent(run) {
  const phases = Object.entries(run.phases);
  if (!phases.length) return '';
  const [phase, spent] = phases.reduce((best, one) => (one[1] > best[1] ? one : best), ['other', 0]);
  const share = run.duration ? `${Math.round((100 * spent) / run.duration)} %` : '';
  const tool = longest(run.rows.filter((row) => row.sort === 'tool'), (row) => row.duration);
  const requests = run.rows.filter((row) => row.sort === 'request');
  const slow = longest(requests, (row) => (phase === 'wait' ? row.first : row.duration));
  const of = {
    wait: slow && `waiting for ${slow.name}`,
    stream: slow && `${slow.name} writing`,
    model: slow && slow.name,
    tools: tool && `tool ${tool.name}`,
    native_tools: "the provider's tools",
    consumer: "your code's handling of events",
    queue: 'the queue',
  };
  return `${share} ${of[phase] || phase}`;
}

/** The row with the greatest length; null if there is none. */
const longest = (rows, length) =>
  rows.reduce((best, row) => ((length(row) || 0) > (best ? length(best) : 0) ? row : best), null);
