import { Copy, RotateCcw, TriangleAlert } from 'lucide-react';
import { Component, type ReactNode } from 'react';
import { RequestError } from '~/gql/request';
import { messages } from '~/messages';
import { Button } from './button';

function detail(error: unknown): string {
  if (error instanceof RequestError) return error.message || messages.outcome.codes[error.code];
  return error instanceof Error ? error.message : String(error);
}

/** A panel that failed, while the rest of the page lives: why, try again, and the id to quote. */
export function ErrorPanel({ title, error, onRetry }: { title: string; error: unknown; onRetry?: () => void }) {
  const traceId = error instanceof RequestError ? error.details.traceId : undefined;
  return (
    <div role="alert" className="mx-auto flex max-w-md flex-col items-center gap-2 px-6 py-12 text-center">
      <TriangleAlert size={22} className="text-bad" aria-hidden="true" />
      <h2 className="font-semibold text-base">{title}</h2>
      <p className="text-ink-2">{detail(error)}</p>
      {traceId ? (
        <button
          type="button"
          className="inline-flex items-center gap-1.5 font-mono text-2xs text-ink-3 hover:text-ink"
          title={messages.outcome.copyTrace}
          onClick={() => void navigator.clipboard?.writeText(traceId)}
        >
          {messages.outcome.trace(traceId)}
          <Copy size={12} aria-hidden="true" />
        </button>
      ) : null}
      {onRetry ? (
        <Button className="mt-1" onClick={onRetry}>
          <RotateCcw size={14} aria-hidden="true" />
          {messages.outcome.retry}
        </Button>
      ) : null}
    </div>
  );
}

/** Keeps a fault in one panel from taking the page with it. */
export class PanelBoundary extends Component<{ children: ReactNode }, { error: Error | null }> {
  override state: { error: Error | null } = { error: null };

  static getDerivedStateFromError(error: Error) {
    return { error };
  }

  override render() {
    if (!this.state.error) return this.props.children;
    return (
      <ErrorPanel
        title={messages.outcome.panelBroke}
        error={this.state.error}
        onRetry={() => this.setState({ error: null })}
      />
    );
  }
}
