// Light or dark: that of the system, or the one that was chosen.

import { keep, kept } from './kept.js';

const KEY = 'streamtap-theme';
const NAMES = ['system', 'light', 'dark'];

/** Apply the theme that was chosen, and make a button choose the next one. */
export function chooseTheme(button) {
  let chosen = NAMES.includes(kept(KEY)) ? kept(KEY) : 'system';
  apply(chosen, button);
  button.addEventListener('click', () => {
    chosen = NAMES[(NAMES.indexOf(chosen) + 1) % NAMES.length];
    keep(KEY, chosen);
    apply(chosen, button);
  });
}

function apply(name, button) {
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  button.textContent = `Theme: ${name}`;
}
