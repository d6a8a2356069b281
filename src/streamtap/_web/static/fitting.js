// Tables that fit their box: the columns for which there is no room are left out, so that no number is ever cut.

/**
 * Leaves out columns of a table until it fits: all that say nothing, then others by their worth, the least first.
 *
 * @param table The table; it is inside of the box that it is to fit.
 * @param columns A description of each column, in order: {title, worth, isHidden, isEmpty, tellsNone}. Those that are hidden stay so;
 *   those without a worth are only left out where they are empty, and no dash there tells that there is none.
 * @returns A sentence on the columns that are left out though they say something, by their `title`; empty if none is.
 */
export function fit(table, columns) {
  const box = table.parentElement;
  const leaveOut = (places) => {
    for (const row of table.rows) {
      // A row that says that there is nothing has a single cell.
      if (row.cells.length < columns.length) continue;
      columns.forEach((column, place) => {
        const isHidden = Boolean(column.isHidden) || places.has(place);
        if (row.cells[place].hidden !== isHidden) row.cells[place].hidden = isHidden;
      });
    }
  };
  let left;
  for (left of choices(columns)) {
    leaveOut(left);
    if (box.scrollWidth <= box.clientWidth) break;
  }
  const lacking = columns.filter(({ isHidden, isEmpty }, place) => left.has(place) && !isHidden && !isEmpty);
  return lacking.length ? `Left out for lack of room: ${lacking.map(({ title }) => title).join(', ')}` : '';
}

/** The places of the columns to leave out: none, then more and more. */
function* choices(columns) {
  const left = new Set();
  const leave = (which) => columns.forEach((column, place) => which(column) && left.add(place));
  yield left;
  leave(({ worth, isEmpty }) => isEmpty && worth !== undefined);
  yield left;
  leave(({ isEmpty, tellsNone }) => isEmpty && !tellsNone);
  yield left;
  const worths = columns.map(({ worth }) => worth).filter((worth) => worth !== undefined);
  for (const least of [...new Set(worths)].sort((one, other) => one - other)) {
    leave(({ worth }) => worth === least);
    yield left;
  }
}
