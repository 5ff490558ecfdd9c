import { useQuery } from '@tanstack/react-query';
import { type FormEvent, type ReactNode, useState } from 'react';
import { messages } from '~/messages';
import { Button } from '~/ui/button';
import { explain } from '~/ui/explain';
import { TextField } from '~/ui/field';
import { dateTime } from '~/ui/format';
import { forgetInvitation, invitationToken, joinAsNew, type OpenInvitation, readInvitation } from './invitation';
import { Frame, GithubLink } from './sign-in';

const text = messages.join;

/** What a link leads to, in every state that it can be in; `children` is the way in when it is open. */
export function InvitationFrame({ children }: { children: (token: string, invitation: OpenInvitation) => ReactNode }) {
  const [token] = useState(invitationToken);
  const invitation = useQuery({
    queryKey: ['invitation', token],
    queryFn: () => readInvitation(token ?? ''),
    enabled: token !== null,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (token === null || invitation.error) {
    return (
      <Frame>
        <div role="alert">
          <h1 className="font-display font-semibold text-xl">{text.cannot}</h1>
          <p className="mt-1 text-ink-2">{token === null ? text.noToken : explain(invitation.error)}</p>
          <p className="mt-1 text-ink-2">{text.askAgain}</p>
        </div>
        <a href="/" className="mt-5 inline-block text-accent underline underline-offset-2">
          {text.toApp}
        </a>
      </Frame>
    );
  }
  if (!invitation.data) {
    return (
      <Frame>
        <p role="status" className="py-6 text-center text-ink-2">
          {text.loading}
        </p>
      </Frame>
    );
  }
  const { orgName, role, expiresAt } = invitation.data;
  return (
    <Frame>
      <h1 className="break-words font-display font-semibold text-xl">{text.title(orgName)}</h1>
      <p className="mt-1 mb-5 text-ink-2">{text.lead(orgName, messages.roles[role])}</p>
      {children(token, invitation.data)}
      <p className="mt-4 text-2xs text-ink-3">{text.expires(dateTime(expiresAt))}</p>
    </Frame>
  );
}

/** The link opened by somebody who is not signed in: through GitHub and back, or by a name alone. */
export function JoinAsStranger() {
  return (
    <InvitationFrame>
      {(token, { needsProvider }) => (needsProvider ? <GithubLink returnTo="/join" /> : <NameForm token={token} />)}
    </InvitationFrame>
  );
}

function NameForm({ token }: { token: string }) {
  const [name, setName] = useState('');
  const [checked, setChecked] = useState(false);
  const [sending, setSending] = useState(false);
  const [failure, setFailure] = useState<string | null>(null);
  const missing = name.trim() === '';
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setChecked(true);
    if (missing) return;
    setSending(true);
    setFailure(null);
    try {
      await joinAsNew(token, name.trim());
      forgetInvitation();
      window.location.assign('/');
    } catch (cause) {
      setFailure(explain(cause));
      setSending(false);
    }
  };
  return (
    <form onSubmit={(event) => void submit(event)} className="space-y-4" noValidate>
      <TextField
        label={text.name}
        placeholder={text.namePlaceholder}
        value={name}
        maxLength={100}
        autoComplete="name"
        onChange={(event) => setName(event.target.value)}
        hint={text.nameHint}
        fault={checked && missing ? text.nameMissing : null}
        autoFocus
      />
      <JoinFailure failure={failure} />
      <Button look="primary" type="submit" className="w-full" disabled={sending}>
        {text.join}
      </Button>
    </form>
  );
}

export function JoinFailure({ failure }: { failure: string | null }) {
  if (!failure) return null;
  return (
    <p role="alert" className="rounded-md bg-bad-soft px-3 py-2 text-bad text-xs">
      {text.failed}. {failure}
    </p>
  );
}
