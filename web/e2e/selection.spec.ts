import { card, column, expect, expectAccessible, keysIn, openBoard, type TestTicket, test } from './product.ts';

test('cards are selected by keyboard and mouse, moved together, and put back exactly by undo', async ({
  page,
  other,
  api,
  project,
}) => {
  test.slow();
  const tickets: TestTicket[] = [];
  for (const title of ['One', 'Two', 'Three', 'Four']) tickets.push(await api.ticket(project, title, 'todo'));
  const [a, b, c, d] = tickets as [TestTicket, TestTicket, TestTicket, TestTicket];
  const before = await api.order(project);
  const otherPage = await other.newPage();
  await openBoard(page, project);
  await openBoard(otherPage, project);
  const bar = page.getByTestId('bulk-bar');

  await card(page, a).focus();
  await page.keyboard.press('x');
  await expect(bar).toContainText('1 selected');
  await page.keyboard.press('Shift+ArrowDown');
  await page.keyboard.press('Shift+ArrowDown');
  await expect(bar).toContainText('3 selected');
  await page.keyboard.press('Shift+ArrowUp');
  await expect(bar).toContainText('2 selected');
  await card(page, d).click({ modifiers: ['Control'] });
  await expect(bar).toContainText('3 selected');
  await expectAccessible(page);

  await bar.getByRole('button', { name: 'Move to…' }).click();
  await page.getByRole('menuitem', { name: 'QA' }).click();
  await expect.poll(async () => (await api.order(project)).qa).toEqual([a.key, b.key, d.key]);
  await expect.poll(() => keysIn(otherPage, 'qa')).toEqual([a.key, b.key, d.key]);
  const toast = page.locator('[data-sonner-toast]');
  await expect(toast).toContainText('3 tickets moved to QA');

  await page.keyboard.press('Escape');
  await expect(bar).toBeHidden();
  await page.keyboard.press('Control+z');
  await expect(toast).toContainText('Undone: 3 tickets moved to QA');
  expect(await api.order(project)).toEqual(before);
  await expect.poll(() => keysIn(otherPage, 'todo')).toEqual([a.key, b.key, c.key, d.key]);
  await page.keyboard.press('Control+Shift+z');
  await expect.poll(async () => (await api.order(project)).qa).toEqual([a.key, b.key, d.key]);
});

test('a whole column is assigned, prioritised and archived, and comes back', async ({ page, api, project }) => {
  test.slow();
  const { name } = await api.me();
  const a = await api.ticket(project, 'One', 'todo');
  const b = await api.ticket(project, 'Two', 'todo');
  const c = await api.ticket(project, 'Stays', 'backlog');
  await openBoard(page, project);
  await column(page, 'todo').getByRole('button', { name: 'Actions for the column Todo' }).click();
  await page.getByRole('menuitem', { name: 'Select all 2' }).click();
  const bar = page.getByTestId('bulk-bar');
  await expect(bar).toContainText('2 selected');

  await card(page, a).focus();
  await page.keyboard.press('a');
  await page.getByRole('menuitem', { name }).click();
  await expect(card(page, b).getByRole('img', { name: `Assigned to ${name}` })).toBeVisible();
  await card(page, a).focus();
  await page.keyboard.press('p');
  await page.getByRole('menuitem', { name: 'High' }).click();
  await expect(card(page, a).getByRole('img', { name: 'High' })).toBeVisible();
  await bar.getByRole('button', { name: 'Archive' }).click();
  await expect.poll(async () => (await api.order(project)).todo).toEqual([]);
  await expect(bar).toBeHidden();
  await expect(page.locator('[data-sonner-toast]')).toContainText('2 tickets archived');
  await page.locator('[data-sonner-toast]').getByRole('button', { name: 'Undo' }).click();
  await expect.poll(async () => (await api.order(project)).todo).toEqual([a.key, b.key]);
  await expect.poll(() => keysIn(page, 'todo')).toEqual([a.key, b.key]);
  await expect(card(page, b).getByRole('img', { name: 'High' })).toBeVisible();

  await card(page, c).focus();
  await page.keyboard.press('Control+z');
  await expect(card(page, b).getByRole('img', { name: 'No priority' })).toBeVisible();
  await page.keyboard.press('Control+z');
  await expect(card(page, b).getByRole('img', { name: 'Nobody assigned' })).toBeVisible();
});

test('an undo that would overwrite a later change is refused and says whose', async ({ page, api, project }) => {
  const { name } = await api.me();
  const a = await api.ticket(project, 'Wanted elsewhere', 'todo');
  await openBoard(page, project);
  await card(page, a).focus();
  await page.keyboard.press('m');
  await page.getByRole('menuitem', { name: 'QA' }).click();
  await expect.poll(async () => (await api.order(project)).qa).toEqual([a.key]);
  await api.move(a, 'done');
  await expect.poll(() => keysIn(page, 'done')).toEqual([a.key]);
  await page.keyboard.press('Control+z');
  const warning = page.locator('[data-sonner-toast][data-type=warning]');
  await expect(warning).toContainText(`Not undone: ${a.key} moved to QA`);
  await expect(warning).toContainText(`${name} changed ${a.key}`);
  expect((await api.order(project)).done).toEqual([a.key]);
});

test('of a bulk edit each refused ticket is named, and the rest is done', async ({ page, api, project }) => {
  test.slow();
  const { name } = await api.me();
  const tickets: TestTicket[] = [];
  for (const title of ['One', 'Two', 'Three']) tickets.push(await api.ticket(project, title, 'todo'));
  const [a, b, c] = tickets as [TestTicket, TestTicket, TestTicket];
  await openBoard(page, project);
  for (const ticket of tickets) await card(page, ticket).click({ modifiers: ['Control'] });
  // The stream stands still, so that the page does not know yet what others have done.
  await page.evaluate(() => {
    const { fetch } = window;
    const held: (() => void)[] = [];
    Object.assign(window, { release: () => held.splice(0).map((go) => go()) });
    window.fetch = async (...input) => {
      await new Promise<void>((resolve) => held.push(resolve));
      return fetch(...input);
    };
  });
  await page.getByTestId('bulk-bar').getByRole('button', { name: 'Move to…' }).click();
  await page.getByRole('menuitem', { name: 'QA' }).click();
  await api.move(a, 'done');
  await api.move(c, 'done');
  const release = () => page.evaluate(() => (window as unknown as { release: () => void }).release());
  const dialog = page.getByRole('dialog', { name: 'Not done: 3 tickets moved to QA' });
  await expect(async () => {
    await release();
    await expect(dialog).toBeVisible({ timeout: 100 });
  }).toPass();
  for (const ticket of [a, c]) await expect(dialog).toContainText(`${name} changed ${ticket.key}`);
  await expect(dialog).toContainText('2 tickets were not changed');
  await expectAccessible(page);
  await dialog.getByText('Close').last().click();
  await expect.poll(() => keysIn(page, 'qa')).toEqual([b.key]);
  expect(await api.order(project)).toMatchObject({ qa: [b.key], done: [a.key, c.key] });
});
