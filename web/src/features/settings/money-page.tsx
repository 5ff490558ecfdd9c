import type { Project } from '~/gql/types';
import { BudgetsSection } from './budgets-section';
import { ProviderKeysSection } from './provider-keys-section';

interface Props {
  orgId: string;
  projects: readonly Project[];
  isAdmin: boolean;
}

/** Settings, Providers & budgets. */
export function MoneyPage({ orgId, projects, isAdmin }: Props) {
  return (
    <>
      <ProviderKeysSection orgId={orgId} isAdmin={isAdmin} />
      <BudgetsSection orgId={orgId} projects={projects} isAdmin={isAdmin} />
    </>
  );
}
