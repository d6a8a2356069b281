// The list of runs, which stands still while somebody is reading it.

import { byId, make } from './elements.js';
import { plural } from './numbers.js';
import { RunItem } from './run-item.js';
import { KEPT } from './runs.js';
import { axis, extent } from './timeline.js';

const SHOWN = 16;

export class RunList {
  #runs;
  #list = byId('list');
  #items = new Map();
  #choice = 'newest';
  #limit = SHOWN;
  #waiting = 0;

  constructor(runs) {
    this.#runs = runs;
    byId('held').addEventListener('click', () => this.#renew());
    byId('more').addEventListener('click', () => {
      this.#limit = this.#limit === SHOWN ? KEPT : SHOWN;
      this.#renew();
    });
    byId('order').addEventListener('click', ({ target }) => {
      if (target.dataset.order) this.#choose(target);
    });
  }

  /** Shows the current runs; while somebody is reading, newly arrived runs wait. */
  update(arrived) {
    if (!this.#isRead()) return this.#renew();
    const shown = [...this.#items].map(([id, item]) => this.#runs.get(id) || item.run);
    this.#waiting += arrived.filter((run) => !shown.includes(run)).length;
    this.#show(shown);
  }

  #isRead() {
    if (!this.#items.size) return false;
    if (this.#list.matches(':hover') || this.#list.contains(document.activeElement)) return true;
    return [...this.#items.values()].some((item) => item.isOpen);
  }

  #choose(button) {
    this.#choice = button.dataset.order;
    for (const one of byId('order').children) one.setAttribute('aria-pressed', String(one === button));
    this.#renew();
  }

  #renew() {
    this.#waiting = 0;
    this.#show(this.#runs.chosen(this.#choice).slice(0, this.#limit));
  }

  #show(shown) {
    const items = new Map(shown.map((run) => [run.id, this.#items.get(run.id) || new RunItem(run)]));
    for (const [id, item] of this.#items) if (!items.has(id)) item.element.remove();
    this.#items = items;
    let place = this.#list.firstElementChild;
    for (const run of shown) {
      const item = items.get(run.id);
      item.update(run);
      if (item.element === place) place = place.nextElementSibling;
      else this.#move(item.element, place);
    }
    const total = Math.max(...shown.map((run) => extent(run)), 0.1);
    for (const item of items.values()) item.scale(total);
    document.querySelector('#scale .axis').replaceWith(axis(total));
    this.#sayWhatElse();
  }

  #move(element, before) {
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    this.#list.insertBefore(element, before);
    focused?.focus({ preventScroll: true });
  }

  #sayWhatElse() {
    const all = this.#runs.chosen(this.#choice).length;
    byId('held').hidden = !this.#waiting;
    byId('held').textContent = `${plural(this.#waiting, 'new run')}: show`;
    byId('more').hidden = all <= this.#limit && this.#limit === SHOWN;
    byId('more').textContent = this.#limit === SHOWN ? `Show all ${all}` : 'Show fewer';
  }
}
