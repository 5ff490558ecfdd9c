import { ArrowUp } from 'lucide-react';
import type { KeyboardEvent, ReactNode, Ref } from 'react';
import type { Provider, Repository } from '~/gql/types';
import { messages } from '~/messages';
import { dollars } from '~/ui/format';
import { Picker } from '~/ui/menu';
import { ProviderPicker, RepositoryPicker } from '~/ui/run-pickers';
import type { CommandMode } from './command-page';

const text = messages.command;

interface Props {
  ref: Ref<HTMLTextAreaElement>;
  mode: CommandMode;
  prompt: string;
  onPrompt: (prompt: string) => void;
  onKeyDown: (event: KeyboardEvent) => void;
  providers: readonly Provider[];
  provider: Provider | undefined;
  onProvider: (id: string) => void;
  repositories: readonly Repository[];
  repository: Repository | undefined;
  onRepository: (id: string | null) => void;
  onConnect: () => void;
  /** Cost limits to choose from, in millionths of a dollar. */
  limits: readonly number[];
  limit: number;
  onLimit: (limit: number) => void;
  disabled: boolean;
  onSend: () => void;
  above: ReactNode;
}

export function PromptBox(props: Props) {
  const { mode, prompt, limits, limit, above } = props;
  return (
    <div className="mt-7 rounded-xl border border-line-strong bg-surface shadow-pop focus-within:border-accent-line">
      {above}
      <textarea
        ref={props.ref}
        id="prompt"
        rows={mode === 'PLAN' ? 4 : 2}
        aria-label={text.promptLabel}
        placeholder={text.placeholder[mode]}
        value={prompt}
        onChange={(event) => props.onPrompt(event.target.value)}
        onKeyDown={props.onKeyDown}
        className="block w-full resize-none rounded-t-xl bg-transparent px-4.5 pt-4 pb-2 text-[15px] leading-6 outline-none placeholder:text-ink-3"
      />
      <div className="flex flex-wrap items-center gap-2 p-3">
        <RepositoryPicker
          repositories={props.repositories}
          value={props.repository?.id ?? null}
          onChoose={props.onRepository}
          onConnect={props.onConnect}
          optional={mode === 'PLAN'}
        />
        <div className="ml-auto flex items-center gap-2">
          <ProviderPicker providers={props.providers} value={props.provider?.id ?? null} onChoose={props.onProvider} />
          <Picker
            align="end"
            heading={text.maxCost}
            value={String(limit)}
            choices={limits.map((micros) => ({
              value: String(micros),
              label: <span className="font-mono">{dollars(micros)}</span>,
            }))}
            onChoose={(value) => props.onLimit(Number(value))}
            trigger={
              <button
                type="button"
                aria-label={`${text.maxCost}: ${dollars(limit)}`}
                className="h-8 rounded-md px-2 font-mono text-ink-2 text-xs hover:bg-hover"
              >
                {text.max(dollars(limit).replace(/\.00$/, ''))}
              </button>
            }
          />
          <button
            type="button"
            aria-label={text.send}
            title={text.send}
            disabled={props.disabled}
            onClick={props.onSend}
            className="inline-flex size-8 items-center justify-center rounded-md bg-lime text-on-lime shadow-[inset_0_-1px_0_rgb(0_0_0/.14)] transition-colors duration-(--fast) hover:bg-lime-hover disabled:cursor-not-allowed disabled:bg-hover disabled:text-ink-3 disabled:shadow-none"
          >
            <ArrowUp size={17} strokeWidth={2.4} aria-hidden="true" />
          </button>
        </div>
      </div>
    </div>
  );
}
