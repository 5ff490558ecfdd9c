import { messages } from '~/messages';
import { classNames } from './class-names';
import { initials } from './format';

const HUES = 8;

/** The same person has the same colour on every screen and every visit. */
function hueOf(id: string): number {
  let hash = 0;
  for (const char of id) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return hash % HUES;
}

/** People are round. */
export function PersonAvatar({
  id,
  name,
  label,
  size = 20,
}: {
  id: string;
  name: string;
  label?: string;
  size?: 18 | 20 | 22;
}) {
  return (
    <span
      role="img"
      aria-label={label ?? name}
      title={label ?? name}
      className={classNames(
        `avatar-hue-${hueOf(id)}`,
        'inline-flex shrink-0 items-center justify-center rounded-full text-[9px] font-semibold leading-none',
        size === 18 ? 'size-[18px]' : size === 20 ? 'size-5' : 'size-[22px]',
      )}
    >
      {initials(name)}
    </span>
  );
}

export const providerName = (provider: string): string =>
  messages.providers[provider] ?? provider.charAt(0).toUpperCase() + provider.slice(1);

const short = (provider: string): string => (provider === 'codex' ? 'Cx' : providerName(provider).slice(0, 2));

/** Agents are square with a lime edge. */
export function AgentAvatar({ provider, label, size = 20 }: { provider: string; label?: string; size?: 18 | 20 }) {
  return (
    <span
      role="img"
      aria-label={label ?? providerName(provider)}
      title={label ?? providerName(provider)}
      className={classNames(
        'inline-flex shrink-0 items-center justify-center rounded-[5px] border border-accent-line bg-accent-soft font-mono text-[9px] font-semibold leading-none text-accent',
        size === 18 ? 'size-[18px]' : 'size-5',
      )}
    >
      {short(provider)}
    </span>
  );
}

export function EmptyAvatar() {
  return (
    <span
      role="img"
      aria-label={messages.board.unassigned}
      title={messages.board.unassigned}
      className="inline-flex size-5 shrink-0 rounded-full border border-dashed border-line-strong"
    />
  );
}
