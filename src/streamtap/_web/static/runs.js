// The runs that the page knows: those in progress, and those that have ended and are kept.

import { hasId } from './filters.js';

/** Which runs are in an order that has not all. */
const IN_ORDER = {
  failed: (run) => run.failed,
  cancelled: (run) => run.outcome === 'cancelled',
};

const ORDERS = {
  newest: (finished) => finished,
  slowest: (finished) => finished.sort((one, other) => (other.duration ?? -1) - (one.duration ?? -1)),
  failed: (finished) => finished.filter(IN_ORDER.failed),
  cancelled: (finished) => finished.filter(IN_ORDER.cancelled),
};

/** Whether a run may stand in the list of an order. */
export const isOfOrder = (run, order) => IN_ORDER[order]?.(run) ?? true;

export class Runs {
  #open = new Map();
  #finished = new Map();
  #byId = new Map();

  get isEmpty() {
    return !this.#open.size && !this.#finished.size;
  }

  /** Takes an event's runs: those in progress now, those that have ended since, and the numbers of those not kept. */
  take(open, ended, gone) {
    for (const number of gone) this.#forget(this.#finished.get(number));
    for (const run of ended) {
      this.#forget(this.#byId.get(run.id));
      this.#finished.set(run.number, run);
      this.#byId.set(run.id, run);
    }
    this.#open = new Map(open.filter((run) => !this.#byId.has(run.id)).map((run) => [run.id, run]));
  }

  forgetFinished() {
    this.#finished.clear();
    this.#byId.clear();
  }

  /** The same runs, which no event changes. */
  copy() {
    const made = new Runs();
    made.#open = new Map(this.#open);
    made.#finished = new Map(this.#finished);
    made.#byId = new Map(this.#byId);
    return made;
  }

  /** The current state of a run; undefined if it is no longer kept. */
  get(id) {
    return this.#byId.get(id) || this.#open.get(id);
  }

  /** The run with an id, or the one that called it; undefined if it is no longer kept. */
  find(id) {
    return this.get(id) || [...this.#open.values(), ...this.#finished.values()].find((run) => hasId(run, id));
  }

  /** At most so many runs, in an order, that ended at `from` or later; those in progress are the newest. */
  ofRange(order, from, most) {
    const finished = [...this.#finished.values()].reverse().filter((run) => run.ended >= from);
    const chosen = ORDERS[order](finished).slice(0, most);
    return order === 'newest' ? [...this.#open.values(), ...chosen] : chosen;
  }

  #forget(run) {
    if (!run) return;
    this.#finished.delete(run.number);
    this.#byId.delete(run.id);
  }
}
