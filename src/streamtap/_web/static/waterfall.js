// The waterfall of a run: a lane for each request and tool call of it and of its nested runs; and the same as a table.

import { make } from './elements.js';
import { read } from './names.js';
import { count, percent, plural, rate, seconds } from './numbers.js';
import { AGAIN, axis, extent, focusableBars } from './timeline.js';

export function waterfall(run) {
  const total = extent(run);
  const head = make('div', { class: 'lane', 'aria-hidden': 'true' }, [make('span'), axis(total), make('span')]);
  const drawn = lanes(run).map((lane) => (lane.row ? rowLane(lane, total) : runLane(lane, total)));
  if (!run.left_out) return [head, ...drawn];
  const text = `and ${plural(run.left_out, 'more step')} that ${run.left_out === 1 ? 'was' : 'were'} not kept`;
  return [head, ...drawn, make('p', { text })];
}

export function asTable(run) {
  const titles = ['what', 'began after', 'took', 'first token', 'tokens/s', 'tokens out', 'context', 'outcome'];
  const heads = titles.map((text) => make('th', { text, scope: 'col', class: text === 'outcome' ? 'text' : undefined }));
  const rows = lanes(run).map(tableRow);
  const table = make('table', {}, [make('thead', {}, [make('tr', {}, heads)]), make('tbody', {}, rows)]);
  // Where it is wider than the page, it is scrolled by keyboard, too.
  const scrolled = make('div', { class: 'scroll', tabindex: 0, role: 'group', 'aria-label': 'The waterfall as a table' }, [table]);
  return make('details', {}, [make('summary', { text: 'As a table' }), scrolled]);
}

/** The lanes of a run, in order of time, a called run below its tool: {row | run, depth, offset}, where `offset` is when its run began. */
function lanes(run, depth = 0, offset = 0) {
  const below = (row) => run.nested.filter(({ caller }) => (run.rows[caller] ?? null) === row)
    .flatMap((one) => nestedLanes(one, depth + 1, offset + one.started - run.started));
  const rows = [...run.rows].sort((one, other) => one.start - other.start);
  return [...rows.flatMap((row) => [{ row, depth, offset }, ...below(row)]), ...below(null)];
}

const nestedLanes = (run, depth, offset) => [{ run, depth, offset }, ...lanes(run, depth + 1, offset)];

function rowLane({ row, depth, offset }, total) {
  const shown = {
    ...row,
    start: row.start + offset,
    bars: row.bars.map(([kind, at, length]) => [kind, at + offset, length]),
    marks: row.marks.map((at) => at + offset),
  };
  const track = [base(shown.start, row.duration, total), ...focusableBars(shown, total)];
  const sort = row.sort === 'request' ? '' : `${row.sort} `;
  return drawnLane(`lane depth-${indent(depth)} `, { sort, name: row.name }, track, row.duration);
}

function runLane({ run, depth, offset }, total) {
  const track = [base(offset, run.duration, total)];
  return drawnLane(`lane depth-${indent(depth)} agent`, { sort: 'agent ', name: run.agent }, track, run.duration);
}

function drawnLane(kind, { sort, name }, track, duration) {
  return make('div', { class: kind }, [
    make('span', { class: 'name' }, [...(sort ? [make('span', { class: 'soft', text: sort })] : []), ...read(name)]),
    make('span', { class: 'track' }, track),
    make('span', { class: 'number', text: seconds(duration || null) }),
  ]);
}

function base(start, duration, total) {
  const made = make('span', { class: 'base' });
  const percent = (value) => (100 * (value || 0)) / (total || 1);
  made.style.left = `${percent(start)}%`;
  made.style.width = `${Math.min(100 - percent(start), percent(duration))}%`;
  return made;
}

function tableRow({ row, run, depth, offset }) {
  const one = row || asRow(run);
  const times = [one.start + offset, one.duration, one.first].map(seconds);
  const cells = [...times, rate(one.speed), count(one.output), percent(one.context)].map((text) => make('td', { text }));
  const outcome = make('td', { class: 'text' }, [...read(one.error || one.outcome), ...(one.again === true ? [`, ${AGAIN}`] : [])]);
  const sort = make('span', { class: 'soft', text: `${one.sort} ` });
  const head = make('th', { scope: 'row', class: `depth-${indent(depth)}` }, [sort, ...read(one.name)]);
  return make('tr', {}, [head, ...cells, outcome]);
}

function asRow({ agent, duration, outcome, error }) {
  return { sort: 'agent', name: agent, start: 0, duration, outcome, error };
}

const indent = (depth) => Math.min(3, depth);
