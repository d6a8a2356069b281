// Shows the numbers of what is pointed at or focused, until Escape.

export function showTips(tip) {
  let shown = null;
  const hide = () => { tip.hidden = true; };
  const show = ({ target }) => {
    const text = target.dataset?.tip;
    // The page may move below a pointer that rests: what is focused keeps its tip.
    if (!text) return shown === document.activeElement ? undefined : hide();
    shown = target;
    tip.textContent = text;
    tip.hidden = false;
    place(tip, target.getBoundingClientRect());
  };
  document.addEventListener('pointerover', show);
  document.addEventListener('focusin', show);
  document.addEventListener('focusout', hide);
  // A bar that gets the focus may be scrolled into view for it.
  document.addEventListener('scroll', () => (shown === document.activeElement && !tip.hidden ? place(tip, shown.getBoundingClientRect()) : hide()), true);
  document.addEventListener('keydown', ({ key }) => { if (key === 'Escape') hide(); });
}

/** Places the tip above its element, or below it where there is no room; never outside the window. */
function place(tip, at) {
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.max(8, at.left + Math.min(at.width, 200) / 2 - width / 2);
  tip.style.left = `${Math.min(window.innerWidth - width - 8, left)}px`;
  tip.style.top = `${at.top - height - 8 > 0 ? at.top - height - 8 : at.bottom + 8}px`;
}
