// Buttons that copy a text.

import { make } from './elements.js';

/** Make a button copy what `text` returns; where that is not allowed, it says something else. */
export function copyOnClick(button, text, otherwise = 'Select the text to copy it') {
  const label = button.textContent;
  let timer = 0;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = 'Copied';
    } catch {
      button.textContent = otherwise;
    }
    clearTimeout(timer);
    timer = setTimeout(() => { button.textContent = label; }, 1500);
  });
}

/** A text and its button. */
export function copyable(name, text) {
  const button = make('button', { type: 'button', class: 'copy', text: 'Copy', 'aria-label': `Copy the ${name}` });
  copyOnClick(button, () => text);
  return [make('code', { text }), button];
}

/** A button alone, which copies what `text` returns. */
export function copyButton(label, text, otherwise) {
  const button = make('button', { type: 'button', class: 'copy', text: label });
  copyOnClick(button, text, otherwise);
  return button;
}
