import { card, column, expect, expectAccessible, keysIn, openBoard, test } from './product.ts';

const listed = (page: import('@playwright/test').Page) =>
  page
    .getByTestId('list')
    .locator('[data-card]')
    .evaluateAll((rows) =>
      rows
        .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
        .map((row) => row.getAttribute('data-card')),
    );

test('the list shows the same tickets, sorts them, and takes the same keys', async ({ page, api, project }) => {
  test.slow();
  const a = await api.createTicket(project, { title: 'Beta' });
  const b = await api.createTicket(project, { title: 'Alpha', priority: 'URGENT', labels: ['api'] });
  const c = await api.createTicket(project, { title: 'Gamma', columnKey: 'done' });
  await openBoard(page, project);
  await page.getByRole('button', { name: 'List' }).click();
  await expect(page).toHaveURL(/view=list/);
  await expect.poll(() => listed(page)).toEqual([a.key, b.key, c.key]);
  await page.getByRole('button', { name: 'Title' }).click();
  await expect.poll(() => listed(page)).toEqual([b.key, a.key, c.key]);
  await expect(page.getByRole('columnheader', { name: 'Title' })).toHaveAttribute('aria-sort', 'ascending');
  await page.reload();
  await expect.poll(() => listed(page)).toEqual([b.key, a.key, c.key]);

  await card(page, b).focus();
  await page.keyboard.press('Shift+ArrowDown');
  await expect(card(page, a)).toBeFocused();
  await expect(page.getByTestId('bulk-bar')).toContainText('2 selected');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
  }
  await page.keyboard.press('m');
  await page.getByRole('menuitem', { name: 'QA' }).click();
  await expect.poll(async () => (await api.order(project)).qa).toEqual([a.key, b.key]);
  await page.keyboard.press('Escape');
  await page.keyboard.press('Control+z');
  await expect.poll(async () => (await api.order(project)).todo).toEqual([a.key, b.key]);
  await card(page, c).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('ticket-drawer')).toContainText('Gamma');
  await page.keyboard.press('Escape');
  await expect(card(page, c)).toBeFocused();
  await page.setViewportSize({ width: 390, height: 844 });
  await expectAccessible(page);
});

test('lanes by person, epic and priority; a card dropped in another lane becomes of it', async ({
  page,
  api,
  project,
}) => {
  test.slow();
  const epic = await api.createTicket(project, { title: 'Ship it', kind: 'EPIC' });
  const story = await api.createTicket(project, { title: 'First part', kind: 'STORY', parentId: epic.id });
  const task = await api.createTicket(project, { title: 'A piece of it', parentId: story.id, priority: 'LOW' });
  const alone = await api.createTicket(project, { title: 'On its own', priority: 'HIGH', columnKey: 'backlog' });
  const keysOf = (cell: string) =>
    page
      .locator(`[data-cell="${cell}"] [data-card]`)
      .evaluateAll((cards) => cards.map((element) => element.getAttribute('data-card')));
  await page.goto(`/p/${project.key}/board?lanes=epic`);
  await expect
    .poll(async () => (await keysOf(`${epic.id}/todo`)).sort())
    .toEqual([epic.key, story.key, task.key].sort());
  await expect.poll(() => keysOf('rest/backlog')).toEqual([alone.key]);
  await expectAccessible(page);

  await page.getByRole('button', { name: 'By epic' }).click();
  await page.getByRole('menuitemradio', { name: 'By priority' }).click();
  await expect(page).toHaveURL(/lanes=priority/);
  await expect.poll(() => keysOf('HIGH/backlog')).toEqual([alone.key]);
  await card(page, alone).focus();
  for (const key of ['Space', 'ArrowRight', 'Space']) await page.keyboard.press(key);
  await expect.poll(() => keysOf('HIGH/todo')).toEqual([alone.key]);
  await page.keyboard.press('ArrowDown');
  await expect(card(page, task)).toBeFocused();

  await card(page, task).dragTo(page.locator('[data-cell="HIGH/in_progress"]'));
  await expect.poll(() => keysOf('HIGH/in_progress')).toEqual([task.key]);
  await expect(card(page, task).getByRole('img', { name: 'High' })).toBeVisible();
  await expect.poll(async () => (await api.order(project)).in_progress).toEqual([task.key]);
  await page.keyboard.press('Control+z');
  await expect.poll(() => keysOf('LOW/todo')).toEqual([task.key]);
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
  }
});

test('a column is folded away, stays so, and still takes a card', async ({ page, api, project }) => {
  const a = await api.createTicket(project, { title: 'Goes into the fold' });
  await openBoard(page, project);
  await column(page, 'in_progress').getByRole('button', { name: 'Actions for the column In Progress' }).click();
  await page.getByRole('menuitem', { name: 'Fold away' }).click();
  await page.reload();
  await expect(column(page, 'in_progress').getByRole('button', { name: 'Unfold In Progress' })).toBeVisible();
  await expectAccessible(page);
  await card(page, a).dragTo(column(page, 'in_progress'));
  await expect.poll(async () => (await api.order(project)).in_progress).toEqual([a.key]);
  await column(page, 'in_progress').getByRole('button', { name: 'Unfold In Progress' }).click();
  await expect.poll(() => keysIn(page, 'in_progress')).toEqual([a.key]);
});
