import { Eye, ListFilter, Search, Sparkles, Users, X } from 'lucide-react';
import { type ComponentProps, type ReactNode, type RefObject, useEffect, useRef, useState } from 'react';
import type { User } from '~/gql/types';
import type { BoardStore } from '~/live/board-store';
import { messages } from '~/messages';
import { PersonAvatar } from '~/ui/avatar';
import { Button } from '~/ui/button';
import { classNames } from '~/ui/class-names';
import { isPageKey } from '~/ui/keys';
import { KindIcon } from '~/ui/kind-icon';
import { LabelDot } from '~/ui/labels';
import { Menu, MenuCheck, MenuHeading, MenuLine } from '~/ui/menu';
import { type BoardFilter, isFiltering, KINDS, labelsOf, NOBODY, noFilter, toggled } from './board-filter';
import { useNeedsMe } from './use-shown-board';

const text = messages.filter;
const WRITTEN_MS = 120;

interface Props {
  store: BoardStore;
  filter: BoardFilter;
  onFilter: (filter: BoardFilter) => void;
  people: readonly User[];
  viewerId: string;
}

/** What of the board is shown: F opens the list, / goes to the words. */
export function FilterTools({ store, filter, onFilter, people, viewerId }: Props) {
  const [open, setOpen] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const needsMe = useNeedsMe(store, viewerId);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!isPageKey(event) || (event.key !== 'f' && event.key !== '/')) return;
      event.preventDefault();
      if (event.key === 'f') setOpen(true);
      else field.current?.focus();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, []);

  return (
    <>
      <Menu
        open={open}
        onOpenChange={setOpen}
        trigger={
          <Tool on={filter.kinds.length > 0 || filter.labels.length > 0}>
            <ListFilter size={15} aria-hidden="true" />
            {text.filter}
          </Tool>
        }
      >
        <MenuHeading>{text.kind}</MenuHeading>
        {KINDS.map((kind) => (
          <MenuCheck
            key={kind}
            checked={filter.kinds.includes(kind)}
            onToggle={() => onFilter({ ...filter, kinds: toggled(filter.kinds, kind) })}
          >
            <KindIcon kind={kind} />
            {messages.kinds[kind]}
          </MenuCheck>
        ))}
        <MenuLine />
        <MenuHeading>{text.labels}</MenuHeading>
        <LabelChoices store={store} filter={filter} onFilter={onFilter} />
      </Menu>
      <Menu
        trigger={
          <Tool on={filter.assignees.length > 0}>
            <Users size={15} aria-hidden="true" />
            {text.assignee}
          </Tool>
        }
      >
        {people.map((user) => (
          <MenuCheck
            key={user.id}
            checked={filter.assignees.includes(user.id)}
            onToggle={() => onFilter({ ...filter, assignees: toggled(filter.assignees, user.id) })}
          >
            <PersonAvatar id={user.id} name={user.name} size={18} />
            <span className="truncate">{user.name}</span>
          </MenuCheck>
        ))}
        <MenuCheck
          checked={filter.assignees.includes(NOBODY)}
          onToggle={() => onFilter({ ...filter, assignees: toggled(filter.assignees, NOBODY) })}
        >
          {text.nobody}
        </MenuCheck>
      </Menu>
      <Tool
        on={filter.hasAgent}
        aria-pressed={filter.hasAgent}
        onClick={() => onFilter({ ...filter, hasAgent: !filter.hasAgent })}
      >
        <Sparkles size={15} aria-hidden="true" />
        {text.hasAgent}
      </Tool>
      <Tool
        on={filter.needsMe}
        aria-pressed={filter.needsMe}
        title={needsMe > 0 ? text.needsMeCount(needsMe) : undefined}
        onClick={() => onFilter({ ...filter, needsMe: !filter.needsMe })}
      >
        <Eye size={15} aria-hidden="true" />
        {text.needsMe}
        {needsMe > 0 ? (
          <span className="rounded-full bg-warn-soft px-1.5 font-semibold text-2xs text-warn tabular-nums">
            {needsMe}
          </span>
        ) : null}
      </Tool>
      <WordsField field={field} text={filter.text} onText={(words) => onFilter({ ...filter, text: words })} />
    </>
  );
}

export function Tool({ on = false, className, ...rest }: ComponentProps<'button'> & { on?: boolean }) {
  return (
    <button
      type="button"
      className={classNames(
        'inline-flex h-7 shrink-0 items-center gap-2 rounded-md px-2 font-medium transition-colors duration-(--fast) hover:bg-hover data-[state=open]:bg-hover',
        on ? 'bg-accent-soft text-accent' : 'text-ink-2 hover:text-ink',
        className,
      )}
      {...rest}
    />
  );
}

function LabelChoices({ store, filter, onFilter }: Pick<Props, 'store' | 'filter' | 'onFilter'>) {
  // Read when the menu opens. A label that is chosen stays in the list when its last card has gone.
  const [labels] = useState(() => [...new Set([...labelsOf(store.cards()), ...filter.labels])]);
  if (labels.length === 0) return <p className="px-2 pb-1.5 text-2xs text-ink-3">{text.noLabels}</p>;
  return labels.map((label) => (
    <MenuCheck
      key={label}
      checked={filter.labels.includes(label)}
      onToggle={() => onFilter({ ...filter, labels: toggled(filter.labels, label) })}
    >
      <LabelDot label={label} className="max-w-60" />
    </MenuCheck>
  ));
}

/** Answers while one types. The address follows a moment later, and leads when it changes by itself. */
function WordsField({
  field,
  text: written,
  onText,
}: {
  field: RefObject<HTMLInputElement | null>;
  text: string;
  onText: (text: string) => void;
}) {
  const [draft, setDraft] = useState(written);
  const latest = useRef(onText);
  useEffect(() => {
    latest.current = onText;
  });
  useEffect(() => {
    if (document.activeElement !== field.current) setDraft(written);
  }, [written, field]);
  useEffect(() => {
    if (draft === written) return;
    const timer = setTimeout(() => latest.current(draft), WRITTEN_MS);
    return () => clearTimeout(timer);
  }, [draft, written]);
  return (
    <span className="relative inline-flex shrink-0 items-center">
      <Search size={14} aria-hidden="true" className="pointer-events-none absolute left-2 text-ink-3" />
      <input
        ref={field}
        type="search"
        aria-label={text.text}
        placeholder={text.text}
        value={draft}
        maxLength={200}
        onChange={(event) => setDraft(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.preventDefault();
          if (draft === '') event.currentTarget.blur();
          else setDraft('');
        }}
        className="h-7 w-40 rounded-md border border-line bg-surface pr-2 pl-7 text-xs placeholder:text-ink-3 focus:border-line-strong"
      />
    </span>
  );
}

interface ChipsProps {
  filter: BoardFilter;
  onFilter: (filter: BoardFilter) => void;
  people: readonly User[];
  shown: number;
  all: number;
}

/** What is on, each with its own way off, and how much of the board is left. */
export function FilterChips({ filter, onFilter, people, shown, all }: ChipsProps) {
  if (!isFiltering(filter)) return null;
  const nameOf = (id: string) =>
    id === NOBODY ? text.nobody : (people.find((user) => user.id === id)?.name ?? text.gone);
  return (
    <section
      aria-label={text.chips}
      className="flex shrink-0 flex-wrap items-center gap-1.5 border-line border-b px-4 py-1.5 text-xs"
    >
      {filter.assignees.map((id) => (
        <Chip
          key={id}
          name={nameOf(id)}
          onRemove={() => onFilter({ ...filter, assignees: toggled(filter.assignees, id) })}
        />
      ))}
      {filter.kinds.map((kind) => (
        <Chip
          key={kind}
          name={messages.kinds[kind]}
          onRemove={() => onFilter({ ...filter, kinds: toggled(filter.kinds, kind) })}
        />
      ))}
      {filter.labels.map((label) => (
        <Chip key={label} name={label} onRemove={() => onFilter({ ...filter, labels: toggled(filter.labels, label) })}>
          <LabelDot label={label} className="max-w-40" />
        </Chip>
      ))}
      {filter.hasAgent ? <Chip name={text.hasAgent} onRemove={() => onFilter({ ...filter, hasAgent: false })} /> : null}
      {filter.needsMe ? <Chip name={text.needsMe} onRemove={() => onFilter({ ...filter, needsMe: false })} /> : null}
      {filter.text.trim() ? (
        <Chip name={text.words(filter.text.trim())} onRemove={() => onFilter({ ...filter, text: '' })} />
      ) : null}
      <span role="status" className="ml-1 text-ink-2 tabular-nums" data-testid="filter-count">
        {text.shown(shown, all)}
      </span>
      <Button look="ghost" size="sm" onClick={() => onFilter(noFilter)}>
        {text.clear}
      </Button>
    </section>
  );
}

/** The button goes with its chip, and the focus to the one beside it: it must not fall to the top of the page. */
function focusNext(button: HTMLElement): void {
  const buttons = [...(button.closest('section')?.querySelectorAll('button') ?? [])];
  const at = buttons.indexOf(button as HTMLButtonElement);
  (buttons[at + 1] ?? buttons[at - 1])?.focus();
}

function Chip({ name, onRemove, children }: { name: string; onRemove: () => void; children?: ReactNode }) {
  return (
    <span className="inline-flex h-6 max-w-60 items-center rounded-full border border-line bg-surface pr-0.5 pl-2.5 text-2xs text-ink-2">
      <span className="truncate">{children ?? name}</span>
      <button
        type="button"
        aria-label={text.remove(name)}
        title={text.remove(name)}
        className="ml-1 inline-flex size-5 shrink-0 items-center justify-center rounded-full text-ink-3 hover:bg-hover hover:text-ink"
        onClick={(event) => {
          focusNext(event.currentTarget);
          onRemove();
        }}
      >
        <X size={11} aria-hidden="true" />
      </button>
    </span>
  );
}
