import { useId } from 'react';
import { messages } from '~/messages';
import { Dialog } from '~/ui/dialog';
import { Keys } from '~/ui/kbd';
import { setSingleKeys, useSingleKeys } from '~/ui/keys';
import { ScrollRegion } from '~/ui/scroll-region';
import { keyMap } from './key-map';

const text = messages.keys;

/** Every key of the app, and the way to turn the single ones off. */
export function KeyHelp({ onClose }: { onClose: () => void }) {
  const id = useId();
  const on = useSingleKeys();
  return (
    <Dialog open wide onOpenChange={(open) => !open && onClose()} title={text.title}>
      <label className="mb-3 flex items-center gap-2.5 rounded-md bg-sunken px-3 py-2 text-xs">
        <input
          type="checkbox"
          className="plan-check"
          checked={on}
          onChange={(event) => setSingleKeys(event.target.checked)}
        />
        <span>{text.single}</span>
      </label>
      <ScrollRegion label={text.title} className="max-h-[52vh] overflow-y-auto">
        <div className="grid gap-x-8 gap-y-4 min-[560px]:grid-cols-2">
          {keyMap.map((group) => (
            <section key={group.title} aria-labelledby={`${id}-${group.title}`}>
              <h3 id={`${id}-${group.title}`} className="mb-1 font-semibold text-ink-2 text-xs">
                {group.title}
              </h3>
              <dl>
                {group.keys.map(({ what, keys }) => (
                  <div key={what} className="flex min-h-7 items-center justify-between gap-3">
                    <dt className="min-w-0 text-xs">{what}</dt>
                    <dd className="shrink-0">
                      <Keys keys={keys} />
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </div>
      </ScrollRegion>
    </Dialog>
  );
}
