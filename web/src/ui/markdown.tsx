import { lazy, Suspense } from 'react';

const Rendered = lazy(() => import('./markdown-rendered'));

/** Markdown of people and agents. Shown as plain text for the moment that its reader is loading. */
export function Markdown({ text }: { text: string }) {
  return (
    <div className="markdown">
      <Suspense fallback={<p className="whitespace-pre-wrap">{text}</p>}>
        <Rendered text={text} />
      </Suspense>
    </div>
  );
}
