// What runs can be chosen by. A filter is a list: its kind, and then the names that a run must have.

/** The kinds, and how many names a filter of each has. */
export const KINDS = { agent: 1, model: 1, tool: 2, label: 2, error: 4 };

/** The value that stands for all that was not counted separately: no run has it. */
export const OTHER = '_other';

export const keyOf = (filter) => JSON.stringify(filter);

export const isPossible = ([, ...names]) => !names.includes(OTHER);

/** A filter in words. */
export function inWords([kind, ...names]) {
  if (kind === 'tool') return `tool ${names.join('/')}`;
  if (kind === 'label') return names[1] ? `${names[0]}: ${names[1]}` : `no ${names[0]}`;
  if (kind === 'error') return [names[1], whereInWords(names), `(${names[0]})`].filter(Boolean).join(' ');
  return `${kind} ${names[0]}`;
}

/** Where an error was: of its agent, the error, the kind of place, and the place. No model raises that the run's time was up. */
export function whereInWords([, error, place, name]) {
  if (place === 'tool') return `in tool ${name}`;
  if (place !== 'model') return '';
  return error === 'RunTimedOut' ? `at ${name}` : `from ${name}`;
}

/** Whether a run has all that is filtered by, and each word of the search. */
export function matches(run, filters, search) {
  if (!filters.length && !search) return true;
  const { keys, names, ids } = facetsOf(run);
  if (!filters.every((filter) => keys.has(keyOf(filter)))) return false;
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return words.every((word) => names.includes(word) || ids.some((id) => id.startsWith(word)));
}

/** The filters by which a run is found, those of the runs that it called included. */
export const filtersOf = (run) => [...facetsOf(run).keys].map((key) => JSON.parse(key));

const known = new WeakMap();

function facetsOf(run) {
  let facets = known.get(run);
  if (!facets) known.set(run, (facets = gathered(run)));
  return facets;
}

function gathered(run) {
  const filters = [];
  const names = [];
  const ids = [];
  for (const one of withCalled(run)) {
    filters.push(['agent', one.agent], ...Object.entries(one.labels).map((label) => ['label', ...label]));
    for (const { sort, name, error } of one.rows) {
      if (sort === 'queue') continue;
      filters.push(sort === 'tool' ? ['tool', one.agent, name] : ['model', name]);
      names.push(sort === 'tool' ? `${one.agent}/${name}` : name, error);
    }
    names.push(one.agent, one.error, ...Object.values(one.labels));
    ids.push(one.id, one.trace);
  }
  if (run.cause) filters.push(['error', ...run.cause]);
  return {
    keys: new Set(filters.map(keyOf)),
    names: names.filter(Boolean).join('\n').toLowerCase(),
    ids: ids.filter(Boolean).map((id) => id.toLowerCase()),
  };
}

const withCalled = (run) => [run, ...run.nested.flatMap(withCalled)];

/** Whether a run, or one that it called, has this id. */
export const hasId = (run, id) => withCalled(run).some((one) => one.id === id);
