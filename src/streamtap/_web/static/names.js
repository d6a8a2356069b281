// Names, which may be long, and may be written from right to left: they reorder nothing of what is beside them.

import { make } from './elements.js';

const TAIL = 8;
const RIGHT_TO_LEFT = /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\u{10800}-\u{10fff}\u{1e800}-\u{1efff}]/u;

/** Where a long name may be broken: after what joins words, before a capital inside one, and in a word of more than 16 characters. */
const JOINTS = /(?<=[^\s_\-:/=][_\-:/=])(?=[^\s_\-:/=])|(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])/u;
const LONG = /(?<=^(?:\S{16})+)(?=\S)/u;

/** The places of a name, from its beginning, at which it may be broken. */
function breaks(name) {
  let place = 0;
  return name.split(JOINTS).flatMap((part) => part.split(LONG)).map((part) => (place += part.length)).slice(0, -1);
}

/** An element with a name, which is cut in the middle where there is no room for all of it; with `isBroken` it is on several lines instead where the window is small. */
export function named(name, isBroken = false) {
  // By characters as people see them, and not in the middle of one.
  const all = [...new Intl.Segmenter().segment(name)].map(({ segment }) => segment);
  const tail = all.length > 2 * TAIL ? all.slice(-TAIL).join('') : '';
  const begin = name.length - tail.length;
  const places = isBroken ? breaks(name) : [];
  const part = (kind, from, to) => {
    const inside = places.filter((place) => place >= from && place < to);
    const ends = [from, ...inside.filter((place) => place > from), to];
    const texts = ends.slice(1).map((end, index) => name.slice(ends[index], end));
    const nodes = texts.flatMap((text, index) => (index ? [make('wbr'), text] : [text]));
    return make('span', { class: kind }, inside[0] === from ? [make('wbr'), ...nodes] : nodes);
  };
  const parts = [part('head', 0, begin), ...(tail ? [part('tail', begin, name.length)] : [])];
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
