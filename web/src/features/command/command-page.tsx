import { ListTree, TicketCheck } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react';
import type { Card, Project, Provider, Repository, RunRow } from '~/gql/types';
import { useStartRun } from '~/live/use-start-run';
import { messages } from '~/messages';
import { classNames } from '~/ui/class-names';
import { ScrollRegion } from '~/ui/scroll-region';
import { PromptBox } from './prompt-box';
import { TicketPicker } from './ticket-picker';

const text = messages.command;

export type CommandMode = 'PLAN' | 'IMPLEMENT';

interface Props {
  project: Project;
  providers: readonly Provider[];
  repositories: readonly Repository[];
  tickets: readonly Card[];
  onConnect: () => void;
  onStarted: (run: RunRow) => void;
  /** True when the person came to give an order: the cursor waits in the box. */
  focusPrompt: boolean;
  transcript: ReactNode;
  rail: ReactNode;
}

const modes = [
  { mode: 'PLAN', label: text.plan, Icon: ListTree },
  { mode: 'IMPLEMENT', label: text.work, Icon: TicketCheck },
] as const;

const DOLLAR = 1_000_000;
const LIMITS = [1, 2, 5, 10, 20].map((dollars) => dollars * DOLLAR);
const USUAL_LIMIT = 5 * DOLLAR;

export function CommandPage(props: Props) {
  const { project, providers, repositories, tickets, onConnect, onStarted, focusPrompt, transcript, rail } = props;
  const { start, starting } = useStartRun();
  const box = useRef<HTMLTextAreaElement>(null);
  const [mode, setMode] = useState<CommandMode>('PLAN');
  const [prompt, setPrompt] = useState('');
  const [ticketId, setTicketId] = useState<string | null>(null);
  const [providerId, setProviderId] = useState<string | null>(null);
  const [repositoryId, setRepositoryId] = useState<string | null | undefined>(undefined);
  const [limit, setLimit] = useState(USUAL_LIMIT);
  const usable = providers.filter((provider) => provider.available);
  const provider = usable.find((candidate) => candidate.id === providerId) ?? usable[0];
  // The first repository is meant until another, or none, is chosen. Work needs one in any case.
  const wanted =
    repositoryId === undefined || (mode === 'IMPLEMENT' && repositoryId === null) ? repositories[0]?.id : repositoryId;
  const repository = repositories.find((candidate) => candidate.id === wanted);
  const ready = mode === 'PLAN' ? prompt.trim() !== '' : ticketId !== null && repository !== undefined;

  useEffect(() => {
    if (focusPrompt) box.current?.focus();
  }, [focusPrompt]);

  const send = async () => {
    if (!provider || !ready || starting) return;
    const run = await start({
      projectId: project.id,
      mode,
      provider: provider.id,
      prompt: prompt.trim() === '' ? null : prompt.trim(),
      ticketId: mode === 'IMPLEMENT' ? ticketId : null,
      repoConnectionId: repository?.id ?? null,
      constraints: { maxCostUsdMicros: limit },
    });
    if (!run) return;
    setPrompt('');
    setTicketId(null);
    onStarted(run);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Enter' || !(event.metaKey || event.ctrlKey)) return;
    event.preventDefault();
    void send();
  };

  return (
    <div className="flex h-full max-[1099px]:h-auto max-[1099px]:flex-col">
      <ScrollRegion label={text.page} className="min-w-0 flex-1 overflow-y-auto px-6 max-[1099px]:overflow-visible">
        <div className="mx-auto w-full max-w-[712px] pt-[min(9vh,84px)] pb-10">
          <h2 className="text-center font-display font-semibold text-3xl tracking-[-0.022em] max-[600px]:text-xl">
            {text.title}
          </h2>
          <p className="mt-2 text-center text-base text-ink-2">{text.lead}</p>
          <PromptBox
            ref={box}
            mode={mode}
            prompt={prompt}
            onPrompt={setPrompt}
            onKeyDown={onKeyDown}
            providers={providers}
            provider={provider}
            onProvider={setProviderId}
            repositories={repositories}
            repository={repository}
            onRepository={setRepositoryId}
            onConnect={onConnect}
            limits={LIMITS}
            limit={limit}
            onLimit={setLimit}
            disabled={!ready || !provider || starting}
            onSend={() => void send()}
            above={
              mode === 'IMPLEMENT' ? <TicketPicker tickets={tickets} value={ticketId} onChoose={setTicketId} /> : null
            }
          />
          <fieldset aria-label={text.modes} className="mt-3 flex flex-wrap justify-center gap-2">
            {modes.map(({ mode: candidate, label, Icon }) => (
              <button
                key={candidate}
                type="button"
                aria-pressed={mode === candidate}
                onClick={() => setMode(candidate)}
                className={classNames(
                  'inline-flex h-8 items-center gap-2 rounded-full border px-3.5 text-sm transition-colors duration-(--fast)',
                  mode === candidate
                    ? 'border-accent-line bg-accent-soft font-semibold text-ink'
                    : 'border-line-strong text-ink-2 hover:bg-hover hover:text-ink',
                )}
              >
                <Icon size={15} aria-hidden="true" />
                {label}
              </button>
            ))}
          </fieldset>
          {providers.length > 0 && !provider ? (
            <p className="mt-4 text-center text-warn text-xs">{text.noProviderWhy}</p>
          ) : null}
          {mode === 'IMPLEMENT' && repositories.length === 0 ? (
            <p className="mt-4 text-center text-warn text-xs">{text.connectWhy}</p>
          ) : null}
          <div className="mt-10">{transcript}</div>
        </div>
      </ScrollRegion>
      <aside
        aria-label={text.rail}
        className="w-[340px] shrink-0 overflow-y-auto border-line border-l bg-sunken max-[1099px]:w-full max-[1099px]:border-t max-[1099px]:border-l-0"
      >
        {rail}
      </aside>
    </div>
  );
}
