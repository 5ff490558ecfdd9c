import { useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { Destination } from '~/features/palette/key-sequence';
import type { BoardSearch } from './router';

/** Goes to a page of a project. `hash` is what the page should begin with. */
export function useGo() {
  const navigate = useNavigate();
  return useCallback(
    (project: string, to: Destination, hash = '') => {
      const params = { project };
      if (to === 'command') void navigate({ to: '/p/$project', params, hash });
      else if (to === 'board') {
        // A wish for the page that is open (a new ticket) leaves its filter as it is.
        const search = (before: BoardSearch) => (hash ? { ...before, ticket: undefined } : {});
        void navigate({ to: '/p/$project/board', params, hash, search });
      } else if (to === 'agents') void navigate({ to: '/p/$project/agents', params });
      else void navigate({ to: '/p/$project/history', params });
    },
    [navigate],
  );
}
