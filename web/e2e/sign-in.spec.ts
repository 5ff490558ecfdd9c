import { expect, expectAccessible, test } from './product.ts';

test.describe('for nobody', () => {
  test.use({ storageState: { cookies: [], origins: [] } });

  test('the sign-in page says how to get a link', async ({ page }) => {
    await page.goto('/');
    await expect(page.getByRole('heading', { name: 'Sign in to your line' })).toBeVisible();
    await expect(page.getByText('lime owner-link', { exact: true })).toBeVisible();
    await expect(page.getByText('Continue with GitHub')).toHaveCount(0);
    await expectAccessible(page);
    await page.emulateMedia({ colorScheme: 'dark' });
    await expectAccessible(page);
  });

  test('where GitHub is set up, the sign-in page leads there and back', async ({ page }) => {
    // The gateway's own part of it is tested with a stand-in; here is what the page makes of it.
    await page.route('**/auth/methods', (route) => route.fulfill({ json: { github: true } }));
    await page.goto('/p/AL/board?ticket=AL-12');
    const link = page.getByRole('link', { name: 'Continue with GitHub' });
    await expect(link).toHaveAttribute(
      'href',
      `/auth/github/start?return_to=${encodeURIComponent('/p/AL/board?ticket=AL-12')}`,
    );
    await expectAccessible(page);
    await page.getByText('Sign in as the owner').click();
    await expect(page.getByText('lime owner-link', { exact: true })).toBeVisible();
    await page.emulateMedia({ colorScheme: 'dark' });
    await expectAccessible(page);
  });

  test('a deep link asks to sign in too, and shows nothing', async ({ page }) => {
    await page.goto('/p/AL/board');
    await expect(page.getByRole('heading', { name: 'Sign in to your line' })).toBeVisible();
    await expect(page.locator('[data-card]')).toHaveCount(0);
  });

  test('a link that was used signs nobody in', async ({ page }) => {
    await page.goto(process.env.LIME_OWNER_LINK ?? '');
    await page.goto('/');
    await expect(page.getByRole('heading', { name: 'Sign in to your line' })).toBeVisible();
  });
});

test('signing out ends the session', async ({ browser, baseURL, project }) => {
  // A session of its own would need a link of its own. This one checks what the page asks for, without doing it.
  const context = await browser.newContext({ baseURL, storageState: 'test-results/owner.json' });
  const page = await context.newPage();
  let asked: string | null = null;
  await page.route('**/auth/logout', async (route) => {
    asked = `${route.request().method()} ${route.request().headers()['x-lime-csrf']}`;
    await route.fulfill({ status: 204 });
  });
  await page.goto(`/p/${project.key}/board`);
  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect.poll(() => asked).toBe('POST 1');
  await context.close();
});
