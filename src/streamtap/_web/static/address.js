// The part of the address behind `#`: what is shown, so that a link shows the same. It is never sent to a server.

import { KINDS } from './filters.js';

export const ORDERS = ['newest', 'slowest', 'failed', 'cancelled'];
export const RANGES = ['', '60', '300', '900'];

/** What is shown where the address says nothing. */
export const NOTHING_CHOSEN = { order: 'newest', range: '', filters: [], search: '', run: '' };

const MOST_FILTERS = 20;
const LONGEST = 200;

/** What a fragment says, as far as it can be understood. */
export function read(fragment) {
  const found = { ...NOTHING_CHOSEN, filters: [] };
  for (const pair of fragment.replace(/^#/, '').split('&')) {
    const at = pair.indexOf('=');
    const name = pair.slice(0, Math.max(0, at));
    const values = decoded(pair.slice(at + 1).split('/'));
    if (!values) continue;
    if (name === 'order' && ORDERS.includes(values[0])) found.order = values[0];
    else if (name === 'range' && RANGES.includes(values[0])) found.range = values[0];
    else if (name === 'q') found.search = values[0].slice(0, LONGEST);
    else if (name === 'run') [found.run] = values;
    else if (Object.hasOwn(KINDS, name) && values.length === KINDS[name]) found.filters.push([name, ...values]);
  }
  found.filters.length = Math.min(found.filters.length, MOST_FILTERS);
  return found;
}

/** The fragment that says this. */
export function written({ order, range, filters, search, run }) {
  const pairs = filters.map(([kind, ...names]) => [kind, ...names]);
  if (order !== NOTHING_CHOSEN.order) pairs.push(['order', order]);
  if (range) pairs.push(['range', range]);
  if (search) pairs.push(['q', search]);
  if (run) pairs.push(['run', run]);
  return pairs.map(([name, ...values]) => `${name}=${values.map(encoded).join('/')}`).join('&');
}

/** The address of the page that shows this. Without the query, in which a token may be. */
export const linkTo = (shown) => `${location.origin}${location.pathname}#${written(shown)}`;

// Half of a character cannot be encoded.
const encoded = (text) => encodeURIComponent(text.replace(/[\ud800-\udfff]/gu, '\ufffd'));

function decoded(texts) {
  try {
    return texts.map(decodeURIComponent);
  } catch {
    return null;
  }
}
