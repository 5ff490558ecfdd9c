// What the drawer can do to its ticket. Every field is shown changed at once, judged by the version that was on screen,
// and taken back with the reason when the server refuses.
import { useCallback, useMemo } from 'react';
import { newCommandId } from '~/gql/command-id';
import {
  ArchiveTicketDocument,
  AssignTicketDocument,
  CommentOnTicketDocument,
  DelegateTicketDocument,
  EditTicketDocument,
  type EditTicketInput,
  RestoreTicketDocument,
} from '~/gql/generated';
import { RequestError, request } from '~/gql/request';
import type { Priority, Ticket, TicketKind, User } from '~/gql/types';
import { commands } from '~/live/command-queue';
import type { LiveTicket } from '~/live/use-ticket-changes';
import { messages } from '~/messages';
import { who } from '~/ui/explain';
import { tellDone, tellFailure, tellStale } from '~/ui/outcome';

const text = messages.ticket;

interface Change {
  /** What it is called when it fails. */
  readonly field: string;
  readonly apply: (ticket: Ticket) => Ticket;
  /** The version that an editor was opened on. Without it the change is judged against the one on screen now. */
  readonly seenVersion?: number | undefined;
  readonly send: (base: { commandId: string; ticketId: string; expectedVersion: number | null }) => Promise<{
    version: number;
  }>;
}

export interface TicketCommands {
  readonly setTitle: (title: string, seenVersion: number) => Promise<boolean>;
  readonly setDescription: (descriptionMd: string, seenVersion: number | undefined) => Promise<boolean>;
  readonly setPriority: (priority: Priority | null) => Promise<boolean>;
  readonly setKind: (kind: TicketKind) => Promise<boolean>;
  readonly setLabels: (labels: string[]) => Promise<boolean>;
  readonly assign: (user: User | null) => Promise<boolean>;
  readonly delegate: (provider: string | null) => Promise<boolean>;
  readonly archive: () => Promise<boolean>;
  readonly restore: () => Promise<boolean>;
  readonly comment: (bodyMd: string) => Promise<boolean>;
}

export function useTicketCommands({ store, refresh }: LiveTicket, ticketId: string): TicketCommands {
  const run = useCallback(
    async ({ field, apply, seenVersion, send }: Change): Promise<boolean> => {
      const seen = seenVersion ?? store.confirmedVersion() ?? null;
      const key = store.ticket()?.key ?? '';
      const commandId = newCommandId();
      store.begin({ commandId, apply });
      try {
        const { version } = await commands.enqueue(ticketId, (versionBefore) =>
          send({ commandId, ticketId, expectedVersion: versionBefore ?? seen }),
        );
        store.acknowledge(commandId, version);
        // The stream brings it too; reading it at once is for the moment that the stream is catching up.
        void refresh(commandId).catch(() => {});
        return true;
      } catch (cause) {
        store.refuse(commandId);
        if (cause instanceof RequestError && cause.code === 'STALE') {
          const { by, when } = who(cause);
          tellStale(messages.outcome.staleField(by, key, when), messages.outcome.staleFieldDetail);
          void refresh().catch(() => {});
        } else {
          tellFailure(text.fieldFailed(field), cause);
        }
        return false;
      }
    },
    [store, refresh, ticketId],
  );

  return useMemo(() => {
    const edit = (
      field: string,
      fields: Omit<EditTicketInput, 'commandId' | 'ticketId' | 'expectedVersion'>,
      apply: Change['apply'],
      seenVersion?: number,
    ) =>
      run({
        field,
        apply,
        seenVersion,
        send: async (base) => (await request(EditTicketDocument, { input: { ...base, ...fields } })).editTicket,
      });
    return {
      setTitle: (title, seen) => edit(text.title, { title }, (ticket) => ({ ...ticket, title }), seen),
      setDescription: (descriptionMd, seen) =>
        edit(text.description, { descriptionMd }, (ticket) => ({ ...ticket, descriptionMd }), seen),
      setPriority: (priority) => edit(text.priority, { priority }, (ticket) => ({ ...ticket, priority })),
      setKind: (kind) => edit(text.kind, { kind }, (ticket) => ({ ...ticket, kind })),
      setLabels: (labels) => edit(text.labels, { labels }, (ticket) => ({ ...ticket, labels })),
      assign: (assignee) =>
        run({
          field: text.assignee,
          apply: (ticket) => ({ ...ticket, assignee }),
          send: async (base) =>
            (await request(AssignTicketDocument, { input: { ...base, userId: assignee?.id ?? null } })).assignTicket,
        }),
      delegate: (provider) =>
        run({
          field: text.delegate,
          apply: (ticket) => ({ ...ticket, delegate: provider === null ? null : { provider } }),
          send: async (base) =>
            (await request(DelegateTicketDocument, { input: { ...base, provider } })).delegateTicket,
        }),
      archive: async () => {
        const done = await run({
          field: text.archive,
          apply: (ticket) => ({ ...ticket, archived: true }),
          send: async (base) => (await request(ArchiveTicketDocument, { input: base })).archiveTicket,
        });
        if (done) tellDone(text.archivedToast(store.ticket()?.key ?? ''));
        return done;
      },
      restore: async () => {
        const done = await run({
          field: text.restore,
          apply: (ticket) => ({ ...ticket, archived: false }),
          send: async (base) => (await request(RestoreTicketDocument, { input: base })).restoreTicket,
        });
        if (done) tellDone(text.restoredToast(store.ticket()?.key ?? ''));
        return done;
      },
      comment: async (bodyMd) => {
        const commandId = newCommandId();
        try {
          await commands.enqueue(
            ticketId,
            async () =>
              (await request(CommentOnTicketDocument, { input: { commandId, ticketId, bodyMd } })).commentOnTicket,
          );
          await refresh(commandId).catch(() => {});
          return true;
        } catch (cause) {
          tellFailure(text.commentFailed, cause);
          return false;
        }
      },
    };
  }, [run, refresh, store, ticketId]);
}
