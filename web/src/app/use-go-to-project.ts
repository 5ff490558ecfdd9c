import { useNavigate } from '@tanstack/react-router';
import { useCallback } from 'react';
import type { Project } from '~/gql/types';
import { useViewer } from './viewer-context';

/** To the board of a project that was just made: the list of projects first, because the address is found in it. */
export function useGoToProject(): (project: Project) => Promise<void> {
  const { reload } = useViewer();
  const navigate = useNavigate();
  return useCallback(
    async ({ id }: Project) => {
      const made = (await reload()).find(({ project }) => project.id === id);
      if (made) await navigate({ to: '/p/$project/board', params: { project: made.slug } });
    },
    [reload, navigate],
  );
}
