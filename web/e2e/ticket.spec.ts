import { card, column, expect, keysIn, openBoard, test } from './product.ts';

test('a ticket is edited in its drawer, and the other browser sees each change', async ({
  page,
  other,
  api,
  project,
}) => {
  const a = await api.ticket(project, 'Rough idea');
  const otherPage = await other.newPage();
  await openBoard(page, project);
  await openBoard(otherPage, project);
  await card(page, a).click();
  await card(otherPage, a).click();
  const drawer = page.getByTestId('ticket-drawer');
  const mirror = otherPage.getByTestId('ticket-drawer');
  await expect(page).toHaveURL(new RegExp(`ticket=${a.key}`));

  await drawer.getByRole('button', { name: 'Rough idea' }).click();
  await drawer.getByRole('textbox', { name: 'Title' }).fill('Clear idea');
  await drawer.getByRole('textbox', { name: 'Title' }).press('Enter');
  await expect(mirror.getByRole('heading', { name: 'Clear idea' })).toBeVisible();
  await expect(card(page, a)).toContainText('Clear idea');

  await drawer.getByRole('button', { name: 'Edit: Description' }).click();
  await drawer.getByRole('textbox', { name: 'Description' }).fill('## Goal\n\n- [ ] Resume **without a hole**');
  await drawer.getByRole('button', { name: 'Save' }).click();
  await expect(mirror.locator('strong', { hasText: 'without a hole' })).toBeVisible();

  await drawer.getByRole('button', { name: /^Priority:/ }).click();
  await page.getByRole('menuitemradio', { name: 'High' }).click();
  await expect(mirror.getByRole('button', { name: /^Priority:/ })).toContainText('High');

  await drawer.getByRole('button', { name: 'Add a label' }).click();
  await drawer.getByRole('textbox', { name: 'Add a label' }).fill('api');
  await drawer.getByRole('textbox', { name: 'Add a label' }).press('Enter');
  await expect(mirror.getByRole('button', { name: 'Remove the label api' })).toBeVisible();

  const { name } = await api.me();
  await drawer.getByRole('button', { name: /^Assignee:/ }).click();
  await page.getByRole('menuitemradio', { name }).click();
  await expect(mirror.getByRole('button', { name: /^Assignee:/ })).toContainText(name);

  await drawer.getByRole('button', { name: /^Kind:/ }).click();
  await page.getByRole('menuitemradio', { name: 'Story' }).click();
  await expect(mirror.getByRole('button', { name: /^Kind:/ })).toContainText('Story');

  await drawer.getByRole('button', { name: /^Status:/ }).click();
  await page.getByRole('menuitemradio', { name: 'Todo' }).click();
  await expect.poll(() => keysIn(otherPage, 'todo')).toEqual([a.key]);

  await drawer.getByRole('textbox', { name: 'Write a comment…' }).fill('Looks *good*.');
  await drawer.getByRole('button', { name: 'Send' }).click();
  await expect(drawer.locator('em', { hasText: 'good' })).toBeVisible();
  await expect(mirror.locator('em', { hasText: 'good' })).toBeVisible();
  await expect(drawer.getByRole('textbox', { name: 'Write a comment…' })).toHaveValue('');
  await expect(mirror).toContainText('moved this from Backlog to Todo');

  await page.keyboard.press('Escape');
  await expect(drawer).toBeHidden();
  await expect(card(page, a)).toContainText('1 comment');
});

test('an edit against another edit of the same field is stale, and says so', async ({ page, api, project }) => {
  const { name } = await api.me();
  const a = await api.ticket(project, 'Named by two');
  await openBoard(page, project);
  await card(page, a).click();
  const drawer = page.getByTestId('ticket-drawer');
  await drawer.getByRole('button', { name: 'Named by two' }).click();
  const query = 'mutation($input: EditTicketInput!) { editTicket(input: $input) { version } }';
  await api.ask(query, { input: { commandId: crypto.randomUUID(), ticketId: a.id, title: 'Theirs' } });
  await expect(card(page, a)).toContainText('Theirs');
  await drawer.getByRole('textbox', { name: 'Title' }).fill('Mine');
  await drawer.getByRole('textbox', { name: 'Title' }).press('Enter');
  await expect(page.locator('[data-sonner-toast]')).toContainText(`${name} changed ${a.key}`);
  await expect(drawer.getByRole('heading', { name: 'Theirs' })).toBeVisible();
});

test('an archived ticket leaves the board, stays readable by its link, and comes back', async ({
  page,
  api,
  project,
}) => {
  const a = await api.ticket(project, 'For later', 'todo');
  await openBoard(page, project);
  await card(page, a).click();
  const drawer = page.getByTestId('ticket-drawer');
  await drawer.getByRole('button', { name: 'Archive' }).click();
  await expect(drawer.getByText('Archived. It is off the board')).toBeVisible();
  await expect(column(page, 'todo').locator('[data-card]')).toHaveCount(0);

  await page.goto(`/p/${project.key}/board?ticket=${a.key}`);
  await drawer.getByRole('button', { name: 'Restore' }).click();
  await expect(drawer.getByText('Archived. It is off the board')).toBeHidden();
  await expect.poll(() => keysIn(page, 'todo')).toEqual([a.key]);
});

test('a ticket that does not exist says so, and the board lives', async ({ page, project }) => {
  await page.goto(`/p/${project.key}/board?ticket=${project.key}-99999`);
  await expect(page.getByRole('alert')).toContainText(`${project.key}-99999`);
  await expect(column(page, 'backlog')).toBeVisible();
});

test('markdown of others runs nothing and loads nothing', async ({ page, api, project }) => {
  const asked: string[] = [];
  page.on('request', (request) => {
    if (!request.url().startsWith(test.info().project.use.baseURL ?? '')) asked.push(request.url());
  });
  const input = {
    commandId: crypto.randomUUID(),
    projectId: project.id,
    title: '<img src=x onerror=alert(1)> "><script>alert(2)</script>',
    descriptionMd: [
      '![x](https://evil.example/pixel.png)',
      '<script>alert(3)</script><img src="https://evil.example/b.png" onerror="alert(4)">',
      '[click](javascript:alert(5)) <svg onload=alert(6)><iframe src="https://evil.example"></iframe>',
    ].join('\n\n'),
  };
  const query = 'mutation($input: CreateTicketInput!) { createTicket(input: $input) { ticket { id key } } }';
  const { createTicket } = await api.ask(query, { input });
  let spoke = false;
  page.on('dialog', (dialog) => {
    spoke = true;
    void dialog.dismiss();
  });
  await page.goto(`/p/${project.key}/board?ticket=${createTicket.ticket.key}`);
  await expect(page.getByTestId('ticket-drawer').getByRole('link', { name: 'x', exact: true })).toBeVisible();
  expect(spoke).toBe(false);
  expect(asked).toEqual([]);
});
