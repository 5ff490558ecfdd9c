import { column, expect, test } from './product.ts';

test('a project is created with its board', async ({ page, project }) => {
  await page.goto(`/p/${project.key}/board`);
  await page.getByRole('button', { name: 'New project' }).click();
  const dialog = page.getByRole('dialog', { name: 'New project' });
  await dialog.getByRole('button', { name: 'Create project' }).click();
  await expect(dialog.getByText('Give it a name.')).toBeVisible();

  const key = `N${Date.now().toString(36).toUpperCase().slice(-6)}`;
  await dialog.getByLabel('Name').fill('Citrus press');
  await expect(dialog.getByLabel('Key')).toHaveValue('CP');
  await dialog.getByLabel('Key').fill(key.toLowerCase());
  await dialog.getByRole('button', { name: 'Create project' }).click();

  await expect(page).toHaveURL(new RegExp(`/p/${key}/board$`));
  for (const name of ['backlog', 'todo', 'in_progress', 'code_review', 'qa', 'done']) {
    await expect(column(page, name)).toBeAttached();
  }
  await expect(page.getByRole('heading', { name: 'An empty board' })).toBeVisible();
  await expect(page.getByRole('link', { name: 'Citrus press' }).and(page.locator('[aria-current]'))).toBeVisible();
});

test('a key that is taken is refused in words, and nothing is lost', async ({ page, project }) => {
  await page.goto(`/p/${project.key}/board`);
  await page.getByRole('button', { name: 'New project' }).click();
  const dialog = page.getByRole('dialog', { name: 'New project' });
  await dialog.getByLabel('Name').fill('The same again');
  await dialog.getByLabel('Key').fill(project.key);
  await dialog.getByRole('button', { name: 'Create project' }).click();
  await expect(dialog.getByRole('alert')).toContainText('The project was not created');
  await expect(dialog.getByLabel('Name')).toHaveValue('The same again');
});

test('a first ticket is added in its column, one after the other', async ({ page, project }) => {
  await page.goto(`/p/${project.key}/board`);
  await column(page, 'todo').getByRole('button', { name: 'Add a ticket to Todo' }).click();
  const box = column(page, 'todo').getByRole('textbox');
  await box.fill('First');
  await box.press('Enter');
  await box.fill('Second');
  await box.press('Enter');
  const cards = column(page, 'todo').locator('[data-card]:not([data-card=""])');
  await expect(cards).toHaveCount(2);
  await expect(cards.nth(0)).toContainText('First');
  await expect(cards.nth(1)).toContainText('Second');
  await expect(page.getByRole('heading', { name: 'An empty board' })).toBeHidden();
  await box.press('Escape');
  await expect(box).toBeHidden();
});
