// The waterfall of a run as a table.

import { make, say } from './elements.js';
import { fit } from './fitting.js';
import { read } from './names.js';
import { count, missing, percent, rate, seconds } from './numbers.js';
import { AGAIN } from './timeline.js';
import { indent, lanes } from './waterfall.js';

const TITLE = 'what';
/** The columns but for the first, which names the step, and the last, which says how it ended; those worth least are left out first. */
const COLUMNS = [
  { title: 'began after', worth: 4, show: ({ start }) => seconds(start) },
  { title: 'took', show: ({ duration }) => seconds(duration) },
  { title: 'first token', worth: 3, show: ({ first }) => seconds(first) },
  { title: 'tokens/s', worth: 2, show: ({ speed }) => rate(speed) },
  { title: 'tokens out', worth: 1, show: ({ output }) => count(output) },
  { title: 'context', worth: 2, show: ({ context }) => percent(context) },
];

export class StepsTable {
  #table;
  #columns;
  #lacking = make('p', { class: 'lacking soft' });
  #room = new ResizeObserver(() => requestAnimationFrame(() => this.fit()));

  /** @param run The run. */
  constructor(run) {
    const steps = lanes(run).map((lane) => ({ ...lane, step: stepOf(lane) }));
    const texts = steps.map(({ step }) => COLUMNS.map(({ show }) => show(step)));
    const isEmpty = (place) => texts.every((text) => text[place] === missing);
    this.#columns = [{}, ...COLUMNS.map(({ title, worth }, place) => ({ title, worth, isEmpty: isEmpty(place) })), {}];
    const heads = [TITLE, ...COLUMNS.map(({ title }) => title), 'outcome'];
    const head = heads.map((text) => make('th', { text, scope: 'col', class: text === 'outcome' ? 'text' : undefined }));
    const rows = steps.map(({ step, depth }, place) => rowOf(step, depth, texts[place]));
    this.#table = make('table', {}, [make('thead', {}, [make('tr', {}, head)]), make('tbody', {}, rows)]);
    // Where it is wider than the page even so, it is scrolled by keyboard, too.
    const scrolled = make('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'The waterfall as a table' }, [this.#table]);
    this.element = make('details', {}, [make('summary', { text: 'As a table' }), scrolled, this.#lacking]);
    this.#room.observe(scrolled);
  }

  /** Shows as many columns as there is room for, and says which are left out. */
  fit() {
    say(this.#lacking, fit(this.#table, this.#columns));
  }
}

/** What a lane shows, at its time since the run began. */
function stepOf({ row, run, offset }) {
  const step = row || { sort: 'agent', name: run.agent, start: 0, duration: run.duration, outcome: run.outcome, error: run.error };
  return { ...step, start: step.start + offset };
}

function rowOf({ sort, name, outcome, error, again }, depth, texts) {
  const named = [make('span', { class: 'soft', text: `${sort} ` }), ...read(name, true)];
  const head = make('th', { scope: 'row', class: `depth-${indent(depth)}` }, [make('span', { class: 'name' }, named)]);
  const ended = make('td', { class: 'text' }, [...read(error || outcome, true), ...(again === true ? [`, ${AGAIN}`] : [])]);
  return make('tr', {}, [head, ...texts.map((text) => make('td', { text })), ended]);
}
