import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useProject } from './project-context';

export function RunLink({ runId, className, children }: { runId: string; className?: string; children: ReactNode }) {
  const { slug } = useProject();
  return (
    <Link to="/p/$project/agents/$runId" params={{ project: slug, runId }} className={className}>
      {children}
    </Link>
  );
}

export function TicketKeyLink({ ticketKey }: { ticketKey: string }) {
  const { slug } = useProject();
  return (
    <Link
      to="/p/$project/board"
      params={{ project: slug }}
      search={{ ticket: ticketKey }}
      title={`${ticketKey}`}
      className="shrink-0 font-mono text-ink-2 text-xs underline decoration-line-strong underline-offset-2 hover:text-ink"
    >
      {ticketKey}
    </Link>
  );
}
