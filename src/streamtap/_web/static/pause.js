// Pause: the page stands still, and says since when and how many runs have come meanwhile.

import { say } from './elements.js';
import { clock, plural } from './numbers.js';

export class Pause {
  #button;
  #note;
  #began = null;

  /**
   * @param button Pauses and resumes.
   * @param note Says since when.
   * @param changed Called when somebody pauses or resumes.
   */
  constructor(button, note, changed) {
    this.#button = button;
    this.#note = note;
    button.addEventListener('click', () => {
      this.#began = this.#began ? null : { at: Date.now() / 1000, runs: null };
      changed(this.isPaused);
    });
  }

  get isPaused() {
    return this.#began !== null;
  }

  /** Says how it is, when there have been so many runs in all. */
  say(runs) {
    const began = this.#began;
    say(this.#button, began ? 'Resume' : 'Pause');
    this.#note.hidden = !began;
    if (!began) return;
    // A process that has begun anew has fewer.
    if (began.runs === null || runs < began.runs) began.runs = began.runs === null ? runs : 0;
    say(this.#note, `Paused at ${clock(began.at)}: ${plural(runs - began.runs, 'run')} since`);
  }

  resume() {
    this.#began = null;
  }
}
