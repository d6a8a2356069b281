// The live view. All data comes from the event stream /events, and enters the page as text only.

import { chooseOne, onFilter } from './buttons.js';
import { Connection } from './connection.js';
import { copyOnClick } from './copying.js';
import { byId, make, say } from './elements.js';
import { showFigures } from './figures.js';
import { FilterBar } from './filter-bar.js';
import { matches } from './filters.js';
import { closeByEscape } from './keyboard.js';
import { clock, count, dollars, plural } from './numbers.js';
import { Pause } from './pause.js';
import { RunList } from './run-list.js';
import { isOfOrder, Runs } from './runs.js';
import { selected } from './selection.js';
import { Tables } from './tables.js';
import { chooseTheme } from './theme.js';
import { showTips } from './tooltip.js';
import { ViewState } from './view-state.js';

/** What the events have told. */
const known = { runs: new Runs(), now: null };
/** What is on the page: the same, or while it is paused, what was known then. */
let onPage = known;

const state = new ViewState(show);
const bar = new FilterBar(state);
const pause = new Pause(byId('pause'), byId('paused'), pauseOrResume);
const connection = new Connection(byId('state'), receive);
const tables = new Tables();
const list = new RunList(
  (id, isOpen) => state.note({ run: isOpen ? id : '' }),
  (trace) => known.now?.trace_url?.replaceAll('{trace_id}', encodeURIComponent(trace)) ?? null,
);
// What follows `#` is what is shown, which this link is not to change.
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  byId('runs').focus();
});
const pressOrder = chooseOne(byId('order'), (order) => state.change({ order }));
const pressRange = chooseOne(byId('range'), (range) => state.change({ range }));

function receive(type, { now, runs: ended, gone }) {
  const isFirst = known.now === null;
  if (type === 'all') known.runs.forgetFinished();
  known.runs.take(now.open, ended, gone);
  known.now = now;
  pause.say(now.runs);
  if (onPage !== known) return;
  showFiguresAndTables();
  const isAwaited = !byId('not-kept').hidden && Boolean(known.runs.find(state.shown.run));
  if (isFirst || isAwaited) show(state.shown);
  else list.update(known.runs, chosen(), ended);
  sayWhetherKept();
}

const chosen = () => selected(onPage.runs, onPage.now, state.shown);

/** Shows what the address says. */
function show(shown) {
  pressOrder(shown.order);
  pressRange(shown.range);
  bar.show(shown);
  if (connection.range !== shown.range) {
    // Its figures come with another event.
    pause.resume();
    onPage = known;
    known.now = null;
    connection.range = shown.range;
  }
  if (!onPage.now) return;
  const opened = shown.run && onPage.runs.find(shown.run);
  const isShown = (run) => isOfOrder(run, shown.order) && matches(run, shown.filters, shown.search);
  if (opened && !isShown(opened)) return state.replace({ run: '' });
  list.choose(onPage.runs, chosen(), shown.run);
  sayWhetherKept();
}

function showFiguresAndTables() {
  const { runs, now } = onPage;
  byId('empty').hidden = !runs.isEmpty;
  byId('runs').hidden = runs.isEmpty;
  byId('tables').hidden = runs.isEmpty;
  // What open runs have asked for has its cost already.
  const open = now.now.in_progress ? ` and ${count(now.now.in_progress)} in progress` : '';
  byId('since').textContent = `since ${clock(now.since)}: ${plural(now.runs, 'run')}${open}, ${dollars(now.cost)}`;
  byId('about').textContent = `streamtap ${now.version}`;
  byId('notes').replaceChildren(...now.now.notes.map((text) => make('li', { text })));
  document.title = now.now.stalled ? `(${now.now.stalled} stalled) streamtap` : 'streamtap';
  const minutes = (now.range ?? 900) / 60;
  const lately = `last ${plural(minutes, 'minute').replace(/^1 /, '')}`;
  say(byId('figures-title'), lately);
  showFigures(now);
  tables.show(now, lately, now.range ? lately : `since ${clock(now.since)}`);
}

function sayWhetherKept() {
  const { run } = state.shown;
  byId('not-kept').hidden = !run || list.has(run);
  say(byId('not-kept-run'), run);
}

function pauseOrResume(isPaused) {
  onPage = isPaused ? { runs: known.runs.copy(), now: known.now } : known;
  if (!known.now) return;
  pause.say(known.now.runs);
  if (isPaused) return;
  showFiguresAndTables();
  list.choose(known.runs, chosen(), state.shown.run);
}

chooseTheme(byId('theme'));
showTips(byId('tip'));
closeByEscape(byId('list'));
copyOnClick(byId('copy-snippet'), () => document.querySelector('#empty code').textContent);
byId('figures').addEventListener('click', ({ target }) => {
  if (target.dataset.order) state.change({ order: target.dataset.order });
});
onFilter((filter, button) => {
  state.toggle(filter);
  if (byId('tables').contains(button)) byId('runs').scrollIntoView({ block: 'start' });
});
byId('forget-run').addEventListener('click', () => state.change({ run: '' }));

// Nobody looks at a hidden page, so it does not stay connected.
document.addEventListener('visibilitychange', () => (document.hidden ? connection.close() : connection.open()));
connection.range = state.shown.range;
show(state.shown);
