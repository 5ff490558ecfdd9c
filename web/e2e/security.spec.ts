// What people and agents write never becomes more than text. The texts are those of xss-corpus.ts; traps.ts says what
// counts as a breach.
import type { Page } from '@playwright/test';
import { ended, forEach, hostilePlace, id, NAME_MAX, numbered, startRun } from './hostile-place.ts';
import { Api, expect, openBoard, type TestTicket } from './product.ts';
import { expectDownload } from './protection.ts';
import { expectInert, here, livingMarkup, nobody, setTraps, test } from './traps.ts';
import { CANARY, corpus, FOREIGN_HOST, hostileDiff, lines } from './xss-corpus.ts';

const COLUMNS = ['backlog', 'todo', 'in_progress', 'code_review', 'qa', 'done'];
const LABEL_MAX = 50;
const TITLE_MAX = 300;
const LABELS_MAX = 30;

/** Whoever opens `link` joins under that name, in a browser that calls itself so too. */
async function joinAs(page: Page, link: string, name: string): Promise<void> {
  await page.goto(link);
  await expect(page.getByRole('heading', { name: /^Join / })).toBeVisible();
  await expectInert(page);
  await page.getByLabel('Your name').fill(name);
  await page.getByRole('button', { name: 'Join' }).click();
  await expect(page.getByTestId('connection')).toBeVisible();
}

const all = corpus.join('\n\n');

test('what people write stays text on every page that shows it', async ({ page, api, browser, baseURL }) => {
  test.slow();
  const place = await hostilePlace(api);
  const name = lines(NAME_MAX).find((line) => line.startsWith('"><img')) ?? '';
  const { inviteMember } = await api.ask(
    'mutation($input: InviteInput!) { inviteMember(input: $input) { invitationLink } }',
    { input: { commandId: id(), orgId: place.orgId, role: 'ADMIN' } },
  );
  const theirs = await browser.newContext({
    baseURL: baseURL ?? here,
    storageState: nobody,
    userAgent: `"><img src=x onerror=${CANARY}()> Linux`,
  });
  const caught = await setTraps(theirs, baseURL ?? here);
  const member = await theirs.newPage();
  await joinAs(member, inviteMember.invitationLink.replace(/^https?:\/\/[^/]+/, ''), name);
  const { me } = await new Api(theirs).ask('{ me { user { id } } }');

  const labels = lines(LABEL_MAX);
  const made = await forEach(
    api,
    'createTicket',
    'CreateTicketInput',
    'ticket { id key title }',
    numbered(lines(TITLE_MAX)).map(({ value, index }) => ({
      projectId: place.id,
      title: value,
      descriptionMd: value,
      kind: index % 10 === 0 ? 'EPIC' : 'TASK',
      columnKey: COLUMNS[index % COLUMNS.length],
      labels: labels.slice(index % labels.length, (index % labels.length) + 3),
      assigneeId: index % 3 === 0 ? me.user.id : null,
    })),
  );
  const tickets: TestTicket[] = made.map(({ ticket }) => ticket);
  const [whole, first, second] = tickets as [TestTicket, TestTicket, TestTicket];
  await forEach(api, 'editTicket', 'EditTicketInput', 'version', [
    { ticketId: whole.id, descriptionMd: all, labels: labels.slice(0, LABELS_MAX) },
  ]);
  const half = Math.ceil(corpus.length / 2);
  const say = (by: Api, ticket: TestTicket, texts: readonly string[]) =>
    forEach(
      by,
      'commentOnTicket',
      'CommentInput',
      'version',
      texts.map((bodyMd) => ({ ticketId: ticket.id, bodyMd })),
    );
  await say(new Api(theirs), first, corpus.slice(0, half));
  await say(api, second, corpus.slice(half));

  await test.step('board', async () => {
    await page.setViewportSize({ width: 2000, height: 4000 });
    await openBoard(page, place);
    await expect(page.locator('[data-card]:not([data-card=""])')).toHaveCount(tickets.length);
    const shown = await page.locator('[data-card]').allTextContents();
    for (const { title } of tickets)
      expect(
        shown.some((text) => text.includes(title)),
        title,
      ).toBe(true);
    await expectInert(page);
    for (const lanes of ['assignee', 'epic']) {
      await page.goto(`/p/${place.key}/board?lanes=${lanes}`);
      await expect(page.locator('[data-card]:not([data-card=""])').first()).toBeVisible();
      await expectInert(page);
    }
  });
  await test.step('list, with a filter out of the address', async () => {
    await page.goto(`/p/${place.key}/board?view=list&sort=title`);
    await expect(page.getByTestId('list').locator('[data-card]').first()).toBeVisible();
    await expectInert(page);
    const label = labels.find((text) => text.startsWith('<svg')) ?? '';
    await page.goto(
      `/p/${place.key}/board?label=${encodeURIComponent(label)}&q=${encodeURIComponent(`<img src=x onerror=${CANARY}()>`)}`,
    );
    await expect(page.getByTestId('board')).toBeVisible();
    await expectInert(page);
  });
  await test.step('drawer: description, comments, labels, activity', async () => {
    await page.setViewportSize({ width: 1440, height: 900 });
    for (const { ticket, comments } of [
      { ticket: whole, comments: 0 },
      { ticket: first, comments: half },
      { ticket: second, comments: corpus.length - half },
    ]) {
      await page.goto(`/p/${place.key}/board?ticket=${ticket.key}`);
      const drawer = page.getByTestId('ticket-drawer');
      await expect(drawer.locator('.markdown')).toHaveCount(comments + 1);
      await expect(drawer.getByText(ticket.title, { exact: true }).first()).toBeVisible();
      // The reader of markdown is loaded by then: its own elements stand where the plain text stood.
      await expect(drawer.locator('.markdown > *').first()).toBeVisible();
      await expectInert(page);
    }
    await expect(page.getByTestId('ticket-drawer').locator('.markdown a[href^="https:"]').first()).toBeAttached();
  });
  await test.step('palette', async () => {
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    const palette = page.getByTestId('palette');
    await palette.getByRole('combobox').fill(CANARY);
    await expect(palette.getByRole('option').first()).toContainText(CANARY);
    await expectInert(page);
  });
  await test.step('history', async () => {
    await page.goto(`/p/${place.key}/history`);
    await page
      .getByRole('button', { name: /^Entry/ })
      .first()
      .click();
    await expect(page.locator('pre').first()).toBeVisible();
    await expectInert(page);
  });
  await test.step('command center and its ticket picker', async () => {
    await page.goto(`/p/${place.key}`);
    await page.getByRole('textbox', { name: 'What should the agent do?' }).fill(all.slice(0, 5_000));
    await page.getByRole('button', { name: 'Work on a ticket' }).click();
    await page.getByRole('combobox', { name: 'Choose a ticket' }).click();
    await expect(page.getByRole('option').first()).toBeVisible();
    await expectInert(page);
  });
  await test.step('settings: members, tokens, sessions', async () => {
    await page.goto('/settings/members');
    await expect(page.locator('[data-member]')).toHaveCount(2);
    await expect(page.getByText(name, { exact: true })).toBeVisible();
    await expectInert(page);
    const names = lines(NAME_MAX).slice(0, 3);
    await forEach(
      new Api(theirs),
      'createToken',
      'CreateTokenInput',
      'token { id }',
      names.map((token) => ({ name: token, scopes: ['READ'] })),
    );
    await member.goto('/settings/tokens');
    for (const token of names) await expect(member.getByRole('cell', { name: token, exact: true })).toBeVisible();
    await expectInert(member);
    await member.goto('/settings/sessions');
    await expect(member.getByTitle(`"><img src=x onerror=${CANARY}()> Linux`)).toBeVisible();
    await expectInert(member);
  });
  await theirs.close();
  expect(caught, 'what the traps caught in the other person’s pages').toEqual([]);
});

const EVENT_TYPES = ['MESSAGE', 'LOG', 'TOOL', 'DIFF', 'ARTIFACT', 'APPROVAL', 'QUESTION', 'ERROR', 'USAGE'] as const;
const RUN_EVENT_DATA: Record<(typeof EVENT_TYPES)[number], (text: string, index: number) => unknown> = {
  MESSAGE: (text, index) => ({ from: index % 2 ? 'agent' : text, text }),
  LOG: (text, index) => ({
    source: ['command', 'thinking', 'agent', text][index % 4],
    text,
    call: text,
    omitted_bytes: 9,
    attachment: { digest: text },
  }),
  TOOL: (text, index) => ({
    call: `${index}`,
    tool: ['command', 'edit', text][index % 3],
    status: ['started', 'failed', text][index % 3],
    input: { text: `{"title": "${text}\\q"}` },
    output: { text },
    exit_code: text,
  }),
  DIFF: (text, index) => ({
    scope: ['edit', 'branch', text][index % 3],
    files: [{ path: text, additions: text }, text, null],
    text: hostileDiff([text]),
  }),
  ARTIFACT: (text) => ({ name: text, mime: text, text }),
  APPROVAL: (text) => ({ call: text, text }),
  QUESTION: (text) => [text],
  ERROR: (text) => ({ reason: text, text }),
  USAGE: (text) => text,
};

/** The corpus as an agent's transcript: each text as every kind of event in turn. */
const transcript = numbered(corpus).map(({ value, index }) => {
  const type = EVENT_TYPES[index % EVENT_TYPES.length] ?? 'MESSAGE';
  const text = value.split('\n', 1)[0]?.slice(0, 2_000);
  return {
    seq: index + 1,
    at: new Date(1_750_000_000_000 + index * 1_000).toISOString(),
    type,
    text,
    data: RUN_EVENT_DATA[type](value, index),
  };
});

/** Looks at every tab of a run, from its top to its end. */
async function walkRun(page: Page, path: string): Promise<void> {
  await page.goto(path);
  await expect(page.getByTestId('timeline').locator('[data-seq]').first()).toBeVisible();
  const tabs = page.getByRole('tab');
  for (let index = 0; index < (await tabs.count()); index += 1) {
    await tabs.nth(index).click();
    await expect(tabs.nth(index)).toHaveAttribute('aria-selected', 'true');
    if ((await tabs.nth(index).textContent())?.match(/^Changes ?\d/)) {
      await expect(page.locator('diffs-container').first()).toBeAttached();
    }
    const closed = page.getByTestId('plan').getByRole('button', { expanded: false });
    await closed.evaluateAll((buttons) => {
      for (const button of buttons) (button as HTMLButtonElement).click();
    });
    await scrollThrough(page);
    await expectInert(page);
  }
}

/** Brings everything that is only there when it is looked at before the eye once. */
async function scrollThrough(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(done));
    const regions = [...document.querySelectorAll('*')].filter(
      (element) =>
        element.scrollHeight > element.clientHeight + 20 && /auto|scroll/.test(getComputedStyle(element).overflowY),
    );
    for (const region of regions) {
      for (let top = 0; top < region.scrollHeight; top += Math.max(200, region.clientHeight)) {
        region.scrollTop = top;
        await frame();
        await frame();
      }
    }
  });
}

test('a transcript, a plan and a diff of the whole corpus stay text', async ({ page, api }) => {
  test.slow();
  const place = await hostilePlace(api);
  const runId = await startRun(api, { projectId: place.id, mode: 'PLAN', prompt: all.slice(0, 50_000) });
  await api.ask('mutation($input: RunRefInput!) { cancelRun(input: $input) { version } }', {
    input: { commandId: id(), runId },
  });
  await ended(api, runId);
  // No agent says this much in a test's time: the answers about this run are changed on their way to the page.
  await page.route('**/graphql', async (route) => {
    const { query } = route.request().postDataJSON();
    const answer = await route.fetch();
    const body = await answer.json();
    if (body.data?.runEvents?.events) body.data.runEvents.events = transcript;
    if (body.data?.agentRun && /agentRun\(/.test(query)) {
      const { agentRun } = body.data;
      Object.assign(agentRun, {
        branch: corpus[0],
        summary: all,
        failure: { reason: 'POLICY', message: corpus[3] },
        diff: {
          unified: hostileDiff(corpus),
          truncated: true,
          additions: 1,
          deletions: 1,
          files: corpus.map((path) => ({ path, additions: 1, deletions: 0, status: path })),
        },
        artifacts: numbered(corpus.slice(0, 50)).map(({ value, index }) => ({
          id: `${index}`,
          name: value,
          mime: value,
          sizeBytes: 1,
          digest: value,
        })),
        plan: numbered(corpus.slice(0, 60)).map(({ value, index }) => ({
          id: `${index}`,
          parentId: index === 0 ? null : '0',
          kind: 'TASK',
          title: value,
          descriptionMd: value,
          acceptanceCriteria: [value],
          ownerRole: 'DEV',
          columnKey: value,
          acceptedTicket: null,
        })),
      });
    }
    await route.fulfill({ response: answer, json: body });
  });
  await walkRun(page, `/p/${place.key}/agents/${runId}`);
  await page.goto(`/p/${place.key}`);
  await expect(page.getByTestId('plan').first()).toBeVisible();
  await expectInert(page);
});

test.describe('with a worker and an agent', () => {
  test.skip(process.env.LIME_E2E_RUNS !== '1', 'LIME_E2E_RUNS=1 says that a worker with an agent is there');

  test('what a hostile model says and does stays text', async ({ page, api }) => {
    test.slow();
    const place = await hostilePlace(api);
    const { connectRepository } = await api.ask(
      'mutation($input: ConnectRepositoryInput!) { connectRepository(input: $input) { repoConnection { id } } }',
      { input: { commandId: id(), projectId: place.id, provider: 'GIT', cloneUrl: process.env.LIME_E2E_REPOSITORY } },
    );
    const ticket = await api.ticket(place, `[hostile] ${corpus[0]}`);
    const plan = await startRun(api, { projectId: place.id, mode: 'PLAN', prompt: `[hostile] ${corpus[1]}` });
    const work = await startRun(api, {
      projectId: place.id,
      mode: 'IMPLEMENT',
      ticketId: ticket.id,
      repoConnectionId: connectRepository.repoConnection.id,
    });
    // While they work, their newest lines stand beside the prompt.
    await page.goto(`/p/${place.key}`);
    expect(await ended(api, plan)).toBe('SUCCEEDED');
    expect(await ended(api, work)).toBe('SUCCEEDED');
    await expectInert(page);
    await walkRun(page, `/p/${place.key}/agents/${plan}`);
    await page.getByRole('tab', { name: 'Plan' }).click();
    await page
      .getByTestId('plan')
      .getByRole('button', { name: /^Add 13 tickets/ })
      .click();
    await expect(page.getByText('All of it is on the board.')).toBeVisible();
    await page.emulateMedia({ colorScheme: 'dark' });
    await walkRun(page, `/p/${place.key}/agents/${work}`);
    await expect(page.getByTestId('timeline')).toContainText('limeCanary');
    await page.goto(`/p/${place.key}/board`);
    await expect(page.locator('[data-card]').filter({ hasText: '<script>limeCanary(21)</script>' })).toBeVisible();
    await expectInert(page);

    const { agentRun } = await api.ask(
      'query($id: UUID!) { agentRun(id: $id) { diff { files { path } } artifacts { name digest } } }',
      { id: work },
    );
    expect(agentRun.diff.files.map((file: { path: string }) => file.path)).toContain(
      '<img src=x onerror=limeCanary(10)>.html',
    );
    for (const { digest } of agentRun.artifacts) await expectDownload(page, `/files/${digest}`);
  });
});

test('the traps catch what runs', async ({ browser, baseURL }) => {
  const context = await browser.newContext({ storageState: nobody });
  const caught = await setTraps(context, baseURL ?? here);
  const page = await context.newPage();
  await page.route('**/*', (route) =>
    route.fulfill({
      contentType: 'text/html',
      headers: { 'content-security-policy': "img-src 'self'" },
      body: `<!doctype html><div id=root></div><img src=x onerror=${CANARY}('once')><img src=https://${FOREIGN_HOST}/p.png>`,
    }),
  );
  await page.goto(`${baseURL ?? here}/trapped`);
  await expect.poll(() => caught.join('\n')).toMatch(/ran: once/);
  await expect.poll(() => caught.join('\n')).toMatch(/breach: img-src/);
  expect(await livingMarkup(page)).toEqual(expect.arrayContaining([expect.stringMatching(/^a handler/)]));
  await page.evaluate((address) => location.assign(address), `https://${FOREIGN_HOST}/`);
  await expect.poll(() => caught.join('\n')).toMatch(/asked: https:\/\/attacker\.invalid/);
  await context.close();
});
