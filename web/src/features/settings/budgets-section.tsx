import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Plus } from 'lucide-react';
import { useState } from 'react';
import { newCommandId } from '~/gql/command-id';
import { MoneyDocument, SetBudgetDocument, SetTimeZoneDocument } from '~/gql/generated';
import { request } from '~/gql/request';
import type { Budget, Project } from '~/gql/types';
import { sendUntilAnswered } from '~/live/command-queue';
import { messages } from '~/messages';
import { Blankslate } from '~/ui/blankslate';
import { Button } from '~/ui/button';
import { ConfirmDialog } from '~/ui/confirm-dialog';
import { dollars } from '~/ui/format';
import { Meter } from '~/ui/meter';
import { tellDone, tellFailure } from '~/ui/outcome';
import { SelectField } from '~/ui/select';
import { BudgetDialog } from './budget-dialog';
import { budgetName } from './money';
import { cell, Loaded, SettingsSection, Th, tableLook } from './settings-section';

const text = messages.settings.money;

interface Props {
  orgId: string;
  projects: readonly Project[];
  isAdmin: boolean;
}

export function BudgetsSection({ orgId, projects, isAdmin }: Props) {
  const [setting, setSetting] = useState<Budget | 'new' | null>(null);
  const queries = useQueryClient();
  const money = useQuery({
    queryKey: ['money', orgId],
    queryFn: async ({ signal }) => (await request(MoneyDocument, { orgId }, signal)).org,
    refetchInterval: 5_000,
  });
  const reread = async () => {
    await Promise.all([money.refetch(), queries.invalidateQueries({ queryKey: ['budget-today', orgId] })]);
  };
  return (
    <>
      <SettingsSection
        title={text.budgets}
        lead={text.budgetsLead}
        action={
          isAdmin ? (
            <Button look="primary" onClick={() => setSetting('new')}>
              <Plus size={15} aria-hidden="true" />
              {text.addBudget}
            </Button>
          ) : null
        }
      >
        <Loaded query={money}>
          {({ budgets }) =>
            budgets.length === 0 ? (
              <Blankslate compact title={text.noBudgets} lead={text.noBudgetsLead} />
            ) : (
              <table className={tableLook} aria-label={text.budgetsLabel}>
                <thead>
                  <tr>
                    <Th>{text.budgetColumns.what}</Th>
                    <Th className="w-full">{text.budgetColumns.spent}</Th>
                    <Th>{text.budgetColumns.limit}</Th>
                    <Th>
                      <span className="sr-only">{text.budgetColumns.actions}</span>
                    </Th>
                  </tr>
                </thead>
                <tbody>
                  {budgets.map((budget) => (
                    <Row
                      key={`${budget.scope} ${budget.projectId ?? budget.ticketId ?? ''}`}
                      orgId={orgId}
                      budget={budget}
                      name={budgetName(budget, projects)}
                      isAdmin={isAdmin}
                      onChange={() => setSetting(budget)}
                      onRemoved={reread}
                    />
                  ))}
                </tbody>
              </table>
            )
          }
        </Loaded>
        <BudgetDialog
          open={setting !== null}
          onOpenChange={(open) => setSetting(open ? (setting ?? 'new') : null)}
          orgId={orgId}
          projects={projects}
          known={setting === 'new' ? null : setting}
          onSaved={reread}
        />
      </SettingsSection>
      <SettingsSection title={text.days} lead={text.daysLead}>
        <Loaded query={money}>
          {({ timeZone }) => <TimeZone orgId={orgId} timeZone={timeZone} isAdmin={isAdmin} onChanged={reread} />}
        </Loaded>
      </SettingsSection>
    </>
  );
}

interface RowProps {
  orgId: string;
  budget: Budget;
  name: string;
  isAdmin: boolean;
  onChange: () => void;
  onRemoved: () => Promise<void>;
}

function Row({ orgId, budget, name, isAdmin, onChange, onRemoved }: RowProps) {
  const [removing, setRemoving] = useState(false);
  const { scope, projectId, ticketId } = budget;
  const remove = async () => {
    const input = { commandId: newCommandId(), orgId, scope, projectId, ticketId, limitUsdMicros: null };
    await sendUntilAnswered(() => request(SetBudgetDocument, { input }));
    tellDone(text.budgetRemoved);
    await onRemoved();
  };
  return (
    <tr data-budget={name}>
      <td className={`${cell} max-w-64 truncate font-medium`}>{name}</td>
      <td className={cell}>
        <Spent budget={budget} />
      </td>
      <td className={`${cell} whitespace-nowrap text-right font-mono`}>{dollars(budget.limitUsdMicros)}</td>
      <td className={cell}>
        {isAdmin ? (
          <span className="flex justify-end gap-2">
            <Button size="sm" look="ghost" aria-label={text.changeBudgetOf(name)} onClick={onChange}>
              {text.changeBudget}
            </Button>
            <Button size="sm" look="danger" aria-label={text.removeBudgetOf(name)} onClick={() => setRemoving(true)}>
              {text.removeBudget}
            </Button>
          </span>
        ) : null}
        <ConfirmDialog
          open={removing}
          onOpenChange={setRemoving}
          title={text.removeBudgetTitle}
          lead={text.removeBudgetLead}
          action={text.removeBudget}
          failed={text.removeBudgetFailed}
          onConfirm={remove}
        />
      </td>
    </tr>
  );
}

const stateLooks = { OK: '', WARNING: 'text-warn', USED_UP: 'text-bad' } as const;

function Spent({ budget }: { budget: Budget }) {
  if (budget.spentUsdMicros === null) return <span className="text-ink-3">{text.perRun}</span>;
  return (
    <>
      <p className="flex flex-wrap items-baseline gap-x-2">
        <span className="font-mono">{dollars(budget.spentUsdMicros)}</span>
        <span className={`text-2xs ${stateLooks[budget.state]}`}>{text.budgetStates[budget.state]}</span>
        {budget.reservedUsdMicros ? (
          <span className="text-2xs text-ink-3">{text.reserved(dollars(budget.reservedUsdMicros))}</span>
        ) : null}
      </p>
      <Meter value={budget.spentUsdMicros} max={budget.limitUsdMicros} className="mt-1 bg-line" />
    </>
  );
}

interface TimeZoneProps {
  orgId: string;
  timeZone: string;
  isAdmin: boolean;
  onChanged: () => Promise<void>;
}

function TimeZone({ orgId, timeZone, isAdmin, onChanged }: TimeZoneProps) {
  const [sending, setSending] = useState(false);
  if (!isAdmin) return <p>{timeZone}</p>;
  const change = async (zone: string) => {
    setSending(true);
    const input = { commandId: newCommandId(), orgId, timeZone: zone };
    try {
      await sendUntilAnswered(() => request(SetTimeZoneDocument, { input }));
      tellDone(text.zoneSaved(zone));
      await onChanged();
    } catch (cause) {
      tellFailure(text.zoneFailed, cause);
    } finally {
      setSending(false);
    }
  };
  const zones = new Set(['UTC', timeZone, ...Intl.supportedValuesOf('timeZone')]);
  return (
    <SelectField
      label={text.timeZone}
      className="max-w-xs"
      value={timeZone}
      disabled={sending}
      onChange={(event) => void change(event.target.value)}
    >
      {[...zones].map((zone) => (
        <option key={zone} value={zone}>
          {zone}
        </option>
      ))}
    </SelectField>
  );
}
