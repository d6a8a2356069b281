// Elements of the page. Text never becomes markup.

export const byId = (id) => document.getElementById(id);

/** An element with text, attributes and children. */
export function make(tag, { text, data, ...attributes } = {}, children = []) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  for (const [name, value] of Object.entries(attributes)) if (value !== undefined) made.setAttribute(name, value);
  Object.assign(made.dataset, data);
  made.append(...children);
  return made;
}

/** Sets a text; one that is there already is not said again to whoever listens to the page. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** An element of SVG. */
export function shape(tag, attributes) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  return made;
}
