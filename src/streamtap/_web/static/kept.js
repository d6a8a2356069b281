// Choices that the browser keeps. Where storage is disabled, a choice lasts as long as the page.

export function kept(key) {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

export function keep(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    // As above.
  }
}
