// The keys that work on every page, and what they open. The palette and the help are fetched when they are first asked for.
import { lazy, Suspense, useEffect, useState } from 'react';
import { KeySequence, WAIT_MS } from '~/features/palette/key-sequence';
import { messages } from '~/messages';
import { Keys } from '~/ui/kbd';
import { isPageCommand, isPageKey } from '~/ui/keys';
import { showOverlay, useOverlay } from './overlay';
import { chooseTheme, useTheme } from './theme';
import { useGo } from './use-go';
import type { ProjectInOrg } from './viewer-context';

const PaletteHost = lazy(async () => ({ default: (await import('./palette-host')).PaletteHost }));
const KeyHelp = lazy(async () => ({ default: (await import('~/features/palette/key-help')).KeyHelp }));

export function Shortcuts({ project }: { project?: ProjectInOrg | undefined }) {
  const overlay = useOverlay();
  const theme = useTheme();
  const go = useGo();
  const [sequence] = useState(() => new KeySequence());
  const [waiting, setWaiting] = useState(false);
  const slug = project?.slug;

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (isPageCommand(event) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        showOverlay('palette');
        return;
      }
      if (!isPageKey(event)) return;
      const meaning = sequence.press(event.key, Date.now());
      setWaiting(meaning.kind === 'waiting');
      if (meaning.kind !== 'other') {
        event.preventDefault();
        if (meaning.kind === 'go' && slug) go(slug, meaning.to);
        return;
      }
      const act = actionOf(event.key);
      if (!act) return;
      event.preventDefault();
      act();
    };
    const actionOf = (key: string): (() => void) | undefined => {
      if (key === '?') return () => showOverlay('help');
      if (key === 't') return () => chooseTheme(theme === 'dark' ? 'light' : 'dark');
      if (key === 'r' && slug) return () => go(slug, 'command', 'prompt');
      if (key === 'c' && slug) return () => go(slug, 'board', 'new');
      return undefined;
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [sequence, slug, theme, go]);

  useEffect(() => {
    if (!waiting) return;
    const timer = setTimeout(() => setWaiting(false), WAIT_MS);
    return () => clearTimeout(timer);
  }, [waiting]);

  const close = () => showOverlay(null);
  return (
    <>
      {waiting ? (
        <p
          role="status"
          className="fixed bottom-3 left-3 z-60 flex items-center gap-2 rounded-md border border-line-strong bg-raised px-3 py-1.5 text-xs shadow-pop"
        >
          {messages.palette.sequence}
          <Keys keys={['C', 'B', 'A', 'H']} />
        </p>
      ) : null}
      <Suspense fallback={null}>
        {overlay === 'palette' ? <PaletteHost project={project} onClose={close} /> : null}
        {overlay === 'help' ? <KeyHelp onClose={close} /> : null}
      </Suspense>
    </>
  );
}
