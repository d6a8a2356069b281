// The list of runs, which stands still while somebody is reading it.

import { byId } from './elements.js';
import { keep, kept } from './kept.js';
import { oneStop } from './keyboard.js';
import { plural } from './numbers.js';
import { RunItem } from './run-item.js';
import { axis, extent, ownAxis } from './timeline.js';

const SHOWN = 16;
const OWN_SCALE = 'streamtap-own-scale';

export class RunList {
  #list = byId('list');
  #items = new Map();
  #selection = null;
  #runs = null;
  #linked = '';
  #areAllShown = false;
  #waiting = 0;
  #isOwnScale = kept(OWN_SCALE) === 'yes';
  #stop = oneStop(this.#list, () => [...this.#items.values()].map((item) => [item.button]));
  #made;

  /**
   * @param toggled Called with a run's id and whether it is open now, when somebody opens or closes it.
   * @param traceUrl Returns the address of a trace, or null.
   */
  constructor(toggled, traceUrl) {
    const itToggled = (item) => {
      // Of several that are opened, the address names the last one.
      if (!item.isOpen && item.run.id !== this.#linked) return;
      this.#linked = item.isOpen ? item.run.id : '';
      toggled(item.run.id, item.isOpen);
    };
    this.#made = (run) => new RunItem(run, itToggled, traceUrl);
    byId('own-scale').addEventListener('click', () => {
      this.#isOwnScale = !this.#isOwnScale;
      keep(OWN_SCALE, this.#isOwnScale ? 'yes' : 'no');
      this.#scale();
    });
    byId('held').addEventListener('click', () => this.#renew());
    byId('more').addEventListener('click', () => {
      this.#areAllShown = !this.#areAllShown;
      this.#renew();
    });
  }

  /** Shows the current runs; while somebody is reading, newly arrived ones wait. */
  update(runs, selection, arrived) {
    [this.#runs, this.#selection] = [runs, selection];
    if (!this.#isRead()) return this.#renew();
    const shown = [...this.#items].map(([id, item]) => runs.get(id) || item.run);
    const wanted = new Set(selection.shown);
    this.#waiting += arrived.filter((run) => wanted.has(run) && !shown.includes(run)).length;
    this.#show(shown);
  }

  /** Shows other runs than before, and opens the one with the id `linked`. */
  choose(runs, selection, linked) {
    [this.#runs, this.#selection] = [runs, selection];
    const run = linked ? runs.find(linked) : undefined;
    const isNew = (run?.id ?? '') !== this.#linked;
    if (isNew) this.#items.get(this.#linked)?.toggle(false);
    this.#linked = run?.id ?? '';
    this.#renew();
    // Whoever goes to the list begins with its first run.
    if (!this.#list.contains(document.activeElement)) this.#stop(null);
    if (!isNew || !run) return;
    this.#items.get(run.id).toggle(true);
    this.#items.get(run.id).reveal();
  }

  /** Whether a run is there, kept or not. */
  has(id) {
    return this.#items.has(id) || Boolean(this.#runs?.find(id));
  }

  #isRead() {
    if (!this.#items.size) return false;
    if (this.#list.matches(':hover') || this.#list.contains(document.activeElement)) return true;
    return [...this.#items.values()].some((item) => item.isOpen);
  }

  #renew() {
    this.#waiting = 0;
    const all = this.#selection.shown;
    const shown = this.#areAllShown ? all : all.slice(0, SHOWN);
    const linked = this.#runs.get(this.#linked);
    this.#show(linked && !shown.includes(linked) ? [linked, ...shown] : shown);
  }

  #show(shown) {
    const items = new Map(shown.map((run) => [run.id, this.#items.get(run.id) || this.#made(run)]));
    for (const [id, item] of this.#items) if (!items.has(id)) item.element.remove();
    this.#items = items;
    let place = this.#list.firstElementChild;
    for (const run of shown) {
      const item = items.get(run.id);
      item.update(run);
      if (item.element === place) place = place.nextElementSibling;
      else this.#move(item.element, place);
    }
    this.#scale();
    this.#stop();
    this.#sayWhatElse();
  }

  /** Draws all runs on the scale of the longest, or each on its own. */
  #scale() {
    const longest = Math.max(...[...this.#items.values()].map(({ run }) => extent(run)), 0.1);
    for (const item of this.#items.values()) item.scale(this.#isOwnScale ? extent(item.run) : longest);
    document.querySelector('#scale .axis').replaceWith(this.#isOwnScale ? ownAxis() : axis(longest));
    byId('own-scale').setAttribute('aria-pressed', String(this.#isOwnScale));
  }

  #move(element, before) {
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    this.#list.insertBefore(element, before);
    focused?.focus({ preventScroll: true });
  }

  #sayWhatElse() {
    const all = this.#selection.shown.length;
    byId('scale').hidden = !this.#items.size;
    byId('kept').textContent = this.#selection.words;
    byId('held').hidden = !this.#waiting;
    byId('held').textContent = `${plural(this.#waiting, 'new run')}: show`;
    byId('more').hidden = all <= SHOWN;
    byId('more').textContent = this.#areAllShown ? 'Show fewer' : `Show all ${all}`;
  }
}
