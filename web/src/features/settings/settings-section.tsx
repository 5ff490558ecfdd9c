import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { messages } from '~/messages';
import { classNames } from '~/ui/class-names';
import { ErrorPanel } from '~/ui/error-panel';
import { AfterAMoment, Skeleton } from '~/ui/skeleton';

/** A part of the settings: what it is, one action, and its content. */
export function SettingsSection({
  title,
  lead,
  action,
  children,
}: {
  title: string;
  lead?: string;
  action?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section aria-label={title} className="mb-8">
      <div className="mb-3 flex items-end gap-4">
        <div className="min-w-0 flex-1">
          <h2 className="font-display font-semibold text-lg">{title}</h2>
          {lead ? <p className="text-ink-2">{lead}</p> : null}
        </div>
        {action}
      </div>
      {children}
    </section>
  );
}

/** What a query brought, or why it did not. */
export function Loaded<Data>({
  query,
  children,
}: {
  query: UseQueryResult<Data>;
  children: (data: Data) => ReactNode;
}) {
  if (query.data !== undefined) return children(query.data);
  if (query.error) {
    return <ErrorPanel title={messages.outcome.panelFailed} error={query.error} onRetry={() => void query.refetch()} />;
  }
  return (
    <AfterAMoment>
      <div className="space-y-2">
        {[0, 1, 2].map((row) => (
          <Skeleton key={row} className="h-11" />
        ))}
      </div>
    </AfterAMoment>
  );
}

export const tableLook =
  'w-full border-separate border-spacing-0 overflow-hidden rounded-lg border border-line bg-surface';
export const cell = 'border-line border-t px-3 py-2 align-middle max-[520px]:px-2';

export const Th = ({ children, className }: { children: ReactNode; className?: string }) => (
  <th
    scope="col"
    className={classNames(
      'whitespace-nowrap bg-sunken px-3 py-2 text-left max-[520px]:px-2 font-medium text-2xs text-ink-3',
      className,
    )}
  >
    {children}
  </th>
);

export const roles = ['ADMIN', 'PM', 'DEV', 'QA'] as const;
