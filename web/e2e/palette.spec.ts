import { card, column, expect, expectAccessible, openBoard, test } from './product.ts';

test('the palette finds tickets, places and commands, and does what it names', async ({ page, api, project }) => {
  test.slow();
  const a = await api.ticket(project, 'Rate-limit the token refresh', 'todo');
  await api.ticket(project, 'Something else', 'todo');
  await openBoard(page, project);
  const field = page.getByRole('combobox', { name: 'Type a command, a ticket or a project…' });
  const chosen = page.getByTestId('palette').getByRole('option', { selected: true });

  await card(page, a).focus();
  await page.keyboard.press('Control+k');
  await expect(field).toBeFocused();
  await expect(chosen).toContainText('Run agent');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
  }
  await page.keyboard.press('Escape');
  await expect(card(page, a)).toBeFocused();

  await page.getByRole('button', { name: 'Search or run a command' }).click();
  await field.fill('token rate');
  await expect(chosen).toContainText(a.key);
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('ticket-drawer')).toContainText('Rate-limit the token refresh');
  await page.keyboard.press('Escape');

  await page.keyboard.press('Control+k');
  await field.fill('go to');
  await page.keyboard.press('ArrowUp');
  await expect(chosen).toContainText('Go to History');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(new RegExp(`/p/${project.key}/history`));

  await page.keyboard.press('Control+k');
  await field.fill(`${project.key} board`);
  await page.keyboard.press('Enter');
  await expect(card(page, a)).toBeVisible();

  await page.keyboard.press('Control+k');
  await field.fill('nothing is called this');
  await expect(page.getByTestId('palette').getByText('Nothing found.')).toBeVisible();
  await expectAccessible(page);
});

test('keys go places, make a ticket, and can be turned off', async ({ page, project }) => {
  test.slow();
  await openBoard(page, project);
  await page.keyboard.press('c');
  const box = column(page, 'backlog').getByRole('textbox');
  await expect(box).toBeFocused();
  // Letters in a field are letters.
  await page.keyboard.type('ghost?');
  await expect(box).toHaveValue('ghost?');
  await page.keyboard.press('Enter');
  await expect(column(page, 'backlog').locator('[data-card]:not([data-card=""])')).toContainText('ghost?');
  await page.keyboard.press('Escape');

  await page.keyboard.press('g');
  await expect(page.getByText('G, then…')).toBeVisible();
  await page.keyboard.press('a');
  await expect(page.getByRole('heading', { name: 'No run yet' })).toBeVisible();
  await page.keyboard.press('g');
  await page.keyboard.press('b');
  await expect(column(page, 'backlog')).toBeVisible();

  await page.keyboard.press('?');
  const help = page.getByRole('dialog', { name: 'Keyboard shortcuts' });
  await expect(help).toContainText('Select the whole column');
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await expectAccessible(page);
  }
  await help.getByRole('checkbox').uncheck();
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await expect(help).toBeHidden();
  await page.keyboard.press('Control+k');
  await page.getByRole('combobox').fill('keyboard');
  await page.keyboard.press('Enter');
  await help.getByRole('checkbox').check();
});

test('theme and density are chosen in the account menu and kept', async ({ page, api, project }) => {
  const a = await api.ticket(project, 'A title that is long enough to need two lines on a card of this width', 'todo');
  await openBoard(page, project);
  const tall = (await card(page, a).boundingBox())?.height ?? 0;
  const choose = async (name: string) => {
    await page.getByRole('button', { name: 'Account' }).click();
    await page.getByRole('menuitemradio', { name, exact: true }).click();
  };
  await choose('Dark');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await choose('Compact');
  await page.reload();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await expect.poll(async () => (await card(page, a).boundingBox())?.height).toBe(64);
  expect(tall).toBeGreaterThan(64);
  await choose('As the system');
  await page.emulateMedia({ colorScheme: 'light' });
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'light');
});
