import { ChevronDown, FolderGit2, Plus } from 'lucide-react';
import type { Provider, Repository } from '~/gql/types';
import { messages } from '~/messages';
import { AgentAvatar } from './avatar';
import { MenuItem, MenuLine, Picker } from './menu';

const text = messages.command;
const NONE = 'none';

const triggerLook =
  'inline-flex h-8 min-w-0 items-center gap-2 rounded-md border border-line-strong bg-surface px-2.5 text-sm hover:bg-hover data-[state=open]:bg-hover';

/** Which agent. One that no worker offers is shown with what is missing, and cannot be chosen. */
export function ProviderPicker({
  providers,
  value,
  onChoose,
}: {
  providers: readonly Provider[];
  value: string | null;
  onChoose: (id: string) => void;
}) {
  const chosen = providers.find((provider) => provider.id === value);
  return (
    <Picker
      align="end"
      value={value}
      onChoose={onChoose}
      heading={text.provider}
      choices={providers.map((provider) => ({
        value: provider.id,
        disabled: !provider.available,
        label: (
          <>
            <AgentAvatar provider={provider.id} size={18} />
            <span>{provider.name}</span>
            {provider.scripted ? (
              <span className="text-2xs text-info">{`${messages.scripted} ${messages.scriptedWhat}`}</span>
            ) : null}
            {provider.available ? null : <span className="text-2xs text-ink-3">{provider.health}</span>}
          </>
        ),
      }))}
      trigger={
        <button
          type="button"
          className={triggerLook}
          aria-label={`${text.provider}: ${chosen?.name ?? text.noProvider}`}
        >
          {chosen ? <AgentAvatar provider={chosen.id} size={18} /> : null}
          <span className="truncate">{chosen?.name ?? text.noProvider}</span>
          <ChevronDown size={13} aria-hidden="true" className="shrink-0 text-ink-3" />
        </button>
      }
    />
  );
}

/** Which repository, with the way to connect another one. */
export function RepositoryPicker({
  repositories,
  value,
  onChoose,
  onConnect,
  optional = false,
}: {
  repositories: readonly Repository[];
  value: string | null;
  onChoose: (id: string | null) => void;
  onConnect: () => void;
  optional?: boolean;
}) {
  const chosen = repositories.find((repository) => repository.id === value);
  const choices = repositories.map((repository) => ({
    value: repository.id,
    label: <span className="truncate font-mono text-xs">{repository.name}</span>,
  }));
  return (
    <Picker
      value={value ?? NONE}
      onChoose={(id) => onChoose(id === NONE ? null : id)}
      heading={text.repository}
      choices={optional ? [...choices, { value: NONE, label: <span>{text.noRepository}</span> }] : choices}
      footer={
        <>
          <MenuLine />
          <MenuItem onSelect={onConnect}>
            <Plus size={14} aria-hidden="true" />
            {text.connect}
          </MenuItem>
        </>
      }
      trigger={
        <button
          type="button"
          className={triggerLook}
          aria-label={`${text.repository}: ${chosen?.name ?? text.noRepository}`}
        >
          <FolderGit2 size={15} aria-hidden="true" className="shrink-0 text-ink-3" />
          <span className="max-w-44 truncate">{chosen?.name ?? text.noRepository}</span>
          <ChevronDown size={13} aria-hidden="true" className="shrink-0 text-ink-3" />
        </button>
      }
    />
  );
}
