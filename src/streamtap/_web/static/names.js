// Names, which may be long, and may be written from right to left: they reorder nothing of what is beside them.

import { make } from './elements.js';

const TAIL = 8;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Where a long name may be broken: after what joins words, and before a capital inside one. */
const JOINTS = /(?<=[^\s_\-:/][_\-:/])(?=[^\s_\-:/])|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/u;

/** A name as nodes that is broken, where it must be, at its joints. */
const breakable = (text) => text.split(JOINTS).flatMap((part, place) => (place ? [make('wbr'), part] : [part]));

/** An element with a name, which is cut in the middle where there is no room for all of it; or with `isBroken` may be on several lines. */
export function named(name, isBroken = false) {
  // By characters as people see them, and not in the middle of one.
  const all = [...new Intl.Segmenter().segment(name)].map(({ segment }) => segment);
  const head = all.length > 2 * TAIL ? all.slice(0, -TAIL) : all;
  const part = (kind, text) => make('span', { class: kind }, isBroken ? breakable(text) : [text]);
  const parts = [part('head', head.join(''))];
  if (head !== all) parts.push(part('tail', all.slice(-TAIL).join('')));
  return make('bdi', { class: 'named', title: name }, parts);
}

/** The same, and for screen readers the whole name: they take the parts for two words. */
export function read(name, isBroken = false) {
  const seen = named(name, isBroken);
  if (!seen.querySelector('.tail, wbr')) return [seen];
  seen.setAttribute('aria-hidden', 'true');
  return [make('bdi', { class: 'unseen', text: name }), seen];
}

/** A name inside a sentence. */
export const isolated = (name) => (RIGHT_TO_LEFT.test(name) ? `\u2068${name}\u2069` : name);
