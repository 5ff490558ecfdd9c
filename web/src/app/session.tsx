// Who is signed in. `me` answers DENIED for nobody: then the sign-in page stands in place of everything. The socket
// lives exactly as long as the session.
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react';
import { MeDocument } from '~/gql/generated';
import { RequestError, request } from '~/gql/request';
import { Connection, socketUrl } from '~/live/connection';
import { ConnectionContext } from '~/live/connection-context';
import { AfterAMoment } from '~/ui/skeleton';
import { JOIN_PATH } from './invitation';
import { JoinAsStranger } from './join';
import { SignInPage, Starting, Unreachable } from './sign-in';
import { projectsOf, rememberedOrg, rememberOrg, ViewerContext } from './viewer-context';

const meKey = ['me'] as const;
const RETRY_MS = 2_000;

export function Session({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const me = useQuery({
    queryKey: meKey,
    queryFn: async ({ signal }) => (await request(MeDocument, {}, signal)).me,
    retry: false,
    staleTime: 30_000,
    // Until there is an answer, ask again: a server that starts is the usual reason.
    refetchInterval: (query) =>
      query.state.error instanceof RequestError && query.state.error.code !== 'DENIED' ? RETRY_MS : false,
  });
  const denied = me.error instanceof RequestError && me.error.code === 'DENIED';
  const userId = denied ? undefined : me.data?.user.id;
  const connection = useSocket(userId, () => void queries.invalidateQueries({ queryKey: meKey }));

  const signOut = useCallback(async () => {
    await fetch('/auth/logout', { method: 'POST', credentials: 'same-origin', headers: { 'x-lime-csrf': '1' } });
    queries.clear();
    window.location.assign('/');
  }, [queries]);
  const { refetch } = me;
  const reload = useCallback(async () => {
    const { data } = await refetch();
    return data ? projectsOf(data) : [];
  }, [refetch]);
  const viewer = me.data;
  const [orgId, setOrgId] = useState(rememberedOrg);
  const chooseOrg = useCallback((id: string) => {
    rememberOrg(id);
    setOrgId(id);
  }, []);
  const value = useMemo(() => {
    if (!viewer) return null;
    const membership = viewer.orgs.find(({ org }) => org.id === orgId) ?? viewer.orgs[0];
    return { viewer, projects: projectsOf(viewer), membership, chooseOrg, reload, signOut };
  }, [viewer, orgId, chooseOrg, reload, signOut]);

  if (denied) {
    return window.location.pathname === JOIN_PATH ? (
      <JoinAsStranger />
    ) : (
      <SignInPage onRetry={() => void me.refetch()} />
    );
  }
  if (!value || !connection) {
    if (me.error) return <Unreachable error={me.error} onRetry={() => void me.refetch()} />;
    return (
      <AfterAMoment>
        <Starting />
      </AfterAMoment>
    );
  }
  return (
    <ViewerContext value={value}>
      <ConnectionContext value={connection}>{children}</ConnectionContext>
    </ViewerContext>
  );
}

function useSocket(userId: string | undefined, onEnded: () => void): Connection | null {
  const [connection, setConnection] = useState<Connection | null>(null);
  // The effect must not reopen the socket because its caller rendered.
  const [ended] = useState<{ call: () => void }>({ call: onEnded });
  ended.call = onEnded;
  useEffect(() => {
    if (!userId) return;
    const opened = new Connection(socketUrl(window.location));
    setConnection(opened);
    const unwatch = opened.subscribe(() => {
      if (opened.state().phase === 'ended') ended.call();
    });
    return () => {
      unwatch();
      setConnection(null);
      opened.dispose();
    };
  }, [userId, ended]);
  return connection;
}
