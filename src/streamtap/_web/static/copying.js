// Buttons that copy a text.

import { make } from './elements.js';

/** Make a button copy `text`. */
export function copyOnClick(button, text) {
  const label = button.textContent;
  let timer = 0;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = 'Copied';
    } catch {
      button.textContent = 'Select the text to copy it';
    }
    clearTimeout(timer);
    timer = setTimeout(() => { button.textContent = label; }, 1500);
  });
}

/** A text and its button. */
export function copyable(name, text) {
  const button = make('button', { type: 'button', class: 'copy', text: 'Copy', 'aria-label': `Copy the ${name}` });
  copyOnClick(button, text);
  return [make('code', { text }), button];
}
