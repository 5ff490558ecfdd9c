import { classNames } from './class-names';

const HUES = ['bg-bad', 'bg-info', 'bg-rev', 'bg-warn', 'bg-ok', 'bg-ink-3'];
const KNOWN: Readonly<Record<string, string>> = {
  bug: 'bg-bad',
  ui: 'bg-info',
  api: 'bg-rev',
  infra: 'bg-warn',
  perf: 'bg-ok',
  docs: 'bg-ink-3',
};

/** Never lime: lime means alive. */
function hue(label: string): string {
  const known = KNOWN[label];
  if (known) return known;
  let hash = 7;
  for (const char of label) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return HUES[hash % HUES.length] ?? 'bg-ink-3';
}

export function LabelDot({ label, className }: { label: string; className?: string }) {
  return (
    <span className={classNames('inline-flex min-w-0 items-center gap-1.5 text-2xs text-ink-2', className)}>
      <span className={classNames('size-1.5 shrink-0 rounded-full', hue(label))} aria-hidden="true" />
      <span className="truncate">{label}</span>
    </span>
  );
}
