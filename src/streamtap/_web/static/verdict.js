// How a run went, or is going.

/** The class of the mark of a run. */
export function mood({ outcome, failed }) {
  if (failed) return 'bad';
  if (outcome === 'running') return 'running';
  if (outcome === 'incomplete') return 'unknown';
  return ['success', 'deferred'].includes(outcome) ? 'ok' : 'warn';
}

/** What a person should know first of a run, and the class for how bad that is. */
export const verdict = (run) => (run.outcome === 'running' ? whatItDoes(run) : [run.why, run.mood || undefined]);

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
