// Keys of model providers and budgets: set by an admin, seen by all, in the sidebar when there is one for the day.
import { type Api, expect, expectAccessible, test } from './product.ts';

/** An organisation of the test's own: a budget of the shared one would stop the others' runs. */
async function ownOrg(api: Api): Promise<string> {
  const input = { commandId: crypto.randomUUID(), name: `Money ${Math.random().toString(36).slice(2, 8)}` };
  const query = 'mutation($input: CreateOrgInput!) { createOrg(input: $input) { org { id } } }';
  return (await api.ask(query, { input })).createOrg.org.id;
}

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test('an admin sets a key and budgets; the key is not shown again', async ({ page, api }) => {
      const orgId = await ownOrg(api);
      await page.addInitScript((org) => localStorage.setItem('lime.org', org), orgId);
      await page.goto('/settings/providers');
      const row = page.locator('[data-provider="codex"]');
      await expect(row).toContainText('no key');
      await expect(page.getByRole('heading', { name: 'No limit is set' })).toBeVisible();
      await expect(page.getByText('Budget today')).toHaveCount(0);
      await expectAccessible(page);

      await row.getByRole('button', { name: 'Set a key for Codex' }).click();
      const dialog = page.getByRole('dialog', { name: 'Set a key for Codex' });
      await dialog.getByRole('button', { name: 'Save the key' }).click();
      await expect(dialog.getByText('Paste the key.')).toBeVisible();
      await dialog.getByLabel('Key').fill('sk-e2e-0123456789-wxyz');
      await expectAccessible(page);
      await dialog.getByRole('button', { name: 'Save the key' }).click();
      await expect(page.getByText('The key for Codex is saved')).toBeVisible();
      await expect(row).toContainText('…wxyz');
      await expect(row).toContainText(/Accepted|Refused|Not known/);
      expect(await page.content()).not.toContain('sk-e2e-0123456789');

      await page.getByRole('button', { name: 'Set a budget' }).click();
      const budget = page.getByRole('dialog', { name: 'Set a budget' });
      await budget.getByLabel('Limit in dollars').fill('a lot');
      await budget.getByRole('button', { name: 'Set the budget' }).click();
      await expect(budget.getByText('An amount such as 20 or 0.50.')).toBeVisible();
      await budget.getByLabel('Limit in dollars').fill('20');
      await budget.getByRole('button', { name: 'Set the budget' }).click();
      const ofOrg = page.locator('[data-budget="The organisation, each day"]');
      await expect(ofOrg).toContainText('$20.00');
      await expect(page.getByRole('link', { name: /Budget today/ })).toContainText('$0.00 / $20.00');
      await page.getByRole('button', { name: 'Set a budget' }).click();
      await budget.getByLabel('What it bounds').selectOption('RUN');
      await budget.getByLabel('Limit in dollars').fill('0.50');
      await budget.getByRole('button', { name: 'Set the budget' }).click();
      await expect(page.locator('[data-budget="Each run by itself"]')).toContainText('$0.50');
      await page.getByLabel('Time zone').selectOption('Europe/Berlin');
      await expect(page.getByText('Days are those of Europe/Berlin now')).toBeVisible();
      await expectAccessible(page);

      await ofOrg.getByRole('button', { name: /^Remove the budget/ }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
      await expect(ofOrg).toHaveCount(0);
      await expect(page.getByText('Budget today')).toHaveCount(0);
      await row.getByRole('button', { name: 'Remove the key for Codex' }).click();
      await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
      await expect(row).toContainText('no key');
    });
  });
}

test('a run that its budget stopped says which one, and what it had come to', async ({ page, api, project }) => {
  test.skip(process.env.LIME_E2E_RUNS !== '1', 'LIME_E2E_RUNS=1 says that a worker with an agent is there');
  const query = 'mutation($input: StartRunInput!) { startRun(input: $input) { run { id } } }';
  const input = {
    commandId: crypto.randomUUID(),
    projectId: project.id,
    mode: 'PLAN',
    provider: 'codex',
    prompt: 'Spend more than there is.',
    constraints: { maxCostUsdMicros: 1 },
  };
  const { startRun } = await api.ask(query, { input });
  await page.goto(`/p/${project.key}/agents/${startRun.run.id}`);
  await expect(page.getByTestId('run-state')).toHaveText('Failed', { timeout: 60_000 });
  const line = page.getByTestId('budget-line');
  await expect(line).toContainText('the budget of this run does not cover another call');
  await expect(line).toContainText('$0.000001');
  for (const theme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme: theme });
    await expectAccessible(page);
  }
});
