// Numbers and times as people read them. All of them in tabular figures, all without a library.
const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MICROS_PER_DOLLAR = 1_000_000;

const two = (value: number): string => String(value).padStart(2, '0');

/** 4:12, or 1:04:12 from an hour on. */
export function clock(durationMs: number): string {
  const seconds = Math.max(0, Math.floor(durationMs / SECOND_MS));
  const hours = Math.floor(seconds / 3_600);
  const rest = `${Math.floor((seconds % 3_600) / 60)}:${two(seconds % 60)}`;
  return hours > 0 ? `${hours}:${rest.padStart(5, '0')}` : rest;
}

/** 120 ms, 8.4 s, 2 min 05 s. */
export function duration(durationMs: number): string {
  if (durationMs < SECOND_MS) return `${Math.max(0, Math.round(durationMs))} ms`;
  if (durationMs < MINUTE_MS) return `${(durationMs / SECOND_MS).toFixed(1)} s`;
  return `${Math.floor(durationMs / MINUTE_MS)} min ${two(Math.floor((durationMs % MINUTE_MS) / SECOND_MS))} s`;
}

/** "3 s", "12 min", "4 h", then the date. */
export function ago(at: string, nowMs: number): string {
  const past = Math.max(0, nowMs - Date.parse(at));
  if (past < 5 * SECOND_MS) return 'now';
  if (past < MINUTE_MS) return `${Math.floor(past / SECOND_MS)} s`;
  if (past < HOUR_MS) return `${Math.floor(past / MINUTE_MS)} min`;
  if (past < DAY_MS) return `${Math.floor(past / HOUR_MS)} h`;
  if (past < 7 * DAY_MS) return `${Math.floor(past / DAY_MS)} d`;
  return new Date(at).toLocaleDateString('en', { day: 'numeric', month: 'short', year: 'numeric' });
}

/** Whole, for titles and the audit log. */
export const dateTime = (at: string): string =>
  new Date(at).toLocaleString('en', { dateStyle: 'medium', timeStyle: 'medium' });

export const timeOfDay = (at: string): string => {
  const date = new Date(at);
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
};

/** $0.38; a cost that is not nothing never reads $0.00. */
export function dollars(usdMicros: number): string {
  const value = usdMicros / MICROS_PER_DOLLAR;
  return value > 0 && value < 0.005 ? '<$0.01' : `$${value.toFixed(2)}`;
}

/** To the micro-dollar: $0.498731, $0.50. */
export function exactDollars(usdMicros: number): string {
  const [whole = '0', rest = ''] = (usdMicros / MICROS_PER_DOLLAR).toFixed(6).split('.');
  return `$${whole}.${rest.replace(/0+$/, '').padEnd(2, '0')}`;
}

/** 950, 12.4k, 3.1M. */
export function count(value: number): string {
  if (value < 1_000) return String(value);
  if (value < 1_000_000) return `${(value / 1_000).toFixed(value < 10_000 ? 1 : 0)}k`;
  return `${(value / 1_000_000).toFixed(1)}M`;
}

export function bytes(size: number): string {
  if (size < 1_024) return `${size} B`;
  if (size < 1_048_576) return `${(size / 1_024).toFixed(1)} KiB`;
  return `${(size / 1_048_576).toFixed(1)} MiB`;
}

/** "Mara Okafor" → MO. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const first = words[0]?.[0] ?? '?';
  const last = words.length > 1 ? (words.at(-1)?.[0] ?? '') : (words[0]?.[1] ?? '');
  return (first + last).toUpperCase();
}
