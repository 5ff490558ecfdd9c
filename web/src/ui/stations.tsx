import { messages } from '~/messages';
import { classNames } from './class-names';
import type { RunLook } from './run-look';

export type StationState = 'done' | 'live' | 'asking' | 'failed' | 'ahead';

/** The state of each of the five stations: those reached are done, the last one reached is where the run is now. */
export function stationStates(look: RunLook, reached: number): readonly StationState[] {
  const here = Math.max(0, Math.min(reached, messages.stations.length) - 1);
  return messages.stations.map((_, index): StationState => {
    if (index > here) return 'ahead';
    if (index < here) return 'done';
    if (look === 'alive') return 'live';
    if (look === 'asking') return 'asking';
    if (look === 'failed') return 'failed';
    return reached > 0 ? 'done' : 'ahead';
  });
}

const colours: Record<StationState, string> = {
  done: 'bg-accent-line',
  live: 'conveyor',
  asking: 'bg-warn',
  failed: 'bg-bad',
  ahead: 'bg-line',
};

/** Five segments: how far along the line it is. */
export function Stations({ look, reached, className }: { look: RunLook; reached: number; className?: string }) {
  const states = stationStates(look, reached);
  return (
    <span className={classNames('flex gap-[3px]', className)} role="img" aria-label={messages.stationsOf(reached)}>
      {states.map((state, index) => (
        <span
          // biome-ignore lint/suspicious/noArrayIndexKey: five fixed places
          key={index}
          className={classNames(
            'h-[3px] flex-1 rounded-full',
            look === 'failed' && state === 'done' ? 'bg-line-strong' : colours[state],
          )}
        />
      ))}
    </span>
  );
}
