// A table that can be sorted by each column, and whose rows stay where they are while somebody points at one.

import { make, say } from './elements.js';
import { fit } from './fitting.js';
import { oneStop } from './keyboard.js';
import { read } from './names.js';
import { missing } from './numbers.js';

const SHOWN = 10;

export class SortedTable {
  #table;
  #columns;
  #hurts;
  #head;
  #chosen = null;
  #rows = new Map();
  #shown = [];
  #none;
  #stop;
  #lacking = make('p', { class: 'lacking soft' });
  #more = make('button', { type: 'button', class: 'more' });
  #areAllShown = false;

  /**
   * @param table The table, empty.
   * @param name The title of its first column, which names the row.
   * @param columns The others: {title, value: (row) => …, show: (value) => {text, class}}; `isName` if they are names,
   *   those with a `worth` are only shown where there is room, the least first left out; a `hint` is shown to whoever points
   *   at the title; `tellsNone` if a dash in it tells that there is none;
   *   `isRare` if they are only shown where a row has a value; `show` gets the row, too.
   * @param hurts By whose highest values it is sorted at first: titles of columns, or {value: (row) => …} of what is none.
   * @param head Makes the content of a row's first cell.
   */
  constructor(table, { name, columns, hurts, head }) {
    this.#table = table;
    this.#columns = [{ title: name, value: (row) => row.name }, ...columns];
    this.#hurts = hurts.map((one) => this.#columns.find((column) => column.title === one) ?? one);
    this.#head = head;
    this.#none = make('tr', {}, [make('td', { text: 'none', class: 'none text', colspan: this.#columns.length })]);
    this.#stop = oneStop(table, () => [...table.rows].map((row) => [...row.querySelectorAll('button')]).filter((row) => row.length));
    table.createCaption();
    this.#more.addEventListener('click', () => {
      this.#areAllShown = !this.#areAllShown;
      this.#show();
    });
    table.after(this.#lacking, this.#more);
    table.append(make('thead', {}, [make('tr', {}, this.#columns.map((column) => this.#heading(column)))]), make('tbody'));
  }

  /** Shows rows, each with a `key`, of which those with `isRest` come last, and says in the caption what they are of. */
  update(rows, ...caption) {
    this.#table.caption.replaceChildren(...caption);
    this.#shown = rows;
    this.#show();
  }

  #heading(column) {
    const button = make('button', { type: 'button', class: 'sort', text: column.title, title: column.hint });
    button.addEventListener('click', () => this.#choose(column));
    return make('th', { scope: 'col', class: column.isName ? 'text' : '' }, [button]);
  }

  /** Sorts by a column: the highest first, then the lowest; names the other way round. */
  #choose(column) {
    const [first] = this.#order();
    const isAgain = first.column === column;
    this.#chosen = { column, isUp: isAgain ? !first.isUp : column === this.#columns[0] };
    this.#show();
  }

  #order() {
    const hurts = this.#hurts.map((column) => ({ column, isUp: false }));
    const chosen = this.#chosen ? [this.#chosen] : [];
    return [...chosen, ...hurts, { column: this.#columns[0], isUp: true }];
  }

  #show() {
    const order = this.#order();
    this.#columns.forEach((column, index) => {
      const { isUp } = order[0].column === column ? order[0] : {};
      const sort = { true: 'ascending', false: 'descending' }[isUp] ?? 'none';
      this.#table.tHead.rows[0].cells[index].setAttribute('aria-sort', sort);
    });
    for (const column of this.#columns.slice(1)) {
      column.isHidden = column.isRare && this.#shown.every((row) => column.value(row) === null);
      column.isEmpty = this.#shown.length > 0 && this.#shown.every((row) => column.show(column.value(row), row).text === missing);
    }
    const [body] = this.#table.tBodies;
    const sorted = [...this.#shown].sort((one, other) => one.isRest - other.isRest || compare(one, other, order));
    const all = body.matches(':hover, :focus-within') ? this.#asTheyAre(sorted) : sorted;
    const inOrder = this.#areAllShown ? all : all.slice(0, SHOWN);
    this.#more.hidden = all.length <= SHOWN;
    this.#more.textContent = this.#areAllShown ? 'Show fewer' : `Show all ${all.length}`;
    const rows = new Map(inOrder.map((row) => [row.key, this.#rows.get(row.key) || this.#made(row)]));
    for (const [key, row] of this.#rows) if (!rows.has(key)) row.remove();
    this.#rows = rows;
    for (const row of inOrder) this.#fill(rows.get(row.key), row);
    const elements = inOrder.length ? [...rows.values()] : [this.#none];
    if (elements.some((element, index) => body.children[index] !== element) || body.children.length > elements.length) {
      const focused = body.contains(document.activeElement) ? document.activeElement : null;
      body.replaceChildren(...elements);
      focused?.focus({ preventScroll: true });
    }
    this.fit();
    this.#stop();
  }

  /** Shows as many columns as there is room for, and says which are left out. */
  fit() {
    say(this.#lacking, fit(this.#table, this.#columns));
  }

  /** The same rows, those that are shown already in the order in which they are. */
  #asTheyAre(sorted) {
    const places = new Map([...this.#rows.keys()].map((key, place) => [key, place]));
    const place = ({ key }) => places.get(key) ?? Infinity;
    return [...sorted].sort((one, other) => place(one) - place(other) || 0);
  }

  #made(row) {
    const cells = this.#columns.slice(1).map(() => make('td'));
    return make('tr', {}, [make('th', { scope: 'row' }, this.#head(row)), ...cells]);
  }

  #fill(element, row) {
    this.#columns.slice(1).forEach((column, index) => {
      const { text, class: kind = '' } = column.show(column.value(row), row);
      const cell = element.cells[index + 1];
      const shown = (cell.querySelector('.named') ?? cell).textContent;
      if (shown !== text) cell.replaceChildren(...(column.isName ? read(text, true) : [text]));
      if (cell.className !== kind) cell.className = kind;
    });
  }
}

function compare(one, other, order) {
  for (const { column, isUp } of order) {
    const [a, b] = [column.value(one), column.value(other)];
    if (a === b) continue;
    // What is not known comes last, whatever the order.
    if (a === null || b === null) return a === null ? 1 : -1;
    const difference = typeof a === 'string' ? a.localeCompare(b) : a - b;
    if (difference) return isUp ? difference : -difference;
  }
  return 0;
}
