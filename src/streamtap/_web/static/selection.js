// Which runs are shown: of those that are kept, the ones of the order and the range that match.

import { matches } from './filters.js';
import { clock, count, plural } from './numbers.js';

/**
 * The runs of an order and a range that match, and in words of how many they are.
 *
 * Without a filter these are as many as are kept for the order; a filter looks at every run that is kept for any of them.
 */
export function selected(runs, now, { order, range, filters, search }) {
  const from = range ? now.from : -Infinity;
  if (!filters.length && !search) {
    const most = order === 'slowest' && range ? now.kept.slowest_lately : now.kept[order];
    const shown = runs.ofRange(order, from, most);
    const open = shown.filter((run) => !isOver(run)).length;
    const words = ofAll(shown, now, order, range);
    const more = open < shown.length ? ' more' : '';
    return { shown, words: open ? `${words} ${count(open)}${more} in progress.` : words };
  }
  const kept = runs.ofRange(order, from, Infinity);
  const shown = kept.filter((run) => matches(run, filters, search));
  return { shown, words: ofKept(shown.length, kept, now, order, range) };
}

function ofAll(shown, now, order, range) {
  const [word, total, time] = [wordOf(order), totalOf(now, order), inTime(now, range)];
  const over = shown.filter(isOver).length;
  if (range && order === 'slowest' && now.slowest_since > now.from) {
    return `${plural(over, word)}: the slowest since ${atClock(now, now.slowest_since)}. Of slow ones before, not all are kept.`;
  }
  if (total > over) return `${count(over)} of ${plural(total, word)} ${time} are kept: the ${order === 'slowest' ? 'slowest' : 'latest'}.`;
  if (over === 1) return `${shown.length > 1 ? 1 : 'The only'} ${word} ${time}.`;
  return `${over ? `All ${plural(over, word)}` : `No ${word}s`} ${time}.`;
}

function ofKept(matching, kept, now, order, range) {
  const total = totalOf(now, order);
  const match = `${matching ? count(matching) : 'None'} of ${plural(kept.length, `kept ${wordOf(order)}`)} ${matching === 1 ? 'matches' : 'match'}.`;
  return total > kept.filter(isOver).length ? `${match} There were ${count(total)} ${inTime(now, range)}.` : match;
}

const isOver = (run) => run.outcome !== 'running';

const wordOf = (order) => ({ failed: 'failed run', cancelled: 'cancelled run' })[order] ?? 'run';

const totalOf = ({ listed }, order) => (order === 'slowest' ? listed.newest : listed[order]);

const inTime = (now, range) => `since ${range ? atClock(now, now.from) : clock(now.since)}`;

/** The time of day of some seconds of the process's own clock. */
const atClock = (now, at) => clock(now.at - now.age + at);
