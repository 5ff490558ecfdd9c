import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef } from 'react';
import { AgentRunDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { RunDetail, RunEvent, RunRow } from '~/gql/types';

/** One run with all that a list leaves out. Read again when the list says that it changed, or its events that it made something. */
export function useRun(runId: string, row: RunRow | undefined, events: readonly RunEvent[]) {
  const queries = useQueryClient();
  const query = useQuery({
    queryKey: ['run', runId],
    queryFn: async ({ signal }) => (await request(AgentRunDocument, { id: runId }, signal)).agentRun,
  });
  const reload = useCallback(() => queries.invalidateQueries({ queryKey: ['run', runId] }), [queries, runId]);

  const products = events.filter((event) => event.type === 'DIFF' || event.type === 'ARTIFACT').length;
  const seen = useRef<string | null>(null);
  const now = `${row?.version ?? 0} ${row?.state ?? ''} ${row?.costUsdMicros ?? 0} ${row?.stationsReached ?? 0} ${products}`;
  useEffect(() => {
    // The first look is the query's own.
    if (seen.current !== null && seen.current !== now) void reload();
    seen.current = now;
  }, [now, reload]);

  const run: RunDetail | undefined =
    query.data && row && row.version >= query.data.version ? { ...query.data, ...row } : query.data;
  return { run, error: query.error, retry: () => void query.refetch(), reload };
}
