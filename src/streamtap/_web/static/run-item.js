// One run in the list: a line, and the detail below it while it is open.

import { make } from './elements.js';
import { read } from './names.js';
import { clock, count, dollars, seconds, together } from './numbers.js';
import { RunDetail } from './run-detail.js';
import { bars, extent } from './timeline.js';
import { mood, verdict } from './verdict.js';

export class RunItem {
  #mark = make('span');
  #span = make('span', { class: 'span' });
  #agent = make('span', { class: 'agent' });
  #time = make('span', { class: 'time number' });
  #why = make('span', { class: 'why' });
  #tokens = make('span', { class: 'tokens number' });
  #cost = make('span', { class: 'cost number' });
  #when = make('span', { class: 'when number' });
  button = make('button', { type: 'button', class: 'run run-grid', 'aria-expanded': 'false' });
  #detail = null;
  #toggled;
  #traceUrl;

  /**
   * @param run The run.
   * @param toggled Called with the item when somebody opens or closes it.
   * @param traceUrl Returns the address of a trace, or null.
   */
  constructor(run, toggled, traceUrl) {
    this.#toggled = toggled;
    this.#traceUrl = traceUrl;
    const track = make('span', { class: 'track', 'aria-hidden': 'true' }, [this.#span]);
    const numbers = [this.#tokens, this.#cost, this.#when];
    this.button.append(this.#mark, this.#agent, track, this.#time, this.#why, ...numbers);
    this.button.addEventListener('click', () => {
      this.toggle(!this.isOpen);
      this.#toggled(this);
    });
    this.element = make('li', {}, [this.button]);
    this.update(run);
  }

  get isOpen() {
    return this.#detail !== null;
  }

  update(run) {
    if (this.run === run) return;
    this.run = run;
    const [why, tone, spent] = verdict(run);
    this.#mark.className = `mark ${mood(run)}`;
    this.#mark.title = run.outcome;
    this.#mark.replaceChildren(make('span', { class: 'unseen', text: run.outcome }));
    this.#agent.replaceChildren(...read(run.agent));
    this.#time.textContent = seconds(run.duration);
    this.#why.replaceChildren(make('span', { class: tone, text: together(why) }), spent ? `; ${together(spent)}` : '');
    this.#why.title = this.#why.textContent;
    const isOver = run.outcome !== 'running';
    const tokens = count(isOver && run.total_input !== null ? run.total_input + run.total_output : null);
    this.#tokens.replaceChildren(tokens, make('span', { class: 'unit', text: ' tokens' }));
    this.#cost.textContent = dollars(run.total_cost);
    this.#when.textContent = isOver ? clock(run.started + (run.duration ?? 0)) : 'running';
    this.#when.title = `Began at ${clock(run.started)}`;
    // Tools are drawn over the requests beside them.
    const inOrder = [...run.rows].sort((one, other) => (one.sort === 'tool') - (other.sort === 'tool'));
    this.#span.replaceChildren(...inOrder.flatMap((row) => bars(row, extent(run))));
    this.#detail?.update(run);
  }

  /** Draws the run on a scale that ends at `total` seconds. */
  scale(total) {
    this.#span.style.width = `${Math.min(100, (100 * extent(this.run)) / total)}%`;
  }

  /** Opens or closes its detail. */
  toggle(isOpen) {
    if (isOpen === this.isOpen) return;
    if (isOpen) {
      this.#detail = new RunDetail(this.run, this.#traceUrl);
      this.element.append(this.#detail.element);
    } else {
      this.#detail.element.remove();
      this.#detail = null;
    }
    this.button.setAttribute('aria-expanded', String(isOpen));
  }

  /** Brings it to where it is seen. */
  reveal() {
    this.element.scrollIntoView({ block: 'nearest' });
    this.button.focus({ preventScroll: true });
  }
}
