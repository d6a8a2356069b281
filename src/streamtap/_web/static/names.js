// Names: isolated from the text around them, and cut in the middle where there is no room for all of one.

import { make } from './elements.js';

const TAIL = 8;

/** An element with a name. */
export function named(name) {
  // By characters, and not in the middle of one.
  const all = [...name];
  const head = all.length > 2 * TAIL ? all.slice(0, -TAIL) : all;
  const parts = [make('span', { class: 'head', text: head.join('') })];
  if (head !== all) parts.push(make('span', { class: 'tail', text: all.slice(-TAIL).join('') }));
  return make('bdi', { class: 'named', title: name }, parts);
}
