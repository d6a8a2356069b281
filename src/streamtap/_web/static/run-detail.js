// What opens below a run in the list: its facts, its waterfall, and the waterfall as a table.

import { copyable } from './copying.js';
import { make } from './elements.js';
import { count, dollars, missing, seconds } from './numbers.js';
import { asTable, waterfall } from './waterfall.js';

export class RunDetail {
  constructor(run) {
    const name = `Waterfall of a run of ${run.agent}`;
    this.element = make('div', { class: 'detail', role: 'group', 'aria-label': name });
    this.update(run);
  }

  /** Draws it anew; an open table stays open, and a bar with the focus keeps it. */
  update(run) {
    const isTableOpen = this.element.querySelector('details')?.open;
    const focused = [...this.element.querySelectorAll('.seg')].indexOf(document.activeElement);
    this.element.replaceChildren(facts(run), ...waterfall(run), asTable(run));
    this.element.querySelector('details').open = Boolean(isTableOpen);
    const bars = this.element.querySelectorAll('.seg');
    if (bars.length) bars[0].tabIndex = 0;
    if (focused >= 0) bars[Math.min(focused, bars.length - 1)]?.focus();
  }
}

function facts(run) {
  const list = make('dl', { class: 'facts' });
  const fact = (name, ...what) => list.append(make('div', {}, [make('dt', { text: name }), make('dd', {}, what)]));
  fact('outcome', run.error ? `${run.outcome}: ${run.error}` : run.outcome);
  if (run.outcome !== 'running') {
    const read = run.reader_delay === null ? '' : `, read ${seconds(run.reader_delay)} after it came`;
    fact('first output', seconds(run.first_output) + read);
    fact('requests', count(run.requests));
    fact('tools', count(run.tools));
    const atLeast = run.unmeasured ? 'at least ' : '';
    fact('tokens', `${atLeast}${count(run.input)} in, ${count(run.output)} out`);
    fact('cost', run.cost === null ? missing : `${atLeast}${dollars(run.cost)}`);
    if (run.total_cost !== run.cost) fact('with called runs', `${run.total_unmeasured ? 'at least ' : ''}${dollars(run.total_cost)}`);
  }
  for (const [name, value] of Object.entries(run.labels)) fact(name, value || missing);
  if (run.trace) fact('trace', ...copyable('trace id', run.trace));
  fact('run', ...copyable('run id', run.id));
  return list;
}
