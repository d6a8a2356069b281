// What is shown of all that the page knows. It stands in the address, so that links, back and forward lead to it.

import { keyOf } from './filters.js';
import { NOTHING_CHOSEN, read, written } from './address.js';

export class ViewState {
  #changed;
  #shown;

  /** @param changed Called after each change, with what is shown now. */
  constructor(changed) {
    this.#changed = changed;
    this.#shown = read(location.hash);
    window.addEventListener('popstate', () => {
      // A link within the page, such as that to the runs, says nothing of what is shown.
      if (location.hash && !location.hash.includes('=')) return;
      this.#shown = read(location.hash);
      this.#changed(this.#shown);
    });
  }

  get shown() {
    return this.#shown;
  }

  /** Shows something else; back leads to what was shown before. */
  change(changes) {
    this.note(changes);
    this.#changed(this.#shown);
  }

  /** The same, without a way back: to each letter that somebody types, or to a run that does not match it. */
  replace(changes) {
    this.#shown = { ...this.#shown, ...changes };
    this.#write('replaceState');
    this.#changed(this.#shown);
  }

  /** Says in the address what is shown already. */
  note(changes) {
    const before = this.#address();
    this.#shown = { ...this.#shown, ...changes };
    if (this.#address() !== before) this.#write('pushState');
  }

  /** Adds a filter, or takes it away. */
  toggle(filter) {
    const { filters, order } = this.#shown;
    const others = filters.filter((one) => keyOf(one) !== keyOf(filter));
    const isNew = others.length === filters.length;
    // The runs of an error are among those that failed.
    this.change({ filters: isNew ? [...others, filter] : others, order: isNew && filter[0] === 'error' ? 'failed' : order });
  }

  /** Takes away all that hides runs. */
  clear() {
    this.change({ filters: [], search: '', run: NOTHING_CHOSEN.run });
  }

  #write(how) {
    try {
      history[how](null, '', this.#address());
    } catch {
      // Some browsers allow only so many changes in half a minute: the next one says it all.
    }
  }

  #address() {
    return `${location.pathname}${location.search}#${written(this.#shown)}`;
  }
}
