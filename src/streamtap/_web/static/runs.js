// The runs that the page knows: those in progress, and the last ones that have ended.

export const KEPT = 200;

const CHOICES = {
  newest: (open, finished) => [...open, ...finished],
  slowest: (_, finished) => finished.sort((one, other) => other.duration - one.duration),
  failed: (_, finished) => finished.filter((run) => run.failed || run.nested.some((one) => one.failed)),
};

export class Runs {
  #open = new Map();
  #finished = new Map();

  get isEmpty() {
    return !this.#open.size && !this.#finished.size;
  }

  /** Takes an event's runs: those in progress now, and those that have ended since the previous event. */
  take(open, ended) {
    for (const run of ended) this.#finished.set(run.id, run);
    for (const id of this.#finished.keys()) {
      if (this.#finished.size <= KEPT) break;
      this.#finished.delete(id);
    }
    this.#open = new Map(open.filter((run) => !this.#finished.has(run.id)).map((run) => [run.id, run]));
  }

  forgetFinished() {
    this.#finished.clear();
  }

  /** The current state of a run; undefined if it is no longer kept. */
  get(id) {
    return this.#finished.get(id) || this.#open.get(id);
  }

  /** The runs of a choice, `newest`, `slowest` or `failed`, in its order. */
  chosen(choice) {
    return CHOICES[choice]([...this.#open.values()], [...this.#finished.values()].reverse());
  }
}
