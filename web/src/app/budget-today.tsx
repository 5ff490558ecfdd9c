import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { BudgetTodayDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import { messages } from '~/messages';
import { dollars } from '~/ui/format';
import { Meter } from '~/ui/meter';

/** What the organisation has spent of its day's budget. Nothing where there is none. */
export function BudgetToday({ orgId }: { orgId: string }) {
  const { data } = useQuery({
    queryKey: ['budget-today', orgId],
    queryFn: async ({ signal }) => (await request(BudgetTodayDocument, { orgId }, signal)).org.budgetToday,
    refetchInterval: 15_000,
  });
  if (!data) return null;
  const spent = data.spentUsdMicros ?? 0;
  return (
    <Link to="/settings/providers" className="block rounded-md px-2.5 py-2 text-2xs text-rind-mute hover:bg-rind-2">
      <span className="mb-1.5 flex items-baseline justify-between gap-2">
        <span>{messages.nav.budgetToday}</span>
        <span className="font-mono text-rind-text">
          {dollars(spent)} / {dollars(data.limitUsdMicros)}
        </span>
      </span>
      <Meter value={spent} max={data.limitUsdMicros} className="bg-rind-2" />
    </Link>
  );
}
