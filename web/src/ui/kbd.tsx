import { classNames } from './class-names';

const isMac = /Mac|iPhone|iPad/.test(navigator.platform);

/** How a key is printed on this person's keyboard. "Mod" is Cmd on a Mac and Ctrl elsewhere. */
export function keyName(key: string): string {
  if (key === 'Mod') return isMac ? '⌘' : 'Ctrl';
  if (key === 'Shift') return isMac ? '⇧' : 'Shift';
  return key;
}

/** Keys that are pressed together or one after the other. */
export function Keys({ keys, className }: { keys: readonly string[]; className?: string }) {
  return (
    <span className={classNames('inline-flex shrink-0 items-center gap-1', className)}>
      {keys.map((key) => (
        <kbd
          key={key}
          className="inline-flex h-5 min-w-5 items-center justify-center rounded-sm border border-line-strong px-1 font-mono text-2xs text-ink-2"
        >
          {keyName(key)}
        </kbd>
      ))}
    </span>
  );
}
