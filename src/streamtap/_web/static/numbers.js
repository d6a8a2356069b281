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

export function dollars(value) {
  if (isMissing(value)) return missing;
  return `$${value.toFixed(value >= 100 ? 0 : value >= 1 ? 2 : value >= 0.01 ? 3 : value === 0 ? 2 : 5)}`;
}

/** A share; one of less than all is never rounded up to all. */
export const percent = (value) => (isMissing(value) ? missing : `${(Math.floor(1000 * value + 1e-9) / 10).toFixed(1)} %`);

export const rate = (value) => (isMissing(value) ? missing : value.toFixed(value < 10 ? 1 : 0));
export const count = (value) => (isMissing(value) ? missing : value.toLocaleString('en'));
export const plural = (number, word) => `${count(number)} ${word}${number === 1 ? '' : 's'}`;
export const clock = (unix) => new Date(unix * 1000).toLocaleTimeString('en-GB');
