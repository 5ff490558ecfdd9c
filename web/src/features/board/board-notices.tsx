import { type ReactNode, type RefObject, useRef } from 'react';
import type { BoardColumn } from '~/live/board-store';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { Dialog } from '~/ui/dialog';
import { ScrollRegion } from '~/ui/scroll-region';
import { type BoardActions, type Notice, reasonOf } from './board-actions';

const text = messages.actions;

/** What a person has to decide or to read before it may go: a lost race, tickets of many that were refused. */
export function BoardNotices({
  notice,
  actions,
  columns,
}: {
  notice: Notice;
  actions: BoardActions;
  columns: readonly BoardColumn[];
}) {
  const keep = useRef<HTMLButtonElement>(null);
  const title =
    notice.kind === 'race'
      ? messages.outcome.stale(notice.by, notice.key, nameOf(columns, notice.theirs), notice.when)
      : notice.title;
  const lead = notice.kind === 'race' ? text.raceLead(notice.key, nameOf(columns, notice.wanted.columnKey)) : undefined;
  return (
    <Dialog
      open
      onOpenChange={(open) => !open && actions.dismiss()}
      title={title}
      focus={keep}
      {...(lead ? { lead } : {})}
    >
      {notice.kind === 'race' ? (
        <Race notice={notice} actions={actions} columns={columns} focus={keep} />
      ) : (
        <Failures notice={notice} onClose={actions.dismiss} />
      )}
    </Dialog>
  );
}

const nameOf = (columns: readonly BoardColumn[], key: string): string =>
  columns.find((column) => column.key === key)?.name ?? key;

const Row = ({ children }: { children: ReactNode }) => (
  <div className="flex flex-wrap justify-end gap-2">{children}</div>
);

function Race({
  notice,
  actions,
  columns,
  focus,
}: {
  notice: Extract<Notice, { kind: 'race' }>;
  focus: RefObject<HTMLButtonElement | null>;
  actions: BoardActions;
  columns: readonly BoardColumn[];
}) {
  const anyway = () => {
    actions.dismiss();
    void actions.moveAnyway(notice.ticketId, notice.wanted);
  };
  return (
    <Row>
      <Button onClick={anyway}>{text.moveAnyway(nameOf(columns, notice.wanted.columnKey))}</Button>
      {/* Theirs stands as it is: the answer that changes nothing has the focus. */}
      <Button ref={focus} look="solid" onClick={actions.dismiss}>
        {text.keep(nameOf(columns, notice.theirs))}
      </Button>
    </Row>
  );
}

function Failures({ notice, onClose }: { notice: Extract<Notice, { kind: 'failures' }>; onClose: () => void }) {
  return (
    <>
      <p className="mb-2 text-ink-2">{text.failedCount(notice.failures.length)}</p>
      <ScrollRegion label={notice.title} className="max-h-[40vh] overflow-y-auto rounded-md border border-line">
        <ul>
          {notice.failures.map((failure) => (
            <li key={failure.ticketId} className="border-line border-b px-3 py-2 last:border-b-0">
              <p className="flex gap-2">
                <span className="shrink-0 font-mono text-ink-3 text-xs leading-5">{failure.key}</span>
                <span className="min-w-0 truncate">{failure.title}</span>
              </p>
              <p className="text-bad text-xs">{reasonOf(failure)}</p>
            </li>
          ))}
        </ul>
      </ScrollRegion>
      <div className="mt-4">
        <Row>
          <Button look="solid" onClick={onClose}>
            {text.close}
          </Button>
        </Row>
      </div>
    </>
  );
}
