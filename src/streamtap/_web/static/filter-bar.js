// The filters as chips that can be removed, the search, and the link to all of it.

import { copyOnClick } from './copying.js';
import { byId, make } from './elements.js';
import { inWords } from './filters.js';
import { linkTo } from './address.js';
import { oneStop } from './keyboard.js';
import { named } from './names.js';

export class FilterBar {
  #state;
  #search = byId('search');
  #shown = '';
  #stop = oneStop(byId('chips'), () => [[...byId('chips').querySelectorAll('button')]]);

  constructor(state) {
    this.#state = state;
    this.#search.addEventListener('input', () => state.replace({ search: this.#search.value }));
    byId('clear').addEventListener('click', () => {
      state.clear();
      this.#search.focus();
    });
    copyOnClick(byId('copy-link'), () => linkTo(state.shown), 'It is in the address bar');
  }

  /** Shows what is filtered by. */
  show({ filters, search }) {
    if (this.#search.value !== search) this.#search.value = search;
    for (const id of ['clear', 'all-others']) byId(id).hidden = !filters.length && !search;
    const shown = JSON.stringify(filters);
    if (shown === this.#shown) return;
    this.#shown = shown;
    byId('chips').replaceChildren(...filters.map((filter) => make('li', {}, [this.#chip(filter)])));
    this.#stop();
  }

  #chip(filter) {
    const name = inWords(filter);
    const chip = make('button', { type: 'button', class: 'chip', 'aria-label': `Remove ${name}` }, [named(name)]);
    chip.addEventListener('click', () => {
      this.#state.toggle(filter);
      this.#search.focus();
    });
    return chip;
  }
}
