import { CloudOff } from 'lucide-react';
import { useConnectionState } from '~/live/connection-context';
import { useNow } from '~/live/use-now';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { classNames } from '~/ui/class-names';

const PATIENCE_MS = 1_000;
const TICK_MS = 250;

/** Amber, with the seconds, as soon as the page has not been live for more than one. */
export function ConnectionBanner() {
  const { phase, since } = useConnectionState();
  const away = phase !== 'live' && phase !== 'ended';
  const now = useNow(TICK_MS, away);
  const awayMs = now - since;
  if (phase === 'ended') return <EndedBanner />;
  if (!away || awayMs <= PATIENCE_MS) return null;
  return (
    <div
      className="flex min-h-8 shrink-0 items-center justify-center gap-2 border-line border-b bg-warn-soft px-4 py-1.5 text-warn text-xs"
      data-testid="connection-banner"
    >
      <CloudOff size={14} aria-hidden="true" className="shrink-0" />
      {/* Said once; the seconds beside it are for the eye. */}
      <span role="status" className="font-medium">
        {messages.connection.banner[phase]}
      </span>
      <span className="tabular-nums" aria-hidden="true">
        {messages.connection.seconds(Math.floor(awayMs / 1_000))}
      </span>
    </div>
  );
}

const labels = {
  live: messages.connection.live,
  connecting: messages.connection.connecting,
  'catching-up': messages.connection.catchingUp,
  lost: messages.connection.lost,
  ended: messages.connection.ended,
} as const;

/** The server closed the line for good, and the session did not end with it: only a new page can have a new line. */
function EndedBanner() {
  return (
    <div
      role="alert"
      className="flex min-h-8 shrink-0 items-center justify-center gap-3 border-line border-b bg-warn-soft px-4 py-1 text-warn text-xs"
      data-testid="connection-banner"
    >
      <span className="font-medium">{messages.connection.endedBanner}</span>
      <Button size="sm" onClick={() => window.location.reload()}>
        {messages.connection.reload}
      </Button>
    </div>
  );
}

/** Always visible: a dot and a word. */
export function ConnectionIndicator() {
  const { phase } = useConnectionState();
  return (
    <span
      className="inline-flex items-center gap-2 text-ink-2 text-xs"
      title={messages.connection.explain[phase]}
      data-testid="connection"
      data-phase={phase}
    >
      <span
        aria-hidden="true"
        className={classNames(
          'size-2 rounded-full',
          phase === 'live' ? 'live-dot bg-lime ring-1 ring-accent-line' : 'bg-warn',
        )}
      />
      <span className="max-[520px]:sr-only">{labels[phase]}</span>
    </span>
  );
}
