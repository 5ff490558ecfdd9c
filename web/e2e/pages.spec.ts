// Every page of the product with what a normal team writes: no breach of the content policy, nothing wider than the
// window. With LIME_E2E_PICTURES=1 each is also scanned for accessibility and leaves pictures in test-results/pictures.
import type { Page } from '@playwright/test';
import { ended, startRun } from './hostile-place.ts';
import { expect, expectAccessible } from './product.ts';
import { expectInert, here, nobody, setTraps, test } from './traps.ts';

/** Both themes, wide and on a phone, and nothing leaves the page sideways; with LIME_E2E_PICTURES=1 there are pictures. */
async function lookAt(page: Page, name: string): Promise<void> {
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
      expect(wide, `${name} at ${width}`).toBeLessThanOrEqual(0);
      if (process.env.LIME_E2E_PICTURES === '1') {
        const path = `test-results/pictures/${name}-${width}-${colorScheme}.png`;
        await page.screenshot({ path, animations: 'disabled' });
      }
    }
    if (process.env.LIME_E2E_PICTURES === '1') await expectAccessible(page);
  }
  await page.setViewportSize({ width: 1440, height: 900 });
  await expectInert(page);
}

test('every page keeps the content policy, in both themes and on a phone', async ({
  page,
  api,
  project,
  browser,
  baseURL,
}) => {
  test.slow();
  const epic = await api.createTicket(project, { title: 'Ship large orders for free', kind: 'EPIC', priority: 'HIGH' });
  const ticket = await api.createTicket(project, {
    title: 'Return zero from the threshold on, whatever the zone is and however heavy the parcel',
    descriptionMd:
      '## Goal\n\nOrders of 50.00 and more pay nothing.\n\n- [x] one constant\n- [ ] both sides tested\n\n```py\nFREE_FROM_CENTS = 5_000\n```\n\n| zone | cents |\n|---|---|\n| home | 100 |',
    labels: ['api', 'bug', 'docs', 'a label that is rather long'],
    priority: 'URGENT',
    parentId: epic.id,
    columnKey: 'in_progress',
  });
  await api.comment(ticket, 'Looks right. See [the table](https://example.org/zones), and `rates.py`.');
  const run = await startRun(api, {
    projectId: project.id,
    mode: 'PLAN',
    prompt: 'Large orders should ship for free.',
  });
  const at = `/p/${project.key}`;
  const ready = page.getByTestId('connection');
  const visit = async (name: string, path: string, there: () => Promise<unknown>) => {
    await page.goto(path);
    await there();
    await lookAt(page, name);
  };
  const live = () => expect(ready).toBeVisible();
  const cards = () => expect(page.locator(`[data-card="${ticket.key}"]`).first()).toBeVisible();
  await visit('command', at, live);
  await visit('board', `${at}/board`, cards);
  await visit('lanes', `${at}/board?lanes=epic`, cards);
  await visit('list', `${at}/board?view=list`, cards);
  await visit('drawer', `${at}/board?ticket=${ticket.key}`, () =>
    expect(page.locator('.markdown table')).toBeVisible(),
  );
  await visit('agents', `${at}/agents`, () => expect(page.getByText('Large orders').first()).toBeVisible());
  await visit('history', `${at}/history`, () =>
    expect(page.getByRole('button', { name: /^Entry/ }).first()).toBeVisible(),
  );
  await visit('members', '/settings/members', () => expect(page.locator('[data-member]').first()).toBeVisible());
  await page.getByRole('button', { name: 'Invite' }).click();
  const invite = page.getByRole('dialog', { name: 'Invite somebody' });
  await invite.getByRole('button', { name: 'Make a link' }).click();
  const link = await invite.getByLabel('Invitation link').inputValue();
  await lookAt(page, 'invite');
  await visit('providers', '/settings/providers', () =>
    expect(page.locator('[data-provider]').first()).toBeVisible(),
  );
  await visit('tokens', '/settings/tokens', () =>
    expect(page.getByRole('button', { name: 'New token' })).toBeVisible(),
  );
  await visit('sessions', '/settings/sessions', () => expect(page.getByText('this browser')).toBeVisible());
  await visit('nowhere', '/nowhere', () => expect(page.getByText('There is no page at this address.')).toBeVisible());
  await visit('palette', `${at}/board`, async () => {
    await cards();
    await page.keyboard.press('Control+k');
    await expect(page.getByTestId('palette').getByRole('option').first()).toBeVisible();
  });
  if (process.env.LIME_E2E_RUNS === '1') expect(await ended(api, run)).toBe('SUCCEEDED');
  await visit('run', `${at}/agents/${run}`, () => expect(page.getByTestId('run-state')).toBeVisible());
  await visit('outcome', at, live);

  const theirs = await browser.newContext({ baseURL: baseURL ?? here, storageState: nobody });
  const caught = await setTraps(theirs, baseURL ?? here);
  const stranger = await theirs.newPage();
  await stranger.goto('/');
  await expect(stranger.getByRole('heading', { name: 'Sign in to your line' })).toBeVisible();
  await lookAt(stranger, 'sign-in');
  await stranger.goto(link.replace(/^https?:\/\/[^/]+/, ''));
  await expect(stranger.getByRole('heading', { name: /^Join / })).toBeVisible();
  await lookAt(stranger, 'join');
  await theirs.close();
  expect(caught, 'what the traps caught in a stranger’s pages').toEqual([]);
});
