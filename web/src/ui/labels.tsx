import { classNames } from './class-names';

const HUES = ['bg-bad', 'bg-info', 'bg-rev', 'bg-warn', 'bg-ok', 'bg-ink-3'];
/** A map: people may name a label as every object's properties are named. */
const KNOWN: ReadonlyMap<string, string> = new Map([
  ['bug', 'bg-bad'],
  ['ui', 'bg-info'],
  ['api', 'bg-rev'],
  ['infra', 'bg-warn'],
  ['perf', 'bg-ok'],
  ['docs', 'bg-ink-3'],
]);

/** Characters: a label so short is never cut to make room for a long one. */
const SHORT = 6;

/** Never lime: lime means alive. */
function hue(label: string): string {
  const known = KNOWN.get(label);
  if (known) return known;
  let hash = 7;
  for (const char of label) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return HUES[hash % HUES.length] ?? 'bg-ink-3';
}

export function LabelDot({ label, className }: { label: string; className?: string }) {
  return (
    <span
      className={classNames(
        'inline-flex min-w-0 items-center gap-1.5 text-2xs text-ink-2',
        label.length <= SHORT && 'shrink-0',
        className,
      )}
    >
      <span className={classNames('size-1.5 shrink-0 rounded-full', hue(label))} aria-hidden="true" />
      <span className="truncate">{label}</span>
    </span>
  );
}
