import { useCallback, useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { StartRunDocument, type StartRunInput } from '~/gql/generated';
import { request } from '~/gql/request';
import type { RunRow } from '~/gql/types';
import { messages } from '~/messages';
import { tellDone, tellFailure } from '~/ui/outcome';
import { sendUntilAnswered } from './command-queue';

/** Asks for a run. Answers it, or null after having said why there is none. */
export function useStartRun() {
  const [starting, setStarting] = useState(false);
  const start = useCallback(async (input: Omit<StartRunInput, 'commandId'>): Promise<RunRow | null> => {
    setStarting(true);
    const commandId = newCommandId();
    try {
      const { startRun } = await sendUntilAnswered(() => request(StartRunDocument, { input: { commandId, ...input } }));
      tellDone(messages.command.started);
      return startRun.run;
    } catch (cause) {
      tellFailure(messages.command.notStarted, cause);
      return null;
    } finally {
      setStarting(false);
    }
  }, []);
  return { start, starting };
}
