import { BookOpen, Bug, Layers, SquareCheck } from 'lucide-react';
import type { TicketKind } from '~/gql/types';
import { messages } from '~/messages';
import { classNames } from './class-names';

const icons = { EPIC: Layers, STORY: BookOpen, TASK: SquareCheck, BUG: Bug } as const;
const colours: Record<TicketKind, string> = {
  EPIC: 'text-rev',
  STORY: 'text-info',
  TASK: 'text-ink-3',
  BUG: 'text-bad',
};

export function KindIcon({ kind, size = 14 }: { kind: TicketKind; size?: number }) {
  const Icon = icons[kind];
  return (
    <Icon
      size={size}
      strokeWidth={1.8}
      className={classNames('shrink-0', colours[kind])}
      role="img"
      aria-label={messages.kinds[kind]}
    />
  );
}
