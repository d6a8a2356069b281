// The list by keyboard: up and down walk through the runs, or through the lanes of an open waterfall; left and right
// walk through its bars; Escape closes it.

export function walkByKeys(list) {
  list.addEventListener('keydown', (event) => {
    const next = whereTo(event);
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}

function whereTo({ key, target }) {
  if (key === 'Escape') return closed(target);
  const step = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 }[key];
  if (!step) return null;
  const isSideways = key === 'ArrowLeft' || key === 'ArrowRight';
  if (target.classList.contains('seg')) return otherBar(target, step, isSideways);
  return target.classList.contains('run') && !isSideways ? otherRun(target, step) : null;
}

/** Closes the waterfall that contains the target; returns the button of its run. */
function closed(target) {
  const run = target.closest('.detail')?.previousElementSibling;
  run?.click();
  return run;
}

function otherBar(bar, step, isSideways) {
  const next = isSideways ? inLane(bar, step) : inOtherLane(bar, step);
  // Tab will come back to this bar.
  if (next) [bar.tabIndex, next.tabIndex] = [-1, 0];
  return next;
}

function inLane(bar, step) {
  const all = [...bar.closest('.detail').querySelectorAll('.seg')];
  return all[all.indexOf(bar) + step];
}

function inOtherLane(bar, step) {
  const tracks = [...bar.closest('.detail').querySelectorAll('.track')].filter((track) => track.querySelector('.seg'));
  return tracks[tracks.indexOf(bar.parentElement) + step]?.querySelector('.seg');
}

function otherRun(button, step) {
  const item = button.parentElement;
  return (step < 0 ? item.previousElementSibling : item.nextElementSibling)?.querySelector('.run');
}
