import { Link, Navigate, Outlet } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { MembersPage } from '~/features/settings/members-page';
import { MoneyPage } from '~/features/settings/money-page';
import { SessionsPage } from '~/features/settings/sessions-page';
import { TokensPage } from '~/features/settings/tokens-page';
import { messages } from '~/messages';
import { PanelBoundary } from '~/ui/error-panel';
import { ScrollRegion } from '~/ui/scroll-region';
import { Shell } from '../shell';
import { useViewer } from '../viewer-context';

const text = messages.settings;
const row = 'flex h-8 items-center rounded-md px-2.5 text-ink-2 text-sm hover:bg-hover hover:text-ink';
const active = 'bg-hover font-medium !text-ink';

/** `/settings`: the list of what can be set on the left, the chosen part beside it. */
export function SettingsLayout() {
  const { membership } = useViewer();
  return (
    <Shell>
      <div className="flex h-full max-[700px]:flex-col">
        <nav
          aria-label={text.label}
          className="shrink-0 border-line p-4 min-[701px]:w-52 min-[701px]:border-r max-[700px]:border-b"
        >
          {membership ? (
            <Group title={text.ofOrg(membership.org.name)}>
              <Link to="/settings/members" className={row} activeProps={{ className: active }}>
                {text.members.title}
              </Link>
              <Link to="/settings/providers" className={row} activeProps={{ className: active }}>
                {text.money.title}
              </Link>
            </Group>
          ) : null}
          <Group title={text.ofYou}>
            <Link to="/settings/tokens" className={row} activeProps={{ className: active }}>
              {text.tokens.title}
            </Link>
            <Link to="/settings/sessions" className={row} activeProps={{ className: active }}>
              {text.sessions.title}
            </Link>
          </Group>
        </nav>
        <ScrollRegion label={text.title} className="min-w-0 flex-1 overflow-y-auto p-6">
          <div className="mx-auto max-w-3xl">
            <PanelBoundary>
              <Outlet />
            </PanelBoundary>
          </div>
        </ScrollRegion>
      </div>
    </Shell>
  );
}

function Group({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="mb-4">
      <h2 className="truncate px-2.5 pb-1 text-2xs text-ink-3">{title}</h2>
      <div className="space-y-0.5">{children}</div>
    </div>
  );
}

export function SettingsIndex() {
  const { membership } = useViewer();
  return <Navigate to={membership ? '/settings/members' : '/settings/sessions'} replace />;
}

export function MembersRoute() {
  const { viewer, membership, reload } = useViewer();
  if (!membership) return <Navigate to="/settings/sessions" replace />;
  const { org, role } = membership;
  return (
    <MembersPage
      key={org.id}
      org={org}
      projects={org.projects}
      viewerId={viewer.user.id}
      isAdmin={role === 'ADMIN'}
      onChanged={async () => void (await reload())}
    />
  );
}

export function MoneyRoute() {
  const { membership } = useViewer();
  if (!membership) return <Navigate to="/settings/sessions" replace />;
  const { org, role } = membership;
  return <MoneyPage key={org.id} orgId={org.id} projects={org.projects} isAdmin={role === 'ADMIN'} />;
}

export const TokensRoute = () => <TokensPage />;
export const SessionsRoute = () => <SessionsPage />;
