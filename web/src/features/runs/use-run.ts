import { type QueryKey, useQuery, useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef } from 'react';
import { AgentRunBriefDocument, AgentRunDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { RunBrief, RunDetail, RunEvent, RunRow } from '~/gql/types';

/** Changes that come close together are read together: a reading that each of them cut short would never end. */
const GATHER_MS = 250;

const changesOf = (row: RunRow | undefined): string =>
  row ? `${row.version} ${row.state} ${row.costUsdMicros} ${row.stationsReached}` : '';

/** Reads once, and again whenever `changes` is another text. */
function useReading<T>(queryKey: QueryKey, read: (signal: AbortSignal) => Promise<T>, changes: string) {
  const queries = useQueryClient();
  const query = useQuery({ queryKey, queryFn: ({ signal }) => read(signal) });
  // The key is made anew in every render; what it says is the same.
  const key = useRef(queryKey);
  const reload = useCallback(() => queries.invalidateQueries({ queryKey: key.current }), [queries]);

  const seen = useRef<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => {
    // The first look is the query's own.
    const isNew = seen.current !== null && seen.current !== changes;
    seen.current = changes;
    if (!isNew || timer.current !== undefined) return;
    timer.current = setTimeout(() => {
      timer.current = undefined;
      void reload();
    }, GATHER_MS);
  }, [changes, reload]);
  useEffect(
    () => () => {
      clearTimeout(timer.current);
      timer.current = undefined;
    },
    [],
  );

  return { data: query.data, error: query.error, retry: () => void query.refetch(), reload };
}

/** One run with all that a list leaves out: read again when the list says that it changed, or its events that it made something. */
export function useRun(runId: string, row: RunRow | undefined, events: readonly RunEvent[]) {
  const products = events.filter((event) => event.type === 'DIFF' || event.type === 'ARTIFACT').length;
  const { data, ...rest } = useReading(
    ['run', runId],
    async (signal) => (await request(AgentRunDocument, { id: runId }, signal)).agentRun,
    `${changesOf(row)} ${products}`,
  );
  const run: RunDetail | undefined = data && row && row.version >= data.version ? { ...data, ...row } : data;
  return { run, ...rest };
}

/** The same without its events and without the text of its diff, for where many runs stand below each other. */
export function useRunBrief(row: RunRow) {
  const { data, ...rest } = useReading(
    ['run brief', row.id],
    async (signal) => (await request(AgentRunBriefDocument, { id: row.id }, signal)).agentRun,
    changesOf(row),
  );
  const run: RunBrief | undefined = data && (row.version >= data.version ? { ...data, ...row } : data);
  return { run, ...rest };
}
