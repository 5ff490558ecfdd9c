import { Cog } from 'lucide-react';
import { useMemo } from 'react';
import type { Actor, HistoryEntry, Ticket } from '~/gql/types';
import { useNow } from '~/live/use-now';
import { messages } from '~/messages';
import { ActorAvatar } from '~/ui/actor';
import { eventText, type Names } from '~/ui/event-text';
import { ago, dateTime } from '~/ui/format';
import { Markdown } from '~/ui/markdown';
import type { TicketSurroundings } from './ticket-drawer';

const text = messages.ticket;
const MINUTE_MS = 60_000;

type Line =
  | {
      readonly kind: 'comment';
      readonly id: string;
      readonly at: string;
      readonly actor: Actor;
      readonly bodyMd: string;
    }
  | {
      readonly kind: 'event';
      readonly id: string;
      readonly at: string;
      readonly actor: Actor;
      readonly entry: HistoryEntry;
    };

/** Comments and what happened, in one stream from the oldest to the newest. */
function linesOf(ticket: Ticket): readonly Line[] {
  const comments = ticket.comments.map(
    (comment): Line => ({
      kind: 'comment',
      id: comment.id,
      at: comment.at,
      actor: comment.author,
      bodyMd: comment.bodyMd,
    }),
  );
  const events = ticket.activity
    // The comment itself stands in the stream.
    .filter((entry) => entry.action !== 'TicketCommented')
    .map((entry): Line => ({ kind: 'event', id: entry.eventId, at: entry.at, actor: entry.actor, entry }));
  return [...comments, ...events].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
}

export function Activity({ ticket, columns, members }: { ticket: Ticket } & TicketSurroundings) {
  const now = useNow(MINUTE_MS);
  const lines = useMemo(() => linesOf(ticket), [ticket]);
  const names = useMemo<Names>(
    () => ({
      column: (key) => columns.find((column) => column.key === key)?.name ?? key,
      user: (id) => members.find((user) => user.id === id)?.name ?? messages.outcome.someone,
    }),
    [columns, members],
  );
  return (
    <section aria-labelledby="ticket-activity">
      <h3 id="ticket-activity" className="mb-2 font-semibold text-ink-2 text-xs">
        {text.activity}
      </h3>
      <ol className="space-y-3">
        {lines.map((line) => (
          <li key={line.id} className="flex gap-2.5">
            <ActorAvatar actor={line.actor} fallback={<Cog size={14} aria-hidden="true" className="text-ink-3" />} />
            <div className="min-w-0 flex-1">
              <p className="flex items-baseline gap-1.5 text-xs leading-5">
                <span className="shrink-0 font-semibold text-ink">{line.actor.name}</span>
                <span className="min-w-0 flex-1 text-ink-2 [overflow-wrap:anywhere]">
                  {line.kind === 'comment'
                    ? messages.events.TicketCommented
                    : eventText(line.entry.action, line.entry.payload, names)}
                </span>
                <time dateTime={line.at} title={dateTime(line.at)} className="shrink-0 text-2xs text-ink-3">
                  {ago(line.at, now)}
                </time>
              </p>
              {line.kind === 'comment' ? (
                <div className="mt-1 rounded-lg border border-line bg-canvas px-3 py-2">
                  <Markdown text={line.bodyMd} />
                </div>
              ) : null}
            </div>
          </li>
        ))}
      </ol>
    </section>
  );
}
