import { card, expect, expectAccessible, keysIn, openBoard, test } from './product.ts';

test('filters narrow the board, stand in the address, and come back with it', async ({ page, api, project }) => {
  test.slow();
  const a = await api.createTicket(project, { title: 'Socket closes early', kind: 'BUG', labels: ['api'] });
  const b = await api.createTicket(project, { title: 'Draw the socket page', kind: 'STORY', labels: ['ui'] });
  const c = await api.createTicket(project, { title: 'Write it down', labels: ['docs', 'api'] });
  await openBoard(page, project);

  await page.keyboard.press('f');
  await page.getByRole('menuitemcheckbox', { name: 'api' }).click();
  await expect(page.getByTestId('filter-count')).toHaveText('2 of 3 tickets');
  await page.getByRole('menuitemcheckbox', { name: 'Bug' }).click();
  await page.keyboard.press('Escape');
  await expect.poll(() => keysIn(page, 'todo')).toEqual([a.key]);
  await expect(page).toHaveURL(/label=api/);
  await expect(page).toHaveURL(/kind=bug/);

  await page.reload();
  await expect.poll(() => keysIn(page, 'todo')).toEqual([a.key]);
  await card(page, a).click();
  await expect(page.getByTestId('ticket-drawer')).toContainText('Socket closes early');
  await page.keyboard.press('Escape');
  await expect(page).toHaveURL(/label=api/);

  await page.getByRole('button', { name: 'Remove the filter Bug' }).click();
  await expect.poll(() => keysIn(page, 'todo')).toEqual([a.key, c.key]);
  await page.getByRole('button', { name: 'Clear all' }).click();
  await expect.poll(() => keysIn(page, 'todo')).toEqual([a.key, b.key, c.key]);

  await page.keyboard.press('/');
  await page.keyboard.type('socket');
  await expect.poll(() => keysIn(page, 'todo')).toEqual([a.key, b.key]);
  await expect(page).toHaveURL(/q=socket/);
  await page.keyboard.type(' moon');
  await expect(page.getByRole('heading', { name: 'No ticket matches' })).toBeVisible();
  await expectAccessible(page);
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await expect.poll(() => keysIn(page, 'todo')).toEqual([a.key, b.key, c.key]);
});

test('a filtered board follows what others change, and a drop between shown cards skips the hidden ones', async ({
  page,
  api,
  project,
}) => {
  const a = await api.createTicket(project, { title: 'One', labels: ['api'] });
  const hidden = await api.createTicket(project, { title: 'Hidden' });
  const c = await api.createTicket(project, { title: 'Three', labels: ['api'] });
  const d = await api.createTicket(project, { title: 'Moves', labels: ['api'], columnKey: 'backlog' });
  await page.goto(`/p/${project.key}/board?label=api&assignee=nobody`);
  await expect.poll(() => keysIn(page, 'todo')).toEqual([a.key, c.key]);
  await card(page, d).focus();
  for (const key of ['Space', 'ArrowRight', 'ArrowDown', 'Space']) await page.keyboard.press(key);
  await expect.poll(async () => (await api.order(project)).todo).toEqual([a.key, d.key, hidden.key, c.key]);
  expect(await keysIn(page, 'todo')).toEqual([a.key, d.key, c.key]);

  const query = 'mutation($input: EditTicketInput!) { editTicket(input: $input) { version } }';
  await api.ask(query, { input: { commandId: crypto.randomUUID(), ticketId: a.id, labels: ['ui'] } });
  await expect.poll(() => keysIn(page, 'todo')).toEqual([d.key, c.key]);
  await expect(page.getByTestId('filter-count')).toHaveText('2 of 4 tickets');
});
