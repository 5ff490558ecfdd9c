import type { ReactNode } from 'react';
import { classNames } from './class-names';

/** What an empty place says: a slice, what belongs here, and one thing to do about it. */
export function Blankslate({
  title,
  lead,
  action,
  compact = false,
}: {
  title: string;
  lead?: string;
  action?: ReactNode;
  compact?: boolean;
}) {
  return (
    <div className={classNames('mx-auto flex max-w-sm flex-col items-center text-center', compact ? 'py-8' : 'py-16')}>
      <svg width={compact ? 40 : 64} height={compact ? 40 : 64} viewBox="0 0 64 64" fill="none" aria-hidden="true">
        <circle cx="32" cy="32" r="25" className="stroke-line-strong" strokeWidth="2.5" strokeDasharray="5 4" />
        <circle cx="32" cy="32" r="18" className="fill-sunken stroke-line-strong" strokeWidth="1.5" />
        <path
          d="M32 16v32M18.2 24l27.6 16M45.8 24 18.2 40"
          className="stroke-line-strong"
          strokeWidth="1.5"
          strokeLinecap="round"
        />
      </svg>
      <h2 className={classNames('mt-4 font-display font-semibold', compact ? 'text-base' : 'text-xl')}>{title}</h2>
      {lead ? <p className="mt-1 text-ink-2">{lead}</p> : null}
      {action ? <div className="mt-4">{action}</div> : null}
    </div>
  );
}
