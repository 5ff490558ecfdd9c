// People come by link, get roles, and go; the ways in are listed and taken away. Two browsers, two persons.
import type { Browser, BrowserContext, Page } from '@playwright/test';
import { type Api, card, expect, expectAccessible, openBoard, test, watch } from './product.ts';

const nobody = { cookies: [], origins: [] };

async function stranger(browser: Browser, baseURL: string | undefined): Promise<BrowserContext> {
  return browser.newContext({ baseURL: baseURL ?? '', storageState: nobody, viewport: { width: 1440, height: 900 } });
}

/** The link that an admin makes in the settings. */
async function invite(page: Page, role: string): Promise<string> {
  await page.goto('/settings/members');
  await page.getByRole('button', { name: 'Invite' }).click();
  const dialog = page.getByRole('dialog', { name: 'Invite somebody' });
  await dialog.getByLabel('Role').selectOption(role);
  await dialog.getByRole('button', { name: 'Make a link' }).click();
  const link = await dialog.getByLabel('Invitation link').inputValue();
  await dialog.getByRole('button', { name: 'Done' }).click();
  return link;
}

async function join(page: Page, link: string, name: string): Promise<void> {
  await page.goto(link);
  await expect(page.getByRole('heading', { name: /^Join / })).toBeVisible();
  expect(page.url(), 'the token is not left in the address').not.toContain('#');
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join' }).click();
  await expect(page.getByTestId('connection')).toBeVisible();
}

const row = (page: Page, name: string) => page.locator(`[data-member="${name}"]`);
const named = (what: string) => `${what} ${Math.random().toString(36).slice(2, 8)}`;

/** Other tests write into the same log, so the entry may be some pages down. */
async function inHistory(page: Page, text: string): Promise<void> {
  const entry = page.getByText(text).first();
  const older = page.getByRole('button', { name: 'Load older entries' });
  await expect(async () => {
    if (!(await entry.isVisible())) await older.click({ timeout: 1_000 });
    await expect(entry).toBeVisible({ timeout: 1_000 });
  }).toPass();
}

test('somebody joins by a link, sees the board, gets another role, is removed, and the board ends', async ({
  page,
  browser,
  baseURL,
  api,
  project,
}) => {
  test.slow();
  const before = await api.ticket(project, 'Here before');
  const link = await invite(page, 'DEV');
  const name = named('Dana');
  const context = await stranger(browser, baseURL);
  const faults = watch(context);
  const theirs = await context.newPage();
  await join(theirs, link, name);
  await openBoard(theirs, project);
  await expect(card(theirs, before)).toBeVisible();
  const live = await api.ticket(project, 'Comes while they look');
  await expect(card(theirs, live)).toBeVisible();

  // The link is used up.
  const late = await context.newPage();
  await late.goto(link);
  await expect(late.getByText('You are signed in as').or(late.getByRole('alert'))).toBeVisible();
  await expect(late.getByRole('alert')).toContainText('This invitation was used already.');
  await late.close();

  await page.goto('/settings/members');
  await row(page, name).getByRole('combobox').selectOption('QA');
  await expect(page.getByText(`${name} is QA now`)).toBeVisible();
  await theirs.goto('/settings/members');
  await expect(row(theirs, name).getByText('QA')).toBeVisible();
  await expect(theirs.getByRole('button', { name: 'Invite' })).toHaveCount(0);

  await openBoard(theirs, project);
  await expect(card(theirs, live)).toBeVisible();
  await row(page, name).getByRole('button', { name: 'Remove' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
  await expect(row(page, name)).toHaveCount(0);
  await expect(theirs.getByText('There is no such project, or you are not in it.')).toBeVisible();
  await expect(theirs.locator('[data-card]')).toHaveCount(0);
  await api.ticket(project, 'After they left');
  await expect(theirs.getByText('After they left')).toHaveCount(0);

  // What happened is in the history, by name.
  await page.goto(`/p/${project.key}/history`);
  await inHistory(page, 'signed in by an invitation');
  await inHistory(page, 'invited somebody as Dev');
  await context.close();
  expect(faults, 'what went wrong in the other person’s page').toEqual([]);
});

test('an invitation is taken back, and its link says so', async ({ page, browser, baseURL }) => {
  const link = await invite(page, 'PM');
  const open = page.locator('[data-invitation]').first();
  await expect(open).toContainText('as PM');
  await open.getByRole('button', { name: 'Take back' }).click();
  await expect(page.getByText('The invitation is taken back')).toBeVisible();
  const context = await stranger(browser, baseURL);
  const theirs = await context.newPage();
  await theirs.goto(link);
  await expect(theirs.getByRole('alert')).toContainText('This invitation was taken back.');
  await expectAccessible(theirs);
  await context.close();
});

test('the last admin stays, and is told why', async ({ page, api }) => {
  const own = await ownOrg(page, api);
  const me = await api.me();
  await row(page, me.name).getByRole('combobox').selectOption('DEV');
  await expect(page.getByText('This is the last admin: make somebody else an admin first.')).toBeVisible();
  await expect(row(page, me.name).getByRole('combobox')).toHaveValue('ADMIN');
  await row(page, me.name).getByRole('button', { name: 'Leave' }).click();
  const dialog = page.getByRole('dialog', { name: `Leave ${own}?` });
  await dialog.getByRole('button', { name: 'Leave' }).click();
  await expect(dialog.getByRole('alert')).toContainText('This is the last admin');
});

/** An organisation of the test's own, looked at in the settings. */
async function ownOrg(page: Page, api: Api): Promise<string> {
  await page.goto('/settings/members');
  const name = named('Citrus');
  await page.getByRole('button', { name: /^Organisation: / }).click();
  await page.getByRole('menuitem', { name: 'New organisation' }).click();
  const dialog = page.getByRole('dialog', { name: 'New organisation' });
  await dialog.getByLabel('Name').fill(name);
  await dialog.getByRole('button', { name: 'Create organisation' }).click();
  await expect(page.getByRole('button', { name: `Organisation: ${name}` })).toBeVisible();
  await expect(page.getByRole('heading', { name: 'Start with a project' })).toBeVisible();
  await page.getByRole('link', { name: 'Settings' }).click();
  const { name: viewer } = await api.me();
  await expect(row(page, viewer)).toBeVisible();
  return name;
}

test('organisations are switched, each with its own projects', async ({ page, api, project }) => {
  await openBoard(page, project);
  const first = await page.getByRole('button', { name: /^Organisation: / }).textContent();
  const own = await ownOrg(page, api);
  await expect(page.getByRole('link', { name: `Project ${project.key}` })).toHaveCount(0);
  await page.getByRole('button', { name: `Organisation: ${own}` }).click();
  await page.getByRole('menuitemradio', { name: first ?? '' }).click();
  await expect(page.getByRole('button', { name: `Organisation: ${first}` })).toBeVisible();
  await expect(page.getByRole('link', { name: `Project ${project.key}` })).toBeVisible();
});

test('a token is shown once, works, and is revoked', async ({ page, request }) => {
  await page.goto('/settings/tokens');
  await page.getByRole('button', { name: 'New token' }).click();
  const dialog = page.getByRole('dialog', { name: 'New token' });
  await dialog.getByRole('button', { name: 'Make the token' }).click();
  await expect(dialog.getByText('Give it a name.')).toBeVisible();
  const name = named('Export');
  await dialog.getByLabel('What it is for').fill(name);
  await dialog.getByLabel('May be used for').selectOption('READ');
  await dialog.getByLabel('Expires in').selectOption('30');
  await dialog.getByRole('button', { name: 'Make the token' }).click();
  const secret = await dialog.getByLabel('The token').inputValue();
  expect(secret).toMatch(/^lime_pat_/);
  await dialog.getByRole('button', { name: 'Done' }).click();

  const ask = async () => {
    const headers = { authorization: `Bearer ${secret}`, 'content-type': 'application/json' };
    const answer = await request.post('/graphql', { headers, data: { query: '{ me { user { id } } }' } });
    return answer.status();
  };
  expect(await ask()).toBe(200);
  await page.reload();
  const listed = page.locator(`[data-token="${name}"]`);
  await expect(listed).toContainText('Reading');
  await expect(listed).toContainText(/now|\d+ s/);
  await expect(page.getByText(secret)).toHaveCount(0);
  await listed.getByRole('button', { name: `Revoke ${name}` }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await expect(listed).toHaveCount(0);
  expect(await ask()).toBe(401);
});

for (const colorScheme of ['light', 'dark'] as const) {
  test.describe(colorScheme, () => {
    test.use({ colorScheme });

    test('settings and the invitation’s page are accessible', async ({ page, browser, baseURL, project }) => {
      test.slow();
      const link = await invite(page, 'QA');
      await expect(page.getByRole('table', { name: 'Members' })).toBeVisible();
      await expect(page.locator('[data-invitation]').first()).toBeVisible();
      await expectAccessible(page);
      await page.getByRole('button', { name: 'Invite' }).click();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page
        .getByRole('button', { name: /^Roles of .* in projects$/ })
        .first()
        .click();
      await expect(page.getByLabel(`${project.key} · `)).toBeVisible();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.getByRole('link', { name: 'API tokens' }).click();
      await page.getByRole('button', { name: 'New token' }).click();
      await expectAccessible(page);
      await page.keyboard.press('Escape');
      await page.getByRole('link', { name: 'Sessions' }).click();
      await expect(page.getByText('this browser')).toBeVisible();
      await expectAccessible(page);

      const context = await browser.newContext({ baseURL: baseURL ?? '', storageState: nobody, colorScheme });
      const theirs = await context.newPage();
      await theirs.goto(link);
      await expect(theirs.getByRole('heading', { name: /^Join / })).toBeVisible();
      await expectAccessible(theirs);
      await theirs.getByRole('button', { name: 'Join' }).click();
      await expect(theirs.getByText('Say what people call you.')).toBeVisible();
      await expectAccessible(theirs);
      await context.close();
    });
  });
}
