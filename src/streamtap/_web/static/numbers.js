// Numbers as text.

export const missing = '–';
const isMissing = (value) => value === null || value === undefined;

export function seconds(value) {
  if (isMissing(value)) return missing;
  if (value > 0 && value < 0.001) return '<1 ms';
  if (value < 0.9995) return `${Math.round(value * 1000)} ms`;
  if (value < 9.995) return `${value.toFixed(2)} s`;
  if (value < 59.95) return `${value.toFixed(1)} s`;
  const whole = Math.round(value);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** Cents, and below $1 three digits that count: as `dollars` in _display/text.py. */
export function dollars(value) {
  if (isMissing(value)) return missing;
  // A sum of many may lie just beside the number that it stands for.
  value = Number(value.toPrecision(12));
  const exponent = value > 0 ? Number(value.toExponential(2).split('e')[1]) : 0;
  const digits = value.toFixed(Math.min(12, Math.max(2, 2 - exponent))).replace(/(\.\d\d\d*?)0+$/, '$1');
  return `$${digits.replace(/\B(?=(\d{3})+\.)/g, ',')}`;
}

/** A share; one of less than all is never rounded up to all, nor one of more than none down to none. */
export function percent(value) {
  if (isMissing(value)) return missing;
  if (value > 0 && value < 0.001) return '<0.1 %';
  const shown = (100 * value).toFixed(1);
  return `${value < 1 && shown === '100.0' ? '99.9' : shown} %`;
}

/** A sentence in which a number and its percent stay on one line. */
export const together = (text) => text.replaceAll(' %', '\u00a0%');

export function rate(value) {
  if (isMissing(value)) return missing;
  if (value < 0.05) return '<0.1';
  return value < 9.95 ? value.toFixed(1).replace('.0', '') : value.toFixed(0);
}

export const count = (value) => (isMissing(value) ? missing : value.toLocaleString('en'));
export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? '' : 's'}`;
export const clock = (unix) => new Date(unix * 1000).toLocaleTimeString('en-GB');
