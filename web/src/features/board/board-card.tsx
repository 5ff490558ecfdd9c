import { combine } from '@atlaskit/pragmatic-drag-and-drop/combine';
import { draggable, dropTargetForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter';
import {
  attachClosestEdge,
  type Edge,
  extractClosestEdge,
} from '@atlaskit/pragmatic-drag-and-drop-hitbox/closest-edge';
import { GitBranch, MessageSquare } from 'lucide-react';
import { type KeyboardEvent, type MouseEvent, memo, useEffect, useRef, useState } from 'react';
import type { Card } from '~/gql/types';
import type { BoardStore } from '~/live/board-store';
import { useCard } from '~/live/use-board-changes';
import { messages } from '~/messages';
import { AgentAvatar, EmptyAvatar, PersonAvatar, providerName } from '~/ui/avatar';
import { classNames } from '~/ui/class-names';
import { useDensity } from '~/ui/density';
import { KindIcon } from '~/ui/kind-icon';
import { LabelDot } from '~/ui/labels';
import { PriorityMark } from '~/ui/priority';
import { lookText, runLook } from '~/ui/run-look';
import { Slice } from '~/ui/slice';
import { Stations } from '~/ui/stations';
import { useBoardHand, useIsFocusStop, useLifted, useWanted } from './board-hand';
import { useIsChosen } from './board-selection';
import { CardMenu } from './card-menu';
import { cardDrag, readCardDrag } from './drag-data';

export interface CardActions {
  readonly open: (key: string) => void;
  readonly keys: (event: KeyboardEvent<HTMLElement>, ticketId: string, openMenu: () => void) => void;
  /** A click with Shift, Ctrl or Cmd chooses. Answers whether it did. */
  readonly choose: (event: MouseEvent<HTMLElement>, ticketId: string) => boolean;
  readonly toggle: (ticketId: string) => void;
  /** The lane in which the card stands; undefined where there are none. */
  readonly laneOf: (ticketId: string) => string | undefined;
  readonly moveToColumn: (ticketId: string, columnKey: string, index: number) => void;
  readonly archive: (ticketId: string) => void;
}

interface Props {
  store: BoardStore;
  ticketId: string;
  isFirst: boolean;
  actions: CardActions;
  onDragging: (ticketId: string | null) => void;
}

const SHOWN_LABELS = 3;
/** Without a pointer that hovers, the menu of each card is always there. */
const isTouch = matchMedia('(pointer: coarse)').matches;

export const BoardCard = memo(function BoardCard({ store, ticketId, isFirst, actions, onDragging }: Props) {
  const card = useCard(store, ticketId);
  const hand = useBoardHand();
  const element = useRef<HTMLElement>(null);
  const [edge, setEdge] = useState<Edge | null>(null);
  const [isDragged, setIsDragged] = useState(false);
  const [menuOpen, setMenuOpen] = useState(false);
  const [isPointedAt, setIsPointedAt] = useState(false);
  const isLifted = useLifted((lifted) => lifted?.ticketId === ticketId);
  const isStop = useIsFocusStop(ticketId, isFirst);
  const isWanted = useWanted((wanted) => wanted === ticketId);
  const isChosen = useIsChosen(ticketId);
  const isCompact = useDensity() === 'compact';
  const isNamed = card !== undefined && card.key !== '';

  useEffect(() => {
    if (!isWanted) return;
    element.current?.focus({ preventScroll: true });
    // Its stack has scrolled to it. What is left is the board, when the whole stack is out of sight.
    element.current?.closest('[data-column], [data-cell]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  }, [isWanted]);

  useEffect(() => {
    if (!element.current || !isNamed) return;
    return combine(
      draggable({
        element: element.current,
        getInitialData: () => cardDrag(ticketId, store.confirmedVersion(ticketId)),
        onDragStart: () => {
          setIsDragged(true);
          onDragging(ticketId);
        },
        onDrop: () => {
          setIsDragged(false);
          onDragging(null);
        },
      }),
      dropTargetForElements({
        element: element.current,
        canDrop: ({ source }) => readCardDrag(source.data) !== null,
        getIsSticky: () => true,
        getData: ({ input, element: target }) =>
          attachClosestEdge({ overTicketId: ticketId }, { input, element: target, allowedEdges: ['top', 'bottom'] }),
        onDrag: ({ self, source }) =>
          setEdge(readCardDrag(source.data)?.ticketId === ticketId ? null : extractClosestEdge(self.data)),
        onDragLeave: () => setEdge(null),
        onDrop: () => setEdge(null),
      }),
    );
  }, [store, ticketId, isNamed, onDragging]);

  if (!card) return null;
  const look = card.run ? runLook(card.run.state) : null;
  return (
    <article
      ref={element}
      tabIndex={isStop ? 0 : -1}
      aria-label={isChosen ? `${card.key} ${card.title}, ${messages.selection.selected}` : `${card.key} ${card.title}`}
      aria-describedby="card-hint"
      aria-busy={isNamed ? undefined : true}
      data-card={card.key}
      data-lifted={isLifted || undefined}
      data-chosen={isChosen || undefined}
      onFocus={() => hand.focus(ticketId)}
      onPointerEnter={() => setIsPointedAt(true)}
      onPointerLeave={() => setIsPointedAt(false)}
      onKeyDown={(event) => actions.keys(event, ticketId, () => setMenuOpen(true))}
      onClick={(event) => {
        if (isNamed && !event.defaultPrevented && !actions.choose(event, ticketId)) actions.open(card.key);
      }}
      className={classNames(
        'group relative cursor-pointer select-none rounded-[10px] border p-2.5 shadow-card transition-[border-color,opacity] duration-(--fast)',
        isChosen ? 'bg-accent-soft ring-2 ring-focus [--text-3:var(--text-2)]' : 'bg-surface',
        look === 'alive' ? 'border-accent-line' : 'border-line hover:border-line-strong',
        isDragged && 'opacity-40',
        !isNamed && 'cursor-default opacity-60',
        isLifted && 'outline-3 outline-lime ring-1 ring-accent-line',
        hand.dropped() === ticketId && 'card-drop',
      )}
    >
      {edge ? (
        <span
          aria-hidden="true"
          className={classNames(
            'pointer-events-none absolute inset-x-0 h-0.5 rounded-full bg-focus',
            edge === 'top' ? '-top-[5px]' : '-bottom-[5px]',
          )}
        />
      ) : null}
      <div className="flex h-5 items-center gap-2">
        <PriorityMark level={card.priority} />
        <span className="font-mono text-2xs text-ink-3">{card.key || messages.board.adding}</span>
        {card.kind === 'TASK' ? null : <KindIcon kind={card.kind} size={13} />}
        {isCompact && card.run && look ? (
          <>
            <Slice look={look} reached={card.run.stationsReached} size={14} />
            <span className="sr-only">
              <RunLine run={card.run} />
            </span>
          </>
        ) : null}
        <div className="flex-1" />
        {isNamed && (isStop || isPointedAt || menuOpen || isTouch) ? (
          <CardMenu
            store={store}
            card={card}
            actions={actions}
            isChosen={isChosen}
            open={menuOpen}
            onOpenChange={setMenuOpen}
            tabIndex={isStop ? 0 : -1}
          />
        ) : null}
        <People card={card} />
      </div>
      <p
        className={classNames(
          'font-medium leading-[19px]',
          isCompact ? 'mt-[3px] truncate' : 'mt-1 line-clamp-2 break-words',
        )}
      >
        {card.title}
      </p>
      {isCompact ? null : <Details card={card} />}
    </article>
  );
});

/** What a compact card leaves out. */
function Details({ card }: { card: Card }) {
  const look = card.run ? runLook(card.run.state) : null;
  return (
    <>
      {card.labels.length > 0 || card.commentCount > 0 ? <Meta card={card} /> : null}
      {card.branch || card.repo ? (
        <div className="mt-1.5 flex min-w-0 items-center gap-1.5 font-mono text-2xs text-ink-3">
          <GitBranch size={12} aria-hidden="true" className="shrink-0" />
          {card.repo ? <span className="shrink-0 text-ink-2">{card.repo.name}</span> : null}
          {card.branch ? <span className="truncate">{card.branch}</span> : null}
        </div>
      ) : null}
      {card.run && look ? (
        <div className="mt-2 flex items-center gap-2 border-line border-t pt-2">
          <Slice look={look} reached={card.run.stationsReached} />
          <span className={classNames('min-w-0 flex-1 truncate font-medium text-2xs', lookText[look])}>
            <RunLine run={card.run} />
          </span>
          <Stations look={look} reached={card.run.stationsReached} className="w-16" />
        </div>
      ) : null}
    </>
  );
}

function RunLine({ run }: { run: NonNullable<Card['run']> }) {
  if (run.state === 'FAILED') {
    return messages.board.runFailed(
      run.failure ? messages.shortFailures[run.failure.reason] : messages.states.FAILED.toLowerCase(),
    );
  }
  return messages.board.runLine(providerName(run.provider), messages.states[run.state].toLowerCase());
}

function People({ card }: { card: Card }) {
  return (
    <span className="-space-x-1 flex shrink-0 items-center">
      {card.delegate ? (
        <AgentAvatar
          provider={card.delegate.provider}
          label={messages.board.delegate(providerName(card.delegate.provider))}
        />
      ) : null}
      {card.assignee ? (
        <PersonAvatar
          id={card.assignee.id}
          name={card.assignee.name}
          label={messages.board.assignee(card.assignee.name)}
        />
      ) : card.delegate ? null : (
        <EmptyAvatar />
      )}
    </span>
  );
}

function Meta({ card }: { card: Card }) {
  const rest = card.labels.length - SHOWN_LABELS;
  return (
    <div className="mt-1.5 flex items-center gap-2.5">
      {card.labels.slice(0, SHOWN_LABELS).map((label) => (
        <LabelDot key={label} label={label} />
      ))}
      {rest > 0 ? <span className="text-2xs text-ink-3">+{rest}</span> : null}
      <div className="flex-1" />
      {card.commentCount > 0 ? (
        <span className="inline-flex shrink-0 items-center gap-1 text-2xs text-ink-3">
          <MessageSquare size={12} aria-hidden="true" />
          <span className="sr-only">{messages.board.comments(card.commentCount)}</span>
          <span aria-hidden="true">{card.commentCount}</span>
        </span>
      ) : null}
    </div>
  );
}
