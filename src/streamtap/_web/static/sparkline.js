// The small charts of the figures: a value for each slot of time, the newest at the right.

import { shape } from './elements.js';

const FEWEST_SLOTS = 12;

/** A line that is broken where there is no value. */
export function sparkline(slots, value) {
  const { svg, x } = canvas(slots);
  const values = slots.map(value);
  const top = highest(values);
  let path = '';
  let drawing = false;
  values.forEach((one, index) => {
    if (one === null) drawing = false;
    else {
      const y = (19 - (18 * one) / top).toFixed(2);
      // A single point would be invisible, so it is a short stroke.
      path += drawing ? `L${x(index) + 0.5} ${y}` : `M${x(index) + 0.2} ${y}h.6`;
      drawing = true;
    }
  });
  svg.append(shape('path', { d: path }));
  return svg;
}

/** A bar for each slot, part of which may be bad. */
export function sparkbars(slots, value, bad = () => 0) {
  const { svg, x } = canvas(slots);
  const top = highest(slots.map(value));
  slots.forEach((slot, index) => {
    const height = (20 * value(slot)) / top;
    const wrong = (20 * bad(slot)) / top;
    const place = { x: x(index) + 0.1, width: 0.8 };
    if (height) svg.append(shape('rect', { ...place, y: 20 - height, height }));
    if (wrong) svg.append(shape('rect', { class: 'bad', ...place, y: 20 - wrong, height: wrong }));
  });
  return svg;
}

const highest = (values) => Math.max(...values.filter((one) => one !== null), 1e-9);

function canvas(slots) {
  const wide = Math.max(FEWEST_SLOTS, slots.length);
  const box = { viewBox: `0 0 ${wide} 20`, preserveAspectRatio: 'none' };
  const svg = shape('svg', { class: 'spark', ...box, 'aria-hidden': 'true' });
  svg.append(shape('line', { x1: 0, x2: wide, y1: 20, y2: 20 }));
  return { svg, x: (index) => wide - slots.length + index };
}
