import { useQuery } from '@tanstack/react-query';
import { Check, Copy, RotateCcw } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { messages } from '~/messages';
import { Button, IconButton } from '~/ui/button';
import { explain } from '~/ui/explain';
import { Mark } from '~/ui/mark';

const text = messages.signIn;

export function Frame({ children }: { children: ReactNode }) {
  return (
    <div className="flex min-h-full items-center justify-center bg-rind p-6">
      <div className="w-full max-w-md">
        <div className="mb-6 flex items-center justify-center gap-3 text-rind-text">
          <Mark size={34} />
          <span className="font-display font-semibold text-xl">{messages.product}</span>
        </div>
        <main className="rounded-xl border border-line bg-surface p-6 shadow-pop">{children}</main>
      </div>
    </div>
  );
}

/** The link that lets GitHub say who this is, and leads back to `returnTo`. */
export function GithubLink({ returnTo }: { returnTo: string }) {
  return (
    <a
      href={`/auth/github/start?return_to=${encodeURIComponent(returnTo)}`}
      className="inline-flex h-9 w-full items-center justify-center gap-2 rounded-md bg-lime font-semibold text-on-lime text-sm hover:bg-lime-hover"
    >
      {text.github}
    </a>
  );
}

export function SignInPage({ onRetry }: { onRetry: () => void }) {
  const methods = useQuery({ queryKey: ['sign-in-methods'], queryFn: readMethods, staleTime: 60_000 });
  if (!methods.data && !methods.error) return <Starting />;
  if (!methods.data?.github) return <OwnerLinkPage onRetry={onRetry} />;
  const { pathname, search } = window.location;
  return (
    <Frame>
      <h1 className="font-display font-semibold text-xl">{text.title}</h1>
      <p className="mt-1 mb-5 text-ink-2">{text.githubLead}</p>
      <GithubLink returnTo={`${pathname}${search}`} />
      <details className="mt-5">
        <summary className="cursor-pointer text-ink-2 text-xs">{text.ownerTitle}</summary>
        <OwnerLinkSteps onRetry={onRetry} />
      </details>
    </Frame>
  );
}

async function readMethods(): Promise<{ github: boolean }> {
  const answer = await fetch('/auth/methods', { credentials: 'same-origin' });
  if (!answer.ok) throw new Error(messages.signIn.unreachable);
  return (await answer.json()) as { github: boolean };
}

function OwnerLinkPage({ onRetry }: { onRetry: () => void }) {
  return (
    <Frame>
      <h1 className="font-display font-semibold text-xl">{text.title}</h1>
      <p className="mt-1 text-ink-2">{text.lead}</p>
      <OwnerLinkSteps onRetry={onRetry} />
    </Frame>
  );
}

function OwnerLinkSteps({ onRetry }: { onRetry: () => void }) {
  const [copied, setCopied] = useState(false);
  const copy = () => {
    void navigator.clipboard?.writeText(text.command).then(() => setCopied(true));
  };
  return (
    <>
      <ol className="mt-5 space-y-4">
        <li>
          <p>1. {text.step1}</p>
          <div className="mt-2 flex items-center justify-between rounded-md border border-line bg-sunken py-1 pr-1 pl-3 font-mono text-sm">
            <code>{text.command}</code>
            <IconButton label={copied ? text.copied : text.copy} onClick={copy}>
              {copied ? <Check size={14} aria-hidden="true" /> : <Copy size={14} aria-hidden="true" />}
            </IconButton>
          </div>
          <p className="mt-1.5 text-2xs text-ink-3">{text.home}</p>
        </li>
        <li>
          <p>2. {text.step2}</p>
        </li>
      </ol>
      <Button look="primary" className="mt-6 w-full" onClick={onRetry}>
        {text.retry}
      </Button>
    </>
  );
}

export function Unreachable({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  return (
    <Frame>
      <div role="alert">
        <h1 className="font-display font-semibold text-xl">{text.unreachable}</h1>
        <p className="mt-1 text-ink-2">{text.unreachableLead}</p>
        <p className="mt-3 rounded-md bg-sunken px-3 py-2 text-ink-2 text-xs">{explain(error)}</p>
      </div>
      <Button className="mt-5 w-full" onClick={onRetry}>
        <RotateCcw size={14} aria-hidden="true" />
        {messages.outcome.retry}
      </Button>
    </Frame>
  );
}

export function Starting() {
  return (
    <Frame>
      <p role="status" className="py-6 text-center text-ink-2">
        {messages.connection.banner.connecting}
      </p>
    </Frame>
  );
}
