import { expect, test } from './product.ts';

test('the audit log says who did what, with the hash that chains it', async ({ page, api, project }) => {
  const { name } = await api.me();
  const a = await api.ticket(project, 'Watched');
  await api.move(a, 'qa');
  await page.goto(`/p/${project.key}/history`);
  const row = page.getByRole('row').filter({ hasText: a.key }).filter({ hasText: 'moved this from Backlog to QA' });
  await expect(row).toContainText(name);
  await row.getByRole('button', { name: /^Entry/ }).click();
  await expect(page.getByText(/^TicketMoved [0-9a-f-]{36}$/)).toBeVisible();
  await expect(page.getByText(/^[0-9a-f]{64}$/)).toBeVisible();
  await row.getByRole('link', { name: a.key }).click();
  await expect(page.getByTestId('ticket-drawer')).toContainText('Watched');
});
