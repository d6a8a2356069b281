// The waterfall of a run: a lane for each request and tool call of it and of its nested runs.

import { make } from './elements.js';
import { read } from './names.js';
import { plural, seconds } from './numbers.js';
import { axis, extent, focusableBars } from './timeline.js';

export function waterfall(run) {
  const total = extent(run);
  const head = make('div', { class: 'lane', 'aria-hidden': 'true' }, [make('span'), axis(total), make('span')]);
  const drawn = lanes(run).map((lane) => (lane.row ? rowLane(lane, total) : runLane(lane, total)));
  if (!run.left_out) return [head, ...drawn];
  const text = `and ${plural(run.left_out, 'more step')} that ${run.left_out === 1 ? 'was' : 'were'} not kept`;
  return [head, ...drawn, make('p', { text })];
}

/** The lanes of a run, in order of time, a called run below its tool: {row | run, depth, offset}, where `offset` is when its run began. */
export function lanes(run, depth = 0, offset = 0) {
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

/** How far a lane is indented: runs can be nested without end. */
export const indent = (depth) => Math.min(3, depth);
