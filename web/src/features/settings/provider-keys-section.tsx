import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { CheckProviderKeyDocument, ProviderKeysDocument, RemoveProviderKeyDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Provider, ProviderKey, ProviderKeyState } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { useNow } from '~/live/use-now';
import { useProviders } from '~/live/use-providers';
import { messages } from '~/messages';
import { AgentAvatar } from '~/ui/avatar';
import { Button } from '~/ui/button';
import { ConfirmDialog } from '~/ui/confirm-dialog';
import { ago } from '~/ui/format';
import { tellDone, tellFailure } from '~/ui/outcome';
import { ProviderKeyDialog } from './provider-key-dialog';
import { cell, SettingsSection, Th, tableLook } from './settings-section';

const text = messages.settings.money;
const looks: Record<ProviderKeyState, string> = {
  ACCEPTED: 'text-ok',
  REFUSED: 'text-bad',
  UNREACHABLE: 'text-warn',
  NOT_TRIED: 'text-ink-3',
};

/** What models are called with. Only admins see which keys there are; everybody sees whether a run would find one. */
export function ProviderKeysSection({ orgId, isAdmin }: { orgId: string; isAdmin: boolean }) {
  const providers = useProviders(orgId);
  const queries = useQueryClient();
  const keys = useQuery({
    queryKey: ['provider-keys', orgId],
    queryFn: async ({ signal }) => (await request(ProviderKeysDocument, { orgId }, signal)).org.providerKeys,
    refetchInterval: 10_000,
    enabled: isAdmin,
  });
  const reread = async () => {
    await Promise.all([keys.refetch(), queries.invalidateQueries({ queryKey: ['providers', orgId] })]);
  };
  return (
    <SettingsSection title={text.keys} lead={text.keysLead}>
      <table className={tableLook} aria-label={text.keysLabel}>
        <thead>
          <tr>
            <Th>{text.keyColumns.provider}</Th>
            <Th>{text.keyColumns.key}</Th>
            <Th className="w-full">{text.keyColumns.health}</Th>
            <Th>
              <span className="sr-only">{text.keyColumns.actions}</span>
            </Th>
          </tr>
        </thead>
        <tbody>
          {providers.map((provider) => (
            <Row
              key={provider.id}
              orgId={orgId}
              isAdmin={isAdmin}
              provider={provider}
              saved={keys.data?.find((key) => key.provider === provider.id)}
              onChanged={reread}
            />
          ))}
        </tbody>
      </table>
    </SettingsSection>
  );
}

interface RowProps {
  orgId: string;
  isAdmin: boolean;
  provider: Provider;
  saved: ProviderKey | undefined;
  onChanged: () => Promise<void>;
}

function Row({ orgId, isAdmin, provider, saved, onChanged }: RowProps) {
  const [setting, setSetting] = useState(false);
  const [removing, setRemoving] = useState(false);
  const [checking, setChecking] = useState(false);
  const now = useNow(30_000);
  const check = async () => {
    setChecking(true);
    try {
      await request(CheckProviderKeyDocument, { input: { orgId, provider: provider.id } });
      await onChanged();
    } catch (cause) {
      tellFailure(text.checkFailed, cause);
    } finally {
      setChecking(false);
    }
  };
  const remove = async () => {
    const input = { commandId: newCommandId(), orgId, provider: provider.id };
    await sendUntilAnswered(() => request(RemoveProviderKeyDocument, { input }));
    tellDone(text.keyRemoved(provider.name));
    await onChanged();
  };
  const set = saved ? ago(saved.setAt, now) : '';
  const when = set === 'now' ? messages.outcome.just : messages.outcome.ago(set);
  return (
    <tr data-provider={provider.id}>
      <td className={`${cell} whitespace-nowrap`}>
        <span className="flex items-center gap-2 font-medium">
          <AgentAvatar provider={provider.id} size={20} />
          {provider.name}
        </span>
      </td>
      <td className={`${cell} whitespace-nowrap`}>
        {saved ? (
          <>
            <span className="font-mono">{text.ending(saved.lastFour)}</span>
            <span className="block text-2xs text-ink-3">{text.keySetBy(saved.setBy.name, when)}</span>
          </>
        ) : (
          <span className="text-ink-3">{provider.keyPresent ? text.ofInstance : text.noKey}</span>
        )}
      </td>
      <td className={cell}>
        {saved ? <p className={looks[saved.state]}>{saved.health}</p> : null}
        <p className="text-2xs text-ink-3">{provider.health}</p>
      </td>
      <td className={cell}>
        {isAdmin ? (
          <span className="flex justify-end gap-2">
            {saved ? (
              <>
                <Button
                  size="sm"
                  look="ghost"
                  disabled={checking}
                  aria-label={text.checkOf(provider.name)}
                  onClick={() => void check()}
                >
                  {text.check}
                </Button>
                <Button
                  size="sm"
                  look="danger"
                  aria-label={text.removeKeyOf(provider.name)}
                  onClick={() => setRemoving(true)}
                >
                  {text.removeKey}
                </Button>
              </>
            ) : null}
            <Button
              size="sm"
              look={saved ? 'outline' : 'primary'}
              aria-label={text.setKeyOf(provider.name)}
              onClick={() => setSetting(true)}
            >
              {saved ? text.replaceKey : text.setKey}
            </Button>
          </span>
        ) : null}
        <ProviderKeyDialog
          open={setting}
          onOpenChange={setSetting}
          orgId={orgId}
          provider={provider}
          onSaved={onChanged}
        />
        <ConfirmDialog
          open={removing}
          onOpenChange={setRemoving}
          title={text.removeKeyTitle(provider.name)}
          lead={text.removeKeyLead}
          action={text.removeKey}
          failed={text.removeKeyFailed}
          onConfirm={remove}
        />
      </td>
    </tr>
  );
}
