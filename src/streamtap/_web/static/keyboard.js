// By keyboard, a list, a table, a waterfall or a group of buttons is one stop of Tab: the arrows, Home, End, Page Up and Page Down move in it.

const PAGE = 10;
const UP_OR_DOWN = { ArrowUp: -1, ArrowDown: 1, PageUp: -PAGE, PageDown: PAGE };
const SIDEWAYS = { ArrowLeft: -1, ArrowRight: 1 };

/**
 * Makes elements one stop.
 *
 * @param container The element that they are in, now and later.
 * @param rows Returns them, row by row.
 * @returns What is to be called after elements came or went, or with the element at which Tab shall stop, `null` for the first.
 */
export function oneStop(container, rows) {
  let current = null;
  /** Where somebody was last, or was led to: until then Tab stops at the first. */
  let visited = null;
  const stopAt = (element) => {
    current = element;
    for (const each of rows().flat()) each.tabIndex = each === current ? 0 : -1;
  };
  container.addEventListener('focusin', ({ target }) => {
    if (!rows().flat().includes(target)) return;
    visited = target;
    if (target !== current) stopAt(target);
  });
  container.addEventListener('keydown', (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const next = whereTo(rows().map(visible).filter((row) => row.length), event);
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
  return (wanted = visited) => {
    const all = rows().flat();
    visited = all.includes(wanted) && wanted.checkVisibility() ? wanted : null;
    stopAt(visited ?? all[0]);
  };
}

/** Those of a row that a narrow window does not leave out. */
const visible = (row) => row.filter((element) => element.checkVisibility());

function whereTo(rows, { key, target }) {
  const at = rows.findIndex((row) => row.includes(target));
  if (at < 0) return null;
  const place = rows[at].indexOf(target);
  if (key === 'Home') return rows[0][0];
  if (key === 'End') return rows.at(-1).at(-1);
  if (key in SIDEWAYS) return rows[at][place + SIDEWAYS[key]];
  if (!(key in UP_OR_DOWN)) return null;
  // What is one row to the keyboard may stand on several lines.
  if (rows.length === 1) return rows[0][Math.min(rows[0].length - 1, Math.max(0, place + UP_OR_DOWN[key]))];
  const row = rows[Math.min(rows.length - 1, Math.max(0, at + UP_OR_DOWN[key]))];
  return row[Math.min(place, row.length - 1)];
}

/** Makes Escape close the waterfall that it is pressed in or on the run of; the focus goes to the run. */
export function closeByEscape(list) {
  list.addEventListener('keydown', ({ key, target }) => {
    const run = key === 'Escape' && target.closest('li')?.querySelector('.run[aria-expanded=true]');
    if (!run) return;
    run.click();
    run.focus();
  });
}
