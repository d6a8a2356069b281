// The live view. All data comes from the event stream /events, and enters the page as text only.

import { Connection } from './connection.js';
import { copyOnClick } from './copying.js';
import { byId, make } from './elements.js';
import { showFigures } from './figures.js';
import { walkByKeys } from './keyboard.js';
import { clock, dollars, plural } from './numbers.js';
import { RunList } from './run-list.js';
import { Runs } from './runs.js';
import { headTables, showTables } from './tables.js';
import { chooseTheme } from './theme.js';
import { showTips } from './tooltip.js';

const runs = new Runs();
const list = new RunList(runs);

function receive(type, { now, runs: ended }) {
  if (type === 'all') runs.forgetFinished();
  runs.take(now.open, ended);
  byId('empty').hidden = !runs.isEmpty;
  byId('runs').hidden = runs.isEmpty;
  byId('tables').hidden = runs.isEmpty;
  byId('since').textContent = `since ${clock(now.since)}: ${plural(now.runs, 'run')}, ${dollars(now.cost)}`;
  byId('about').textContent = `streamtap ${now.version}`;
  byId('notes').replaceChildren(...now.now.notes.map((text) => make('li', { text })));
  document.title = now.now.stalled ? `(${now.now.stalled} stalled) streamtap` : 'streamtap';
  showFigures(now);
  showTables(now);
  list.update(ended);
}

chooseTheme(byId('theme'));
headTables();
showTips(byId('tip'));
walkByKeys(byId('list'));
copyOnClick(byId('copy-snippet'), document.querySelector('#empty code').textContent);

const connection = new Connection(byId('state'), receive);
// Nobody looks at a hidden page, so it does not stay connected.
document.addEventListener('visibilitychange', () => (document.hidden ? connection.close() : connection.open()));
connection.open();
