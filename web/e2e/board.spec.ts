import { card, column, expect, expectAccessible, keysIn, openBoard, test } from './product.ts';

test('a card dragged in one browser is seen in the other, in the same order', async ({ page, other, api, project }) => {
  const a = await api.ticket(project, 'Moves');
  const b = await api.ticket(project, 'Waits above', 'todo');
  const c = await api.ticket(project, 'Waits below', 'todo');
  const otherPage = await other.newPage();
  await openBoard(page, project);
  await openBoard(otherPage, project);
  await expect(card(otherPage, a)).toBeVisible();

  await card(page, a).dragTo(card(page, c), { targetPosition: { x: 60, y: 4 } });

  const order = [b.key, a.key, c.key];
  await expect.poll(() => keysIn(page, 'todo')).toEqual(order);
  await expect.poll(() => keysIn(otherPage, 'todo')).toEqual(order);
  await expect.poll(async () => (await api.order(project)).todo).toEqual(order);
  expect(await keysIn(otherPage, 'backlog')).toEqual([]);
});

test('a card dropped on the empty part of a column goes to its end', async ({ page, api, project }) => {
  const a = await api.ticket(project, 'Moves');
  await openBoard(page, project);
  await card(page, a).dragTo(column(page, 'in_progress'));
  await expect.poll(async () => (await api.order(project)).in_progress).toEqual([a.key]);
  expect(await keysIn(page, 'in_progress')).toEqual([a.key]);
});

test('a drag while another person comments is not stale', async ({ page, api, project }) => {
  const a = await api.ticket(project, 'Talked about');
  await openBoard(page, project);
  await lift(page, a);
  await api.comment(a, 'One more thing.');
  await dropIn(page, 'todo');
  await expect.poll(async () => (await api.order(project)).todo).toEqual([a.key]);
  await expect(card(page, a)).toContainText('1 comment');
  await expect(page.locator('[data-sonner-toast]')).toHaveText(`${a.key} moved to TodoUndo`);
});

test('a drag against another drag goes back, says who moved it where, and offers both', async ({
  page,
  api,
  project,
}) => {
  const { name } = await api.me();
  const a = await api.ticket(project, 'Wanted by two');
  await openBoard(page, project);
  await lift(page, a);
  await api.move(a, 'in_progress');
  await expect(column(page, 'in_progress').locator('[data-card]')).toHaveCount(1);
  await dropIn(page, 'todo');
  const dialog = page.getByRole('dialog', { name: `${name} moved ${a.key} to In Progress` });
  await expect(dialog).toContainText(`You were moving ${a.key} to Todo`);
  await expect(dialog.getByRole('button', { name: 'Keep it in In Progress' })).toBeFocused();
  await expectAccessible(page);
  await page.keyboard.press('Enter');
  await expect(dialog).toBeHidden();
  await expect.poll(() => keysIn(page, 'in_progress')).toEqual([a.key]);
  expect((await api.order(project)).in_progress).toEqual([a.key]);

  await lift(page, a);
  await api.move(a, 'backlog');
  await expect(column(page, 'backlog').locator('[data-card]')).toHaveCount(1);
  await dropIn(page, 'todo');
  await page.getByRole('button', { name: 'Move to Todo anyway' }).click();
  await expect.poll(async () => (await api.order(project)).todo).toEqual([a.key]);
  await expect.poll(() => keysIn(page, 'todo')).toEqual([a.key]);
});

test('the keyboard lifts, moves, drops and puts back', async ({ page, api, project }) => {
  const a = await api.ticket(project, 'By hand');
  const b = await api.ticket(project, 'Stays', 'todo');
  await openBoard(page, project);
  await card(page, a).focus();
  await page.keyboard.press('Space');
  await expect(page.getByTestId('announcer')).toHaveText(`${a.key} lifted.`);
  await page.keyboard.press('ArrowRight');
  await expect(page.getByTestId('announcer')).toContainText(`${a.key}: Todo, place 1 of 2.`);
  await page.keyboard.press('Escape');
  await expect(page.getByTestId('announcer')).toContainText('put back');
  expect(await keysIn(page, 'todo')).toEqual([b.key]);
  await expect(card(page, a)).toBeFocused();

  await page.keyboard.press('Space');
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('ArrowDown');
  await page.keyboard.press('Space');
  await expect(page.getByTestId('announcer')).toContainText(`${a.key} dropped in Todo, place 2.`);
  await expect.poll(async () => (await api.order(project)).todo).toEqual([b.key, a.key]);
  await expect(card(page, a)).toBeFocused();
  await page.keyboard.press('ArrowUp');
  await expect(card(page, b)).toBeFocused();
  // A column beyond the edge of the board comes into sight with the card that gets the focus.
  const far = await api.ticket(project, 'Far to the right', 'done');
  await expect(card(page, far)).toBeAttached();
  await expect(card(page, far)).not.toBeInViewport();
  await page.keyboard.press('ArrowRight');
  await expect(card(page, far)).toBeFocused();
  await expect(card(page, far)).toBeInViewport({ ratio: 1 });
  await page.keyboard.press('ArrowLeft');
  await expect(card(page, b)).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(page.getByTestId('ticket-drawer')).toContainText('Stays');
});

test('the menu of a card moves it without dragging', async ({ page, api, project }) => {
  const a = await api.ticket(project, 'By menu');
  const b = await api.ticket(project, 'Second');
  await openBoard(page, project);
  await card(page, a).focus();
  await page.keyboard.press('m');
  await page.getByRole('menuitem', { name: 'Bottom of this column' }).click();
  await expect.poll(async () => (await api.order(project)).backlog).toEqual([b.key, a.key]);
  await card(page, a).focus();
  await page.keyboard.press('m');
  await page.getByRole('menuitem', { name: 'Done' }).click();
  await expect.poll(async () => (await api.order(project)).done).toEqual([a.key]);
});

test('offline it says so with the seconds, keeps a move, and sends it when the line is back', async ({
  page,
  context,
  api,
  project,
}) => {
  const a = await api.ticket(project, 'Moved in a tunnel');
  await openBoard(page, project);
  await context.setOffline(true);
  const banner = page.getByTestId('connection-banner');
  await expect(banner).toContainText('Reconnecting');
  await expect(banner).toContainText(/[1-9] s/);
  await expect(card(page, a)).toBeVisible();
  await card(page, a).dragTo(column(page, 'in_progress'));
  await expect.poll(() => keysIn(page, 'in_progress')).toEqual([a.key]);
  await context.setOffline(false);
  await expect(banner).toBeHidden({ timeout: 20_000 });
  await expect.poll(async () => (await api.order(project)).in_progress, { timeout: 20_000 }).toEqual([a.key]);
});

test('sockets cut 20 times during 300 changes: every change arrives once, in order', async ({ page, api, project }) => {
  test.slow();
  const CUTS = 20;
  const CHANGES = 300;
  const positions: number[] = [];
  const sockets = new Set<{ close: () => Promise<void> }>();
  let boards = new Set<string>();
  await page.routeWebSocket(/\/graphql\/ws/, (client) => {
    const server = client.connectToServer();
    sockets.add(server);
    boards = new Set();
    client.onMessage((message) => {
      const parsed = JSON.parse(String(message));
      if (parsed.type === 'subscribe' && parsed.payload.query.includes('boardChanged')) boards.add(parsed.id);
      server.send(message);
    });
    server.onMessage((message) => {
      const parsed = JSON.parse(String(message));
      const change = parsed.type === 'next' && boards.has(parsed.id) ? parsed.payload.data?.boardChanged : undefined;
      if (change && typeof change.position === 'number' && (change.card || change.removedTicketId))
        positions.push(change.position);
      client.send(message);
    });
    const cut = async () => {
      sockets.delete(server);
      await server.close();
      await client.close({ code: 1012 });
    };
    sockets.add({ close: cut });
    sockets.delete(server);
  });

  const tickets = [];
  for (let index = 0; index < 6; index += 1) tickets.push(await api.ticket(project, `Busy ${index}`));
  await openBoard(page, project);
  positions.length = 0;
  const columns = ['backlog', 'todo', 'in_progress', 'code_review', 'qa', 'done'];
  for (let change = 0; change < CHANGES; change += 1) {
    const ticket = tickets[change % tickets.length];
    if (ticket) await api.move(ticket, columns[(change + Math.floor(change / 6) + 1) % columns.length] ?? 'todo');
    if (change % Math.floor(CHANGES / CUTS) === 7) {
      for (const socket of [...sockets]) {
        sockets.delete(socket);
        await socket.close();
      }
    }
  }
  const truth = await api.order(project);
  await expect
    .poll(
      async () => Object.fromEntries(await Promise.all(columns.map(async (key) => [key, await keysIn(page, key)]))),
      { timeout: 30_000 },
    )
    .toEqual(truth);
  expect(positions).toHaveLength(CHANGES);
  expect(positions).toEqual([...new Set(positions)].sort((x, y) => x - y));
});

/** Takes a card up with the mouse and holds it over the board, as a person does who is still thinking. */
async function lift(page: import('@playwright/test').Page, ticket: { key: string }): Promise<void> {
  const box = await card(page, ticket).boundingBox();
  if (!box) throw new Error('the card is not on screen');
  await page.mouse.move(box.x + 60, box.y + 50);
  await page.mouse.down();
  await page.mouse.move(box.x + 90, box.y + 60, { steps: 4 });
  await page.mouse.move(box.x + 120, box.y + 70, { steps: 4 });
}

async function dropIn(page: import('@playwright/test').Page, key: string): Promise<void> {
  const box = await column(page, key).boundingBox();
  if (!box) throw new Error('the column is not on screen');
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2, { steps: 6 });
  await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2 + 20, { steps: 3 });
  await page.mouse.up();
}
