// What opens below a run in the list: its facts, its waterfall, and the waterfall as a table.

import { linkTo, NOTHING_CHOSEN } from './address.js';
import { filterButton } from './buttons.js';
import { copyable, copyButton } from './copying.js';
import { make } from './elements.js';
import { filtersOf } from './filters.js';
import { oneStop } from './keyboard.js';
import { isolated, named } from './names.js';
import { clock, count, dollars, missing, percent, plural, seconds } from './numbers.js';
import { StepsTable } from './steps-table.js';
import { waterfall } from './waterfall.js';

const FOCUSABLE = ['.seg', 'button', 'a', 'summary', '.scroll'];

export class RunDetail {
  #stops;
  #traceUrl;

  /**
   * @param run The run.
   * @param traceUrl Returns the address of a trace, or null.
   */
  constructor(run, traceUrl) {
    this.#traceUrl = traceUrl;
    const name = `Waterfall of a run of ${isolated(run.agent)}`;
    this.element = make('div', { class: 'detail', role: 'group', 'aria-label': name });
    this.#stops = [
      oneStop(this.element, () => [[...this.element.querySelectorAll('.facts :is(button, a)')]]),
      oneStop(this.element, () => this.#lanes()),
    ];
    this.update(run);
  }

  /** Draws it anew; an open table stays open, and what has the focus keeps it. */
  update(run) {
    // A button that is replaced while it is pressed is not clicked.
    if (this.element.matches(':active')) return;
    const isTableOpen = this.element.querySelector('details')?.open;
    const kind = FOCUSABLE.find((one) => document.activeElement.matches(one)) ?? FOCUSABLE[0];
    const place = [...this.element.querySelectorAll(kind)].indexOf(document.activeElement);
    const table = new StepsTable(run);
    this.element.replaceChildren(this.#facts(run), ...waterfall(run), table.element);
    table.element.open = Boolean(isTableOpen);
    if (isTableOpen) table.fit();
    for (const stop of this.#stops) stop();
    if (place >= 0) [...this.element.querySelectorAll(kind)].slice(0, place + 1).at(-1)?.focus();
  }

  #lanes() {
    const lanes = [...this.element.querySelectorAll('.track')].map((track) => [...track.querySelectorAll('.seg')]);
    return lanes.filter((bars) => bars.length);
  }

  #facts(run) {
    const list = make('dl', { class: 'facts' });
    const fact = (name, ...what) => list.append(make('div', {}, [make('dt', {}, [name]), make('dd', {}, what)]));
    fact('outcome', ...outcome(run));
    fact('began', clock(run.started));
    if (run.outcome !== 'running') {
      const read = run.reader_delay === null ? '' : `; its reader had it ${seconds(run.reader_delay)} later`;
      fact('first output', seconds(run.first_output) + read);
      if (run.objective !== null) fact('objective', run.objective ? 'met' : `missed: ${run.missed.join(', ').replaceAll('_', ' ')}`);
      if (run.attempt !== null) fact('attempt', count(run.attempt));
      fact('requests', count(run.total_requests));
      fact('tool calls', count(run.total_tools));
      fact('tokens', tokens(run.total_unmeasured, run.total_input, run.total_output));
      if (run.again) fact('repeated tool calls', count(run.again));
      if (run.context !== null) fact('fullest context', percent(run.context));
      fact('cost', cost(run.total_unmeasured, run.total_cost));
      if (hasCalled(run)) fact('its own', ofItsOwn(run));
    }
    for (const [name, value] of Object.entries(run.labels)) fact(named(name), filterButton(['label', name, value], value));
    if (run.trace) fact('trace', ...this.#trace(run.trace));
    fact('run', ...copyable('run id', run.id));
    list.append(...has(run));
    fact(
      'share',
      copyButton('Copy link', () => linkTo({ ...NOTHING_CHOSEN, run: run.id }), 'It is in the address bar'),
      copyButton('Copy as JSON', () => JSON.stringify(run, null, 2), 'The browser does not allow it'),
    );
    return list;
  }

  #trace(id) {
    const href = this.#traceUrl(id);
    if (!href) return copyable('trace id', id);
    return [make('a', { href, target: '_blank', rel: 'noopener', text: 'Open the trace' }), ' ', ...copyable('trace id', id)];
  }
}

const atLeast = (unmeasured, said) => (unmeasured ? `at least ${said}` : said);
const tokens = (unmeasured, input, output) => (input === null ? missing : atLeast(unmeasured, `${count(input)} in, ${count(output)} out`));
const cost = (unmeasured, value) => (value === null ? missing : atLeast(unmeasured, dollars(value)));

const hasCalled = (run) => run.nested.length > 0 || run.total_requests > run.requests || run.total_tools > run.tools;

function ofItsOwn(run) {
  const did = [plural(run.requests, 'request'), plural(run.tools, 'tool call')];
  return [...did, tokens(run.unmeasured, run.input, run.output), cost(run.unmeasured, run.cost)].join(', ');
}

function outcome({ agent, outcome: word, error, cause, failed_step: step, failed_agent: of }) {
  const at = step ? [` in step ${step}${of === agent ? '' : ` of ${isolated(of)}`}`] : [];
  if (!error) return cause ? [filterButton(['error', ...cause], word), ...at] : [word];
  return cause ? [`${word}: `, filterButton(['error', ...cause], error), ...at] : [`${word}: ${error}`];
}

const NAMES = { agent: 'agents', model: 'models', tool: 'tools called' };

/** What the run had, the runs that it called included, to filter by. */
function has(run) {
  return Object.entries(NAMES).flatMap(([kind, title]) => {
    const buttons = filtersOf(run).filter(([one]) => one === kind).map((one) => filterButton(one, one.at(-1)));
    return buttons.length ? [make('div', {}, [make('dt', { text: title }), make('dd', {}, buttons)])] : [];
  });
}
