// Groups of buttons of which one is pressed, and buttons that filter.

import { make } from './elements.js';
import { inWords, isPossible, keyOf } from './filters.js';
import { oneStop } from './keyboard.js';
import { named } from './names.js';

/** Makes the buttons of a group choose the value in their `data-value`; returns a function that presses one. */
export function chooseOne(group, choose) {
  const buttons = [...group.querySelectorAll('button')];
  const stop = oneStop(group, () => [buttons]);
  group.addEventListener('click', ({ target }) => {
    const button = target.closest('button');
    if (button) choose(button.dataset.value);
  });
  return (value) => {
    for (const one of buttons) one.setAttribute('aria-pressed', String(one.dataset.value === value));
    if (!group.contains(document.activeElement)) stop(buttons.find((one) => one.dataset.value === value));
  };
}

/** A button that shows the runs of a filter, or only a name if no run can be found by it. */
export function filterButton(filter, name) {
  if (!isPossible(filter)) return named(name, true);
  const said = { 'aria-label': `Only runs of ${inWords(filter)}`, title: `Only runs of ${inWords(filter)}` };
  // A label without a value: what stands there is no name.
  const shown = name ? named(name, true) : make('i', { text: inWords(filter) });
  return make('button', { type: 'button', class: 'filter', ...said, data: { filter: keyOf(filter) } }, [shown]);
}

/** Calls `filter` when such a button is pressed, wherever it is. */
export function onFilter(filter) {
  document.addEventListener('click', ({ target }) => {
    const button = target.closest?.('[data-filter]');
    if (button) filter(JSON.parse(button.dataset.filter), button);
  });
}
