import { lazy, Suspense } from 'react';

// Few people ever make a second organisation: its dialog is fetched when it is asked for.
const CreateOrgDialog = lazy(async () => ({
  default: (await import('~/features/orgs/create-org-dialog')).CreateOrgDialog,
}));

interface Props {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onCreated: (orgId: string) => Promise<void> | void;
}

export function CreateOrg(props: Props) {
  if (!props.open) return null;
  return (
    <Suspense fallback={null}>
      <CreateOrgDialog {...props} />
    </Suspense>
  );
}
