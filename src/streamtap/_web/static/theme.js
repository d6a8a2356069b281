// Light or dark: that of the system, or the one that was chosen.

const NAMES = ['system', 'light', 'dark'];

/** Apply the theme that was chosen, and make a button choose the next one. */
export function chooseTheme(button) {
  let chosen = NAMES.includes(stored()) ? stored() : 'system';
  apply(chosen, button);
  button.addEventListener('click', () => {
    chosen = NAMES[(NAMES.indexOf(chosen) + 1) % NAMES.length];
    store(chosen);
    apply(chosen, button);
  });
}

function apply(name, button) {
  if (name === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  button.textContent = `Theme: ${name}`;
}

const KEY = 'streamtap-theme';

// Where storage is disabled, the choice lasts as long as the page.
function stored() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function store(name) {
  try {
    localStorage.setItem(KEY, name);
  } catch {
    // As above.
  }
}
