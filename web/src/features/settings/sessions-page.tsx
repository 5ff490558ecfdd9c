import { useQuery } from '@tanstack/react-query';
import { MonitorSmartphone } from 'lucide-react';
import { useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { RevokeSessionDocument, SessionsDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { ListedSession } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { useNow } from '~/live/use-now';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { ago, dateTime } from '~/ui/format';
import { tellDone, tellFailure } from '~/ui/outcome';
import { deviceName } from './device';
import { Loaded, SettingsSection } from './settings-section';

const text = messages.settings.sessions;

export function SessionsPage() {
  const sessions = useQuery({
    queryKey: ['sessions'],
    queryFn: async ({ signal }) => (await request(SessionsDocument, {}, signal)).me.sessions,
    refetchInterval: 10_000,
  });
  return (
    <SettingsSection title={text.title} lead={text.lead}>
      <Loaded query={sessions}>
        {(list) => (
          <ul aria-label={text.label} className="divide-y divide-line rounded-lg border border-line bg-surface">
            {list.map((session) => (
              <Row key={session.id} session={session} onEnded={async () => void (await sessions.refetch())} />
            ))}
          </ul>
        )}
      </Loaded>
    </SettingsSection>
  );
}

function Row({ session, onEnded }: { session: ListedSession; onEnded: () => Promise<void> }) {
  const [sending, setSending] = useState(false);
  const now = useNow(30_000);
  const device = deviceName(session.userAgent) ?? text.unknown;
  const end = async () => {
    setSending(true);
    const input = { commandId: newCommandId(), sessionId: session.id };
    try {
      await sendUntilAnswered(() => request(RevokeSessionDocument, { input }));
      tellDone(text.ended);
      await onEnded();
    } catch (cause) {
      tellFailure(text.endFailed, cause);
      setSending(false);
    }
  };
  return (
    <li data-session={session.id} className="flex items-center gap-3 px-3 py-2.5">
      <MonitorSmartphone size={18} aria-hidden="true" className="shrink-0 text-ink-3" />
      <span className="min-w-0 flex-1">
        <span className="font-medium" title={session.userAgent ?? undefined}>
          {device}
        </span>
        {session.current ? (
          <span className="ml-2 rounded-sm bg-accent-soft px-1.5 py-0.5 text-2xs text-accent">{text.current}</span>
        ) : null}
        <span className="block text-2xs text-ink-3">
          {text.seen(ago(session.lastSeenAt, now))} · {text.since(dateTime(session.createdAt))}
        </span>
      </span>
      {session.current ? null : (
        <Button size="sm" look="danger" disabled={sending} aria-label={text.endOf(device)} onClick={() => void end()}>
          {text.end}
        </Button>
      )}
    </li>
  );
}
