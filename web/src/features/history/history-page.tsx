import { useInfiniteQuery } from '@tanstack/react-query';
import { ChevronRight, Cog, RotateCcw } from 'lucide-react';
import { type ReactNode, useMemo, useState } from 'react';
import { AuditLogDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { AuditEntry, User } from '~/gql/types';
import { useNow } from '~/live/use-now';
import { messages } from '~/messages';
import { ActorAvatar } from '~/ui/actor';
import { Blankslate } from '~/ui/blankslate';
import { Button } from '~/ui/button';
import { classNames } from '~/ui/class-names';
import { ErrorPanel } from '~/ui/error-panel';
import { eventText, type Names } from '~/ui/event-text';
import { ago, dateTime } from '~/ui/format';
import { ScrollRegion } from '~/ui/scroll-region';
import { AfterAMoment, Skeleton } from '~/ui/skeleton';

const text = messages.history;
const PAGE = 50;
const LOOK_EVERY_MS = 5_000;

interface Props {
  orgId: string;
  members: readonly User[];
  columnName: (key: string) => string;
  targetLink: (entry: AuditEntry) => ReactNode;
}

/** The audit log, newest first: who did what to what, and the hash that chains it. */
export function HistoryPage({ orgId, members, columnName, targetLink }: Props) {
  const log = useInfiniteQuery({
    queryKey: ['audit', orgId],
    initialPageParam: null as string | null,
    queryFn: async ({ pageParam, signal }) =>
      (await request(AuditLogDocument, { orgId, filter: null, first: PAGE, after: pageParam }, signal)).auditLog,
    getNextPageParam: (page) => (page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null),
    staleTime: 0,
    // The log has no stream of its own. While only its newest page is open it is simply read again.
    refetchInterval: (query) => ((query.state.data?.pages.length ?? 0) <= 1 ? LOOK_EVERY_MS : false),
  });
  const now = useNow(10_000);
  const names = useMemo<Names>(
    () => ({
      column: columnName,
      user: (id) => members.find((user) => user.id === id)?.name ?? messages.outcome.someone,
    }),
    [columnName, members],
  );
  const entries = useMemo(() => log.data?.pages.flatMap((page) => page.nodes) ?? [], [log.data]);

  if (log.error && !log.data) {
    return <ErrorPanel title={messages.outcome.panelFailed} error={log.error} onRetry={() => void log.refetch()} />;
  }
  if (!log.data) {
    return (
      <AfterAMoment>
        <div className="space-y-2 p-5">
          {[0, 1, 2, 3, 4, 5].map((row) => (
            <Skeleton key={row} className="h-9" />
          ))}
        </div>
      </AfterAMoment>
    );
  }
  if (entries.length === 0) return <Blankslate title={text.empty} lead={text.emptyLead} />;
  return (
    <ScrollRegion label={text.label} className="h-full overflow-y-auto p-5">
      <div className="mx-auto max-w-5xl">
        <div className="mb-3 flex items-center gap-3">
          <p className="flex-1 text-ink-2">{text.lead}</p>
          <Button size="sm" disabled={log.isFetching} onClick={() => void log.refetch()}>
            <RotateCcw size={13} aria-hidden="true" />
            {text.newer}
          </Button>
        </div>
        <table className="w-full border-separate border-spacing-0 overflow-hidden rounded-lg border border-line bg-surface">
          <thead className="text-left text-2xs text-ink-3">
            <tr>
              <Th className="w-20 max-[560px]:w-auto">{text.columns.position}</Th>
              <Th>{text.columns.actor}</Th>
              <Th className="w-full">{text.columns.action}</Th>
              <Th>{text.columns.target}</Th>
              <Th className="max-[800px]:hidden">{text.columns.hash}</Th>
              <Th className="text-right">{text.columns.at}</Th>
            </tr>
          </thead>
          <tbody>
            {entries.map((entry) => (
              <Entry key={entry.eventId} entry={entry} now={now} names={names} targetLink={targetLink} />
            ))}
          </tbody>
        </table>
        <div className="mt-3 flex justify-center">
          {log.hasNextPage ? (
            <Button disabled={log.isFetchingNextPage} onClick={() => void log.fetchNextPage()}>
              {text.more}
            </Button>
          ) : (
            <p className="text-2xs text-ink-3">{text.end}</p>
          )}
        </div>
      </div>
    </ScrollRegion>
  );
}

const Th = ({ children, className }: { children: ReactNode; className?: string }) => (
  <th
    scope="col"
    className={classNames('whitespace-nowrap bg-sunken px-3 py-2 font-medium max-[560px]:px-1.5', className)}
  >
    {children}
  </th>
);

/** Who is no member any more is known to the log alone. */
const withPerson = (names: Names, person: User | null): Names =>
  person ? { ...names, user: (id) => (id === person.id ? person.name : names.user(id)) } : names;

const cell = 'border-line border-t px-3 py-2 align-middle max-[560px]:px-1.5';
const HASH_SHOWN = 8;
const COLUMNS = 6;

interface EntryProps {
  entry: AuditEntry;
  now: number;
  names: Names;
  targetLink: Props['targetLink'];
}

function Entry({ entry, now, names, targetLink }: EntryProps) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <tr className="hover:bg-hover">
        <td className={cell}>
          <button
            type="button"
            aria-expanded={open}
            aria-label={text.details(entry.orgPosition)}
            onClick={() => setOpen(!open)}
            className="inline-flex items-center gap-1 font-mono text-2xs text-ink-3 hover:text-ink"
          >
            <ChevronRight
              size={12}
              aria-hidden="true"
              className={classNames('transition-transform duration-(--fast)', open && 'rotate-90')}
            />
            {entry.orgPosition}
          </button>
        </td>
        <td className={classNames(cell, 'whitespace-nowrap')}>
          <span className="inline-flex items-center gap-2">
            <ActorAvatar actor={entry.actor} fallback={<Cog size={13} aria-hidden="true" className="text-ink-3" />} />
            <span className="max-w-40 truncate font-medium max-[560px]:sr-only">{entry.actor.name}</span>
          </span>
        </td>
        <td
          className={classNames(cell, 'max-w-0 truncate text-ink-2 max-[560px]:whitespace-normal')}
          title={entry.action}
        >
          {eventText(entry.action, entry.payload, withPerson(names, entry.person))}
        </td>
        <td className={classNames(cell, 'whitespace-nowrap font-mono text-xs')}>{targetLink(entry)}</td>
        <td className={classNames(cell, 'font-mono text-2xs text-ink-3 max-[800px]:hidden')} title={entry.hash}>
          {entry.hash.slice(0, HASH_SHOWN)}
        </td>
        <td className={classNames(cell, 'whitespace-nowrap text-right text-2xs text-ink-3')}>
          <time dateTime={entry.at} title={dateTime(entry.at)}>
            {ago(entry.at, now)}
          </time>
        </td>
      </tr>
      {open ? (
        <tr>
          <td colSpan={COLUMNS} className="border-line border-t bg-sunken px-5 py-3">
            <dl className="grid grid-cols-[7rem_1fr] gap-x-4 gap-y-1 text-xs">
              <Detail label={text.columns.at} value={dateTime(entry.at)} />
              <Detail label={text.eventId} value={`${entry.action} ${entry.eventId}`} mono />
              {entry.commandId ? <Detail label={text.commandId} value={entry.commandId} mono /> : null}
              {entry.cause ? <Detail label={text.cause} value={entry.cause} mono /> : null}
              <Detail label={text.fullHash} value={entry.hash} mono />
            </dl>
            <pre className="mt-2 max-h-72 overflow-auto whitespace-pre-wrap break-words rounded-md border border-line bg-surface p-3 font-mono text-2xs">
              {JSON.stringify(entry.payload, null, 2)}
            </pre>
          </td>
        </tr>
      ) : null}
    </>
  );
}

function Detail({ label, value, mono = false }: { label: string; value: string; mono?: boolean }) {
  return (
    <>
      <dt className="text-ink-3">{label}</dt>
      <dd className={classNames('break-all', mono && 'font-mono text-2xs leading-5')}>{value}</dd>
    </>
  );
}
