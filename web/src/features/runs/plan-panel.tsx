import { ChevronRight, CircleCheck } from 'lucide-react';
import { type ReactNode, useMemo, useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { AcceptPlanDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { PlanItem, RunDetail } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { classNames } from '~/ui/class-names';
import { KindIcon } from '~/ui/kind-icon';
import { Markdown } from '~/ui/markdown';
import { tellDone, tellFailure } from '~/ui/outcome';
import { hasEnded } from '~/ui/run-look';
import { openItems, type PlanRow, planRows, toggled } from './plan-tree';

const text = messages.plan;

interface Props {
  run: Pick<RunDetail, 'id' | 'state' | 'plan'>;
  columnName: (key: string) => string;
  /** The way to the board, once something of the plan is on it. */
  boardLink: ReactNode;
  ticketLink: (key: string) => ReactNode;
  onAccepted: () => void;
}

/** What the agent planned, as a checklist; what is chosen goes on the board in one step. */
export function PlanPanel({ run, columnName, boardLink, ticketLink, onAccepted }: Props) {
  const { plan } = run;
  const rows = useMemo(() => planRows(plan), [plan]);
  // What was unticked is remembered, not what is ticked: items that the agent still adds come ticked.
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set());
  const [sending, setSending] = useState(false);
  const open = openItems(plan);
  const chosen = new Set(open.filter((item) => !left.has(item.id)).map((item) => item.id));
  const ended = hasEnded(run.state);

  const toggle = (id: string) => {
    const next = toggled(open, chosen, id);
    setLeft(new Set(open.filter((item) => !next.has(item.id)).map((item) => item.id)));
  };
  const accept = async () => {
    setSending(true);
    const itemIds = chosen.size === open.length ? null : [...chosen];
    const input = { commandId: newCommandId(), runId: run.id, itemIds };
    try {
      const { acceptPlan } = await sendUntilAnswered(() => request(AcceptPlanDocument, { input }));
      tellDone(text.added(acceptPlan.tickets.length));
      onAccepted();
    } catch (cause) {
      tellFailure(text.addFailed, cause);
    } finally {
      setSending(false);
    }
  };

  if (plan.length === 0) {
    return <p className="px-5 py-8 text-center text-ink-3">{ended ? text.noneMade : text.empty}</p>;
  }
  return (
    <div className="overflow-hidden rounded-lg border border-line bg-surface" data-testid="plan">
      <ul className="divide-y divide-line">
        {rows.map((row) => (
          <PlanLine
            key={row.item.id}
            row={row}
            chosen={chosen.has(row.item.id)}
            onToggle={() => toggle(row.item.id)}
            columnName={columnName}
            ticketLink={ticketLink}
          />
        ))}
      </ul>
      <div className="flex flex-wrap items-center gap-2 border-line border-t bg-sunken px-3 py-2">
        {open.length > 0 ? (
          <Button
            look="primary"
            disabled={sending || chosen.size === 0 || run.state !== 'SUCCEEDED'}
            onClick={() => void accept()}
          >
            <CircleCheck size={15} aria-hidden="true" />
            {text.add(chosen.size)}
          </Button>
        ) : (
          <span className="text-ink-2">{text.allAdded}</span>
        )}
        {open.length < plan.length ? boardLink : null}
      </div>
    </div>
  );
}

interface LineProps {
  row: PlanRow;
  chosen: boolean;
  onToggle: () => void;
  columnName: Props['columnName'];
  ticketLink: Props['ticketLink'];
}

const indents = ['pl-3', 'pl-9', 'pl-15'];

function PlanLine({ row: { item, depth }, chosen, onToggle, columnName, ticketLink }: LineProps) {
  const [open, setOpen] = useState(false);
  const details = `plan-${item.id}`;
  return (
    <li>
      <div className={classNames('flex min-h-9 items-center gap-2.5 pr-3', indents[Math.min(depth, 2)])}>
        {item.acceptedTicket ? (
          <CircleCheck size={15} className="shrink-0 text-ok" aria-hidden="true" />
        ) : (
          <input
            type="checkbox"
            checked={chosen}
            onChange={onToggle}
            aria-label={text.select(item.title)}
            className="plan-check"
          />
        )}
        <KindIcon kind={item.kind} />
        <button
          type="button"
          aria-expanded={open}
          aria-controls={details}
          aria-label={text.details(item.title)}
          onClick={() => setOpen(!open)}
          className="flex min-w-0 flex-1 items-center gap-1 py-1.5 text-left"
        >
          <span className={classNames('truncate', depth === 0 && 'font-semibold')}>{item.title}</span>
          <ChevronRight
            size={13}
            aria-hidden="true"
            className={classNames('shrink-0 text-ink-3 transition-transform duration-(--fast)', open && 'rotate-90')}
          />
        </button>
        {item.acceptedTicket ? ticketLink(item.acceptedTicket.key) : null}
        <span className="shrink-0 text-2xs text-ink-3" title={text.column(columnName(item.columnKey))}>
          {messages.roles[item.ownerRole]}
        </span>
      </div>
      {open ? <PlanDetails id={details} item={item} depth={depth} columnName={columnName} /> : null}
    </li>
  );
}

function PlanDetails({
  id,
  item,
  depth,
  columnName,
}: {
  id: string;
  item: PlanItem;
  depth: number;
  columnName: (key: string) => string;
}) {
  return (
    <div id={id} className={classNames('space-y-3 pr-6 pb-4', indents[Math.min(depth, 2)])}>
      <div className="pl-6">
        {item.descriptionMd ? <Markdown text={item.descriptionMd} /> : null}
        {item.acceptanceCriteria.length > 0 ? (
          <>
            <h4 className="mt-3 font-semibold text-ink-2 text-xs">{text.criteria}</h4>
            <ul className="mt-1 list-disc space-y-1 pl-5">
              {item.acceptanceCriteria.map((criterion) => (
                <li key={criterion}>{criterion}</li>
              ))}
            </ul>
          </>
        ) : null}
        <p className="mt-3 text-2xs text-ink-3">{text.column(columnName(item.columnKey))}</p>
      </div>
    </div>
  );
}
