// A board of 10,000 cards: the server's answer is swapped for a large one, so that nothing has to be made for it. What
// counts is how much of it the page holds, and that everything can still be done with it. Nothing here is timed.
import type { Page } from '@playwright/test';
import { card, column, expect, keysIn, type TestProject, test } from './product.ts';

const CARDS = 10_000;
const NODES = 3_000;
const PRIORITIES = ['URGENT', 'HIGH', 'MEDIUM', 'LOW', null];

async function largeBoard(page: Page, project: TestProject): Promise<void> {
  await page.route('**/graphql', async (route) => {
    const { query, variables } = route.request().postDataJSON();
    if (query.includes('mutation MoveTicket')) {
      const { ticketId } = variables.input;
      await route.fulfill({ json: { data: { moveTicket: { ticket: { id: ticketId }, version: 2 } } } });
      return;
    }
    if (!query.includes('query Board(')) {
      await route.fallback();
      return;
    }
    const response = await route.fetch();
    const json = await response.json();
    const { columns } = json.data.board;
    for (let number = 1; number <= CARDS; number += 1) {
      const at = columns[number % columns.length];
      at.cards.push({
        ticketId: `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
        key: `${project.key}-${number}`,
        version: 1,
        title: `Ticket ${number}${number % 3 === 0 ? ' with a title that is long enough to need two lines on a card' : ''}`,
        kind: number % 7 === 0 ? 'BUG' : 'TASK',
        columnKey: at.key,
        rank: `m${String(number).padStart(6, '0')}`,
        priority: PRIORITIES[number % PRIORITIES.length],
        labels: number % 2 === 0 ? ['api', 'ui'] : [],
        assignee:
          number % 4 === 0
            ? { id: `00000000-0000-4000-9000-${String(number % 48).padStart(12, '0')}`, name: `Person ${number % 48}` }
            : null,
        delegate: null,
        repo: number % 5 === 0 ? { id: '00000000-0000-4000-a000-000000000001', name: 'gateway' } : null,
        branch: number % 5 === 0 ? `al/${project.key}-${number}-a-branch` : null,
        run: null,
        costUsdMicros: number,
        commentCount: number % 6,
      });
    }
    await route.fulfill({ response, json });
  });
}

const nodes = (page: Page) => page.evaluate(() => document.querySelectorAll('*').length);
const everyCard = '[data-card]:not([data-card=""])';

test('10,000 cards: the page holds those in sight, in columns, lanes and the list', async ({ page, project }) => {
  test.slow();
  await largeBoard(page, project);
  const key = (number: number) => ({ key: `${project.key}-${number}` });
  await page.goto(`/p/${project.key}/board`);
  await expect(card(page, key(1))).toBeVisible();
  expect(await nodes(page)).toBeLessThan(NODES);
  for (const at of [0.5, 1]) {
    await page.locator('[data-scroller]').evaluateAll((scrollers, share) => {
      for (const scroller of scrollers) scroller.scrollTop = scroller.scrollHeight * share;
    }, at);
    // The last cards of a column can only be seen at its end.
    await expect.poll(async () => (await keysIn(page, 'todo')).length).toBeGreaterThan(3);
    expect(await nodes(page)).toBeLessThan(NODES);
  }
  await expect(card(page, key(CARDS - 3))).toBeAttached();

  for (const address of ['?lanes=priority', '?lanes=assignee', '?view=list', '?q=ticket+99']) {
    await page.goto(`/p/${project.key}/board${address}`);
    await expect(page.locator(everyCard).first()).toBeVisible();
    expect(await nodes(page), address).toBeLessThan(NODES);
  }
  await expect(page.getByTestId('filter-count')).toContainText(`of ${CARDS} tickets`);
});

test('10,000 cards: the keyboard and the mouse still move them', async ({ page, project }) => {
  test.slow();
  await largeBoard(page, project);
  const key = (number: number) => ({ key: `${project.key}-${number}` });
  await page.goto(`/p/${project.key}/board`);
  await card(page, key(6)).focus();
  // Far beyond what is rendered: each next card is scrolled to before it gets the focus.
  for (let step = 1; step <= 30; step += 1) {
    await page.keyboard.press('ArrowDown');
    await expect(card(page, key(6 + step * 6))).toBeFocused();
  }
  await page.keyboard.press('Space');
  const moved = column(page, 'todo').locator(`[data-card="${project.key}-186"]`);
  await page.keyboard.press('ArrowRight');
  await expect(moved).toBeFocused();
  await page.keyboard.press('Space');
  await expect(moved).not.toHaveAttribute('data-lifted');
  await expect(moved).toBeFocused();

  await card(page, key(2)).dragTo(card(page, key(3)), { targetPosition: { x: 60, y: 4 } });
  await expect(column(page, 'code_review').locator(`[data-card="${project.key}-2"]`)).toBeVisible();
  expect(await nodes(page)).toBeLessThan(NODES);
});
