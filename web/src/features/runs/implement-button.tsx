import { Play } from 'lucide-react';
import { useState } from 'react';
import type { Provider, Repository, RunRow, Ticket } from '~/gql/types';
import { useStartRun } from '~/live/use-start-run';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { Dialog } from '~/ui/dialog';
import { ProviderPicker, RepositoryPicker } from '~/ui/run-pickers';

const text = messages.runs;

interface Props {
  ticket: Ticket;
  projectId: string;
  providers: readonly Provider[];
  repositories: readonly Repository[];
  onConnect: () => void;
  onStarted: (run: RunRow) => void;
}

/** Hands the ticket to an agent. */
export function ImplementButton(props: Props) {
  const [open, setOpen] = useState(false);
  return (
    <>
      <Button look="primary" onClick={() => setOpen(true)}>
        <Play size={14} aria-hidden="true" />
        {messages.ticket.implement}
      </Button>
      <Dialog
        open={open}
        onOpenChange={setOpen}
        title={text.implementTitle(props.ticket.key)}
        lead={text.implementLead}
      >
        <Form {...props} onClose={() => setOpen(false)} />
      </Dialog>
    </>
  );
}

function Form({
  ticket,
  projectId,
  providers,
  repositories,
  onConnect,
  onStarted,
  onClose,
}: Props & { onClose: () => void }) {
  const { start, starting } = useStartRun();
  const usable = providers.filter((provider) => provider.available);
  const preferred = usable.find((provider) => provider.id === ticket.delegate?.provider) ?? usable[0];
  const [providerId, setProviderId] = useState<string | null>(null);
  const [repositoryId, setRepositoryId] = useState<string | null>(null);
  const provider = usable.find((candidate) => candidate.id === providerId) ?? preferred;
  const repository = repositories.find((candidate) => candidate.id === repositoryId) ?? repositories[0];

  const submit = async () => {
    if (!provider || !repository) return;
    const run = await start({
      projectId,
      mode: 'IMPLEMENT',
      provider: provider.id,
      ticketId: ticket.id,
      repoConnectionId: repository.id,
    });
    if (!run) return;
    onClose();
    onStarted(run);
  };
  return (
    <div className="space-y-4">
      <div className="flex flex-wrap gap-2">
        <ProviderPicker providers={providers} value={provider?.id ?? null} onChoose={setProviderId} />
        <RepositoryPicker
          repositories={repositories}
          value={repository?.id ?? null}
          onChoose={setRepositoryId}
          onConnect={onConnect}
        />
      </div>
      {repository ? null : <p className="text-warn text-xs">{messages.command.connectWhy}</p>}
      {provider ? null : <p className="text-warn text-xs">{messages.command.noProviderWhy}</p>}
      <div className="flex justify-end gap-2">
        <Button look="ghost" onClick={onClose}>
          {messages.ticket.cancel}
        </Button>
        <Button look="primary" disabled={starting || !provider || !repository} onClick={() => void submit()}>
          {text.start}
        </Button>
      </div>
    </div>
  );
}
