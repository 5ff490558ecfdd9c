import { classNames } from './class-names';

const fills = { fine: 'bg-accent-line', warning: 'bg-warn', full: 'bg-bad' } as const;

/** How much of something is used, as a bar: for the eye alone. Words beside it say the same. */
export function Meter({ value, max, className }: { value: number; max: number; className?: string }) {
  const share = max > 0 ? Math.min(1, value / max) : 1;
  const look = share >= 1 ? 'full' : share >= 0.8 ? 'warning' : 'fine';
  return (
    <span aria-hidden="true" className={classNames('block h-1.5 overflow-hidden rounded-full', className ?? 'bg-line')}>
      <span className={classNames('block h-full rounded-full', fills[look])} style={{ width: `${share * 100}%` }} />
    </span>
  );
}
