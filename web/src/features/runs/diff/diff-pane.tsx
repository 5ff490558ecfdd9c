// The heavy part of the diff, loaded when a diff is looked at: @pierre/diffs with its highlighter.
import { PatchDiff, Virtualizer } from '@pierre/diffs/react';
import { ChevronDown, ChevronRight } from 'lucide-react';
import { Component, type ReactNode, useMemo, useState } from 'react';
import { messages } from '~/messages';
import { classNames } from '~/ui/class-names';
import { type FilePatch, splitPatch } from './split-patch';

const text = messages.runs;
/** Files with more changed lines than this start closed: their DOM alone would stall the page. */
const COLLAPSE_OVER_LINES = 3_000;

const options = {
  theme: { dark: 'github-dark-default', light: 'github-light-high-contrast' },
  diffStyle: 'unified',
  diffIndicators: 'bars',
  disableFileHeader: true,
  overflow: 'scroll',
  // The engine in plain JavaScript: the WebAssembly one would need 'wasm-unsafe-eval' in the page's policy.
  preferredHighlighter: 'shiki-js',
} as const;

// biome-ignore lint/style/noDefaultExport: React.lazy asks for one
export default function DiffPane({ unified, theme }: { unified: string; theme: 'light' | 'dark' }) {
  const patches = useMemo(() => splitPatch(unified), [unified]);
  if (patches.length === 0) return <PlainDiff text={unified} />;
  return (
    <section className="al-diff h-full" aria-label={text.changes}>
      <Virtualizer className="h-full overflow-auto" contentClassName="min-w-0 pb-6">
        {patches.map((patch) => (
          <FileSection key={`${patch.path} ${patch.previousPath ?? ''}`} patch={patch} theme={theme} />
        ))}
      </Virtualizer>
    </section>
  );
}

const marks: Record<FilePatch['status'], string> = { added: 'A', deleted: 'D', renamed: 'R', modified: 'M' };
const colours: Record<FilePatch['status'], string> = {
  added: 'border-ok text-ok',
  deleted: 'border-bad text-bad',
  renamed: 'border-info text-info',
  modified: 'border-warn text-warn',
};

function FileSection({ patch, theme }: { patch: FilePatch; theme: 'light' | 'dark' }) {
  const lines = patch.additions + patch.deletions;
  const [open, setOpen] = useState(lines <= COLLAPSE_OVER_LINES);
  const Chevron = open ? ChevronDown : ChevronRight;
  return (
    <section aria-label={text.fileDiff(patch.path)} className="border-line border-b">
      <h3 className="sticky top-0 z-10 bg-surface">
        <button
          type="button"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
          className="flex h-10 w-full items-center gap-2.5 px-4 text-left hover:bg-hover"
        >
          <Chevron size={14} aria-hidden="true" className="shrink-0 text-ink-3" />
          <span
            aria-hidden="true"
            className={classNames(
              'inline-flex size-4 shrink-0 items-center justify-center rounded border font-mono font-semibold text-[10px]',
              colours[patch.status],
            )}
          >
            {marks[patch.status]}
          </span>
          <span className="min-w-0 flex-1 truncate font-mono text-xs" title={patch.path}>
            {patch.previousPath ? `${patch.previousPath} → ${patch.path}` : patch.path}
          </span>
          <span className="shrink-0 font-mono text-xs">
            <span className="text-ok">+{patch.additions}</span> <span className="text-bad">−{patch.deletions}</span>
          </span>
        </button>
      </h3>
      {open && lines > 0 && !patch.isBinary ? (
        <DiffBoundary key={theme} text={patch.text}>
          <PatchDiff patch={patch.text} options={{ ...options, themeType: theme }} disableWorkerPool />
        </DiffBoundary>
      ) : null}
      {!open && lines > COLLAPSE_OVER_LINES ? (
        <button type="button" className="w-full px-4 pb-3 text-left text-ink-3 text-xs" onClick={() => setOpen(true)}>
          {text.collapsed(lines)}
        </button>
      ) : null}
    </section>
  );
}

function PlainDiff({ text: diff }: { text: string }) {
  return (
    <div className="p-4">
      <p className="mb-2 text-warn text-xs">{text.unreadable}</p>
      <pre className="overflow-x-auto font-mono text-xs leading-5">{diff}</pre>
    </div>
  );
}

/** The viewer refuses a diff whose counts are wrong (a cut one, for one): then the text itself is shown. */
class DiffBoundary extends Component<{ text: string; children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError() {
    return { failed: true };
  }

  override render() {
    return this.state.failed ? <PlainDiff text={this.props.text} /> : this.props.children;
  }
}
