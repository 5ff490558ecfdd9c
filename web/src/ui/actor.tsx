import { Bot } from 'lucide-react';
import type { ReactNode } from 'react';
import type { Actor } from '~/gql/types';
import { PersonAvatar } from './avatar';

/** Who did it: a person is round, an agent's run is square, the system is what `fallback` says. */
export function ActorAvatar({ actor, fallback }: { actor: Actor; fallback: ReactNode }) {
  if (actor.kind === 'USER') return <PersonAvatar id={actor.user?.id ?? actor.id} name={actor.name} />;
  const isRun = actor.kind === 'RUN';
  return (
    <span
      aria-hidden="true"
      className={
        isRun
          ? 'inline-flex size-5 shrink-0 items-center justify-center rounded-[5px] border border-accent-line bg-accent-soft text-accent'
          : 'inline-flex size-5 shrink-0 items-center justify-center rounded-full bg-hover'
      }
    >
      {isRun ? <Bot size={13} /> : fallback}
    </span>
  );
}
