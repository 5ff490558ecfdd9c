import { HistoryPage } from '~/features/history/history-page';
import type { AuditEntry } from '~/gql/types';
import { messages } from '~/messages';
import { useProject } from '../project-context';
import { RunLink, TicketKeyLink } from '../run-link';
import { useColumnName } from '../use-column-name';
import { membersOf } from '../viewer-context';

export function HistoryRoute() {
  const { project, org } = useProject();
  const columnName = useColumnName(project.id);
  const isOurs = (key: string) => key.startsWith(`${project.key}-`);
  const targetLink = (entry: AuditEntry) => {
    if (entry.targetType === 'Ticket' && entry.targetKey && isOurs(entry.targetKey)) {
      return <TicketKeyLink ticketKey={entry.targetKey} />;
    }
    if (entry.targetType === 'AgentRun') {
      return (
        <RunLink runId={entry.targetId} className="text-ink-2 underline decoration-line-strong underline-offset-2">
          {entry.targetKey ?? messages.history.targets.AgentRun}
        </RunLink>
      );
    }
    return (
      <span className="text-ink-3">
        {entry.targetKey ?? messages.history.targets[entry.targetType] ?? entry.targetType}
      </span>
    );
  };
  return <HistoryPage orgId={org.id} members={membersOf(org)} columnName={columnName} targetLink={targetLink} />;
}
