import { lazy, Suspense, useState } from 'react';
import type { Project } from '~/gql/types';

const Dialog = lazy(async () => ({
  default: (await import('~/features/projects/create-project-dialog')).CreateProjectDialog,
}));

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  orgId: string;
  onCreated: (project: Project) => Promise<void> | void;
}

/** The dialog that makes a project, fetched when it is first asked for. */
export function CreateProject(props: Props) {
  const [asked, setAsked] = useState(false);
  if (props.open && !asked) setAsked(true);
  return <Suspense fallback={null}>{asked ? <Dialog {...props} /> : null}</Suspense>;
}
