import { CornerDownLeft } from 'lucide-react';
import { Dialog as Radix } from 'radix-ui';
import { type KeyboardEvent, useEffect, useId, useMemo, useRef, useState } from 'react';
import { messages } from '~/messages';
import { classNames } from '~/ui/class-names';
import { Keys } from '~/ui/kbd';
import { useReturnFocus } from '~/ui/return-focus';
import { findItems, type PaletteGroup, type PaletteItem } from './palette-items';

const text = messages.palette;

/** One field over everything: what can be done here, where one can go, which ticket is meant. */
export function Palette({ groups, onClose }: { groups: readonly PaletteGroup[]; onClose: () => void }) {
  const listId = useId();
  const list = useRef<HTMLDivElement>(null);
  const field = useRef<HTMLInputElement>(null);
  const chosen = useRef<PaletteItem | null>(null);
  const onCloseAutoFocus = useReturnFocus(true);
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const found = useMemo(() => findItems(groups, query), [groups, query]);
  const items = found.flatMap((group) => group.items);
  const at = Math.min(active, Math.max(0, items.length - 1));

  useEffect(() => {
    list.current?.querySelector(`[id="${CSS.escape(`${listId}-${at}`)}"]`)?.scrollIntoView({ block: 'nearest' });
  }, [at, listId]);

  // It runs when the dialog has gone and the focus is back, so that what it opens can take the focus itself.
  const run = (item: PaletteItem | undefined) => {
    if (!item) return;
    chosen.current = item;
    onClose();
  };
  useEffect(() => () => void setTimeout(() => chosen.current?.run()), []);

  const onKeyDown = (event: KeyboardEvent) => {
    const steps: Readonly<Record<string, number>> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: -1 };
    const step = steps[event.key];
    if (step !== undefined && items.length > 0) {
      event.preventDefault();
      setActive((step + items.length) % items.length);
    } else if (event.key === 'Enter' && !event.nativeEvent.isComposing) {
      event.preventDefault();
      run(items[at]);
    }
  };

  let index = -1;
  return (
    <Radix.Root open onOpenChange={(open) => !open && onClose()}>
      <Radix.Portal>
        <Radix.Overlay className="scrim fixed inset-0 z-60" />
        <Radix.Content
          aria-describedby={undefined}
          data-testid="palette"
          onCloseAutoFocus={onCloseAutoFocus}
          onOpenAutoFocus={(event) => {
            event.preventDefault();
            field.current?.focus();
          }}
          className="rise fixed top-[14vh] left-1/2 z-70 flex max-h-[min(470px,72vh)] w-[600px] max-w-[calc(100vw-24px)] -translate-x-1/2 flex-col overflow-hidden rounded-xl border border-line-strong bg-raised shadow-pop"
        >
          <Radix.Title className="sr-only">{text.title}</Radix.Title>
          <input
            ref={field}
            role="combobox"
            aria-expanded={items.length > 0}
            aria-controls={listId}
            aria-autocomplete="list"
            aria-activedescendant={items.length > 0 ? `${listId}-${at}` : undefined}
            aria-label={text.field}
            placeholder={text.field}
            value={query}
            maxLength={200}
            onChange={(event) => {
              setQuery(event.target.value);
              setActive(0);
            }}
            onKeyDown={onKeyDown}
            className="h-12 shrink-0 border-line border-b bg-transparent px-4 text-base outline-none placeholder:text-ink-3"
          />
          <div
            ref={list}
            id={listId}
            role="listbox"
            aria-label={text.title}
            className="min-h-0 flex-1 overflow-y-auto p-1.5"
          >
            {found.map((group) => (
              // biome-ignore lint/a11y/useSemanticElements: a fieldset is no part of a listbox
              <div key={group.id} role="group" aria-labelledby={`${listId}-${group.id}`}>
                <p id={`${listId}-${group.id}`} className="px-2.5 pt-2 pb-1 text-2xs text-ink-3">
                  {group.title}
                </p>
                {group.items.map((item) => {
                  index += 1;
                  const here = index;
                  return (
                    // biome-ignore lint/a11y/useKeyWithClickEvents: the field's keys choose (see onKeyDown)
                    // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the field; the active option is named there
                    <div
                      key={item.id}
                      id={`${listId}-${here}`}
                      role="option"
                      aria-selected={here === at}
                      onMouseDown={(event) => event.preventDefault()}
                      onMouseMove={() => setActive(here)}
                      onClick={() => run(item)}
                      className={classNames(
                        'flex h-9 cursor-pointer items-center gap-3 rounded-md px-2.5 text-sm',
                        here === at ? 'bg-hover text-ink' : 'text-ink-2',
                      )}
                    >
                      {item.icon}
                      {item.sign ? (
                        <span className="w-16 shrink-0 truncate font-mono text-ink-3 text-xs">{item.sign}</span>
                      ) : null}
                      <span className="min-w-0 flex-1 truncate">{item.label}</span>
                      {item.keys ? <Keys keys={item.keys} className="max-[520px]:hidden" /> : null}
                    </div>
                  );
                })}
              </div>
            ))}
          </div>
          {items.length === 0 ? (
            <p role="status" className="px-4 pb-4 text-ink-3 text-sm">
              {text.nothing}
            </p>
          ) : null}
          <p className="flex h-9 shrink-0 items-center gap-1.5 border-line border-t px-4 text-2xs text-ink-3">
            <CornerDownLeft size={12} aria-hidden="true" />
            {text.open}
          </p>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
