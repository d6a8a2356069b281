// How a run went, or is going.

import { isolated } from './names.js';

/** The class of the mark of a run. */
export function mood({ outcome, failed }) {
  if (failed) return 'bad';
  if (outcome === 'running') return 'running';
  if (outcome === 'incomplete') return 'unknown';
  return ['success', 'deferred'].includes(outcome) ? 'ok' : 'warn';
}

/** What a person should know first of a run, the class for how bad that is, and where its time went if that is another matter. */
export const verdict = (run) => (run.outcome === 'running' ? whatItDoes(run) : [run.why, run.mood || undefined, run.spent]);

function whatItDoes(run) {
  const open = happening(run);
  const said = (words, agent) => (agent === run.agent ? words : `${words} (${isolated(agent)})`);
  const stalled = open.find(({ row }) => row.stalled);
  if (stalled) {
    const { row, agent } = stalled;
    return [said(`${isolated(row.name)} ${row.stalled === 'mid_stream' ? 'is stalled' : 'has not begun'}`, agent), 'warn'];
  }
  const doing = open.map(({ row, agent }) => {
    if (row.sort === 'tool') return said(`tool ${isolated(row.name)}`, agent);
    if (!row.chunks) return said(`waiting for ${isolated(row.name)}`, agent);
    return said(`${isolated(row.name)} ${row.silent ? 'silent' : row.thinks ? 'thinking' : 'writing'}`, agent);
  });
  return [[...new Set(doing)].join(', ') || (run.unseen ? 'the rest of its answer is not seen' : 'other work')];
}

/** The open requests and tools of a run: {row, agent}; in the place of a tool that waits for a called run, what that does. */
function happening(run) {
  const own = run.rows.filter((row) => row.outcome === 'running');
  const inside = run.nested.filter((one) => one.outcome === 'running').map((one) => [run.rows[one.caller], happening(one)]);
  const waiting = new Set(inside.filter(([, doing]) => doing.length).map(([tool]) => tool));
  const busy = own.filter((row) => !waiting.has(row)).map((row) => ({ row, agent: run.agent }));
  return [...busy, ...inside.flatMap(([, doing]) => doing)];
}
