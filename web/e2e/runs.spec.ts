import { card, expect, expectAccessible, openBoard, test } from './product.ts';

test.describe('with a worker and an agent', () => {
  test.skip(process.env.LIME_E2E_RUNS !== '1', 'LIME_E2E_RUNS=1 says that a worker with an agent is there');

  test('a prompt becomes a plan, and the plan tickets on the board', async ({ page, project }) => {
    test.slow();
    await page.goto(`/p/${project.key}`);
    await page
      .getByRole('textbox', { name: 'What should the agent do?' })
      .fill('Let guests comment on a shared board without an account.');
    await page.getByRole('button', { name: 'Start the run' }).click();
    await page.getByRole('link', { name: 'Open the run' }).click();

    await expect(page.getByTestId('run-state')).toHaveText('Succeeded', { timeout: 90_000 });
    await expect(page.getByTestId('timeline').locator('[data-seq]').first()).toBeVisible();
    const plan = page.getByTestId('plan');
    const items = await plan.getByRole('checkbox').count();
    expect(items).toBeGreaterThan(3);
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      await expectAccessible(page);
    }
    await plan.getByRole('button', { name: `Add ${items} tickets to the board` }).click();
    await expect(plan.getByText('All of it is on the board.')).toBeVisible();
    await plan.getByRole('link', { name: 'Open the board' }).click();
    await expect(page.locator('[data-card]:not([data-card=""])').first()).toBeVisible();
  });

  test('every screen says that a script answers', async ({ page, project }) => {
    for (const path of ['', '/board', '/agents', '/history']) {
      await page.goto(`/p/${project.key}${path}`);
      await expect(page.getByTestId('scripted')).toHaveText('Scripted model');
    }
    await page.goto('/');
    await expect(page.getByTestId('scripted')).toBeVisible();
  });

  test('a run is stopped by a person, and says so', async ({ page, project }) => {
    await page.goto(`/p/${project.key}`);
    await page.getByRole('textbox', { name: 'What should the agent do?' }).fill('[slow] Something long.');
    await page.getByRole('button', { name: 'Start the run' }).click();
    await page.getByRole('link', { name: 'Open the run' }).click();
    await page.getByRole('button', { name: 'Stop' }).click();
    await expect(page.getByTestId('run-state')).toHaveText('Stopped', { timeout: 30_000 });
    await expect(page.getByRole('button', { name: 'Stop' })).toBeHidden();
  });

  test('a ticket is handed to an agent, which leaves a diff', async ({ page, api, project }) => {
    test.skip(!process.env.LIME_E2E_REPOSITORY, 'LIME_E2E_REPOSITORY is the address of a repository to work on');
    test.slow();
    const a = await api.ticket(project, 'Add a greeting');
    await page.goto(`/p/${project.key}`);
    await page.getByRole('button', { name: /^Repository:/ }).click();
    await page.getByRole('menuitem', { name: 'Connect a repository' }).click();
    await page.getByLabel('Clone address').fill(process.env.LIME_E2E_REPOSITORY ?? '');
    await page.getByRole('button', { name: 'Connect', exact: true }).click();
    await expect(page.getByRole('dialog')).toBeHidden();

    await openBoard(page, project);
    await card(page, a).click();
    await page.getByRole('button', { name: 'Implement' }).click();
    await page.getByRole('button', { name: 'Start the run' }).click();
    await expect(page.getByTestId('run-state')).toHaveText('Succeeded', { timeout: 120_000 });
    const changes = page.getByRole('region', { name: 'Changes', exact: true });
    await expect(changes.getByRole('region').first()).toBeVisible();
    await expect(changes.locator('diffs-container').first()).toBeVisible();
    for (const theme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme: theme });
      await expectAccessible(page);
    }
  });
});

test('without a run the page says what to do', async ({ page, project }) => {
  await page.goto(`/p/${project.key}/agents`);
  await expect(page.getByRole('heading', { name: 'No run yet' })).toBeVisible();
  await page.getByRole('link', { name: 'Go to the Command Center' }).click();
  await expect(page.getByRole('textbox', { name: 'What should the agent do?' })).toBeFocused();
});

test('a repository address that is none is refused before it is sent', async ({ page, project }) => {
  await page.goto(`/p/${project.key}`);
  await page.getByRole('button', { name: /^Repository:/ }).click();
  await page.getByRole('menuitem', { name: 'Connect a repository' }).click();
  await page.getByLabel('Clone address').fill('file:///etc/passwd');
  await page.getByRole('button', { name: 'Connect', exact: true }).click();
  await expect(page.getByText('Give an address that starts with https:// or http://.')).toBeVisible();
});
