import { card, expect, expectAccessible, openBoard, test } from './product.ts';

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test('board: at rest, a card in hand, its menu, the drawer, a dialog, offline', async ({
      page,
      context,
      api,
      project,
    }) => {
      test.slow();
      const a = await api.ticket(project, 'Looked at', 'todo');
      const input = {
        commandId: crypto.randomUUID(),
        projectId: project.id,
        title: 'With everything',
        columnKey: 'todo',
        kind: 'BUG',
        priority: 'URGENT',
        labels: ['api', 'bug', 'docs', 'more'],
        descriptionMd: '## Goal\n\n- [x] one\n- [ ] two\n\n`code` [link](https://example.org)',
      };
      await api.ask('mutation($input: CreateTicketInput!) { createTicket(input: $input) { version } }', { input });
      await api.comment(a, 'A **word**.');
      await openBoard(page, project);
      await expectAccessible(page);

      await card(page, a).focus();
      await page.keyboard.press('Space');
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.keyboard.press('m');
      await expect(page.getByRole('menu')).toBeVisible();
      await expectAccessible(page);
      await page.keyboard.press('Escape');

      await card(page, a).click();
      await expect(page.getByTestId('ticket-drawer').locator('strong', { hasText: 'word' })).toBeVisible();
      await expectAccessible(page);
      await page.keyboard.press('Escape');

      await page.getByRole('button', { name: 'New project' }).click();
      await expect(page.getByRole('dialog')).toBeVisible();
      await page.getByRole('button', { name: 'Create project' }).click();
      await expectAccessible(page);
      await page.keyboard.press('Escape');

      await context.setOffline(true);
      await expect(page.getByTestId('connection-banner')).toBeVisible();
      await expectAccessible(page);
      await context.setOffline(false);
    });

    test('command center, agents, history, and an address that leads nowhere', async ({ page, api, project }) => {
      await api.ticket(project, 'Something happened');
      await page.goto(`/p/${project.key}`);
      await expect(page.getByRole('heading', { name: 'What are we building today?' })).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Work on a ticket' }).click();
      await page.getByRole('combobox', { name: 'Choose a ticket' }).click();
      await expect(page.getByRole('option').first()).toBeVisible();
      await expectAccessible(page);

      await page.goto(`/p/${project.key}/agents`);
      await expect(page.getByRole('heading', { name: 'No run yet' })).toBeVisible();
      await expectAccessible(page);

      await page.goto(`/p/${project.key}/history`);
      await page
        .getByRole('button', { name: /^Entry/ })
        .first()
        .click();
      await expectAccessible(page);

      await page.goto('/nowhere');
      await expect(page.getByText('There is no page at this address.')).toBeVisible();
      await expectAccessible(page);
    });

    test('a narrow window', async ({ page, api, project }) => {
      const a = await api.ticket(project, 'On a phone');
      await page.setViewportSize({ width: 390, height: 844 });
      await page.goto(`/p/${project.key}`);
      await page.getByRole('button', { name: 'Open the menu' }).click();
      await expect(page.getByRole('navigation', { name: 'Main' })).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('link', { name: 'Board', exact: true }).click();
      await expect(page.getByTestId('board')).toBeVisible();
      await expectAccessible(page);

      await card(page, a).focus();
      await page.keyboard.press('x');
      const bar = page.getByTestId('bulk-bar');
      await expect(bar.getByRole('button', { name: 'Clear the selection' })).toBeInViewport({ ratio: 1 });
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Search or run a command' }).click();
      await expect(page.getByTestId('palette')).toBeInViewport({ ratio: 1 });
      await expectAccessible(page);
    });
  });
}
