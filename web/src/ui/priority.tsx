import type { Priority as Level } from '~/gql/types';
import { messages } from '~/messages';
import { classNames } from './class-names';

const BARS: Record<Level, number> = { URGENT: 3, HIGH: 3, MEDIUM: 2, LOW: 1 };

/** Three bars like a signal; amber when high, red when urgent. */
export function PriorityMark({ level }: { level: Level | null }) {
  const filled = level ? BARS[level] : 0;
  const colour = level === 'URGENT' ? 'fill-bad' : level === 'HIGH' ? 'fill-warn' : 'fill-ink-2';
  const label = level ? messages.priorities[level] : messages.noPriority;
  return (
    <svg width="14" height="14" viewBox="0 0 14 14" role="img" aria-label={label} className="shrink-0">
      <title>{label}</title>
      {[0, 1, 2].map((bar) => (
        <rect
          key={bar}
          x={1 + bar * 4.3}
          y={9 - bar * 3}
          width="3"
          height={4 + bar * 3}
          rx="1"
          className={classNames(bar < filled ? colour : 'fill-line-strong')}
        />
      ))}
    </svg>
  );
}
