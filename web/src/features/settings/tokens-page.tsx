import { useQuery } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { RevokeTokenDocument, TokensDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Token } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { useNow } from '~/live/use-now';
import { messages } from '~/messages';
import { Blankslate } from '~/ui/blankslate';
import { Button } from '~/ui/button';
import { ConfirmDialog } from '~/ui/confirm-dialog';
import { ago, dateTime } from '~/ui/format';
import { tellDone } from '~/ui/outcome';
import { CreateTokenDialog } from './create-token-dialog';
import { cell, Loaded, SettingsSection, Th, tableLook } from './settings-section';

const text = messages.settings.tokens;

export function TokensPage() {
  const [creating, setCreating] = useState(false);
  const tokens = useQuery({
    queryKey: ['tokens'],
    queryFn: async ({ signal }) => (await request(TokensDocument, {}, signal)).me.tokens,
    refetchInterval: 10_000,
  });
  const reread = async () => void (await tokens.refetch());
  return (
    <SettingsSection
      title={text.title}
      lead={text.lead}
      action={
        <Button look="primary" onClick={() => setCreating(true)}>
          <Plus size={15} aria-hidden="true" />
          {text.create}
        </Button>
      }
    >
      <Loaded query={tokens}>
        {(list) =>
          list.length === 0 ? (
            <Blankslate compact title={text.empty} lead={text.emptyLead} />
          ) : (
            <table className={tableLook} aria-label={text.label}>
              <thead>
                <tr>
                  <Th className="w-full">{text.columns.name}</Th>
                  <Th>{text.columns.may}</Th>
                  <Th>{text.columns.used}</Th>
                  <Th className="max-[800px]:hidden">{text.columns.expires}</Th>
                  <Th>
                    <span className="sr-only">{text.columns.actions}</span>
                  </Th>
                </tr>
              </thead>
              <tbody>
                {list.map((token) => (
                  <Row key={token.id} token={token} onRevoked={reread} />
                ))}
              </tbody>
            </table>
          )
        }
      </Loaded>
      <CreateTokenDialog open={creating} onOpenChange={setCreating} onCreated={() => void reread()} />
    </SettingsSection>
  );
}

function mayDo(token: Token): string {
  const role = token.role ? messages.roles[token.role] : text.anyRole;
  const scopes = token.scopes.map((scope) => text.scopeNames[scope]).join(', ');
  return scopes ? `${role} · ${scopes}` : role;
}

function Row({ token, onRevoked }: { token: Token; onRevoked: () => Promise<void> }) {
  const [revoking, setRevoking] = useState(false);
  const now = useNow(30_000);
  const used = token.lastUsedAt ? ago(token.lastUsedAt, now) : messages.settings.never;
  const revoke = async () => {
    const input = { commandId: newCommandId(), tokenId: token.id };
    await sendUntilAnswered(() => request(RevokeTokenDocument, { input }));
    tellDone(text.revoked(token.name));
    await onRevoked();
  };
  return (
    <tr data-token={token.name} className="hover:bg-hover">
      <td className={`${cell} max-w-0 truncate font-medium`}>{token.name}</td>
      <td className={`${cell} text-ink-2`}>{mayDo(token)}</td>
      <td className={`${cell} whitespace-nowrap text-2xs text-ink-3`}>{used}</td>
      <td className={`${cell} whitespace-nowrap text-2xs text-ink-3 max-[800px]:hidden`}>
        {token.expired ? (
          <span className="text-warn">{text.expired}</span>
        ) : token.expiresAt ? (
          dateTime(token.expiresAt)
        ) : (
          messages.settings.never
        )}
      </td>
      <td className={cell}>
        <Button size="sm" look="danger" aria-label={text.revokeOf(token.name)} onClick={() => setRevoking(true)}>
          {text.revoke}
        </Button>
        <ConfirmDialog
          open={revoking}
          onOpenChange={setRevoking}
          title={text.revokeTitle(token.name)}
          lead={text.revokeLead}
          action={text.revoke}
          failed={text.revokeFailed}
          onConfirm={revoke}
        />
      </td>
    </tr>
  );
}
