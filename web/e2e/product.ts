// What the tests share: the product's API for making what a test stands on, and a page that fails the test when
// anything goes wrong behind its back (a console error, an exception, a breach of the content policy).
import AxeBuilder from '@axe-core/playwright';
import { type BrowserContext, test as base, expect, type Locator, type Page } from '@playwright/test';

export { expect };

interface GraphQlAnswer {
  data: Record<string, never> | null;
  errors?: { message: string; extensions?: Record<string, unknown> }[];
}

export class Api {
  constructor(private readonly context: BrowserContext) {}

  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
  async ask(query: string, variables: Record<string, unknown> = {}): Promise<any> {
    const answer = await this.context.request.post('/graphql', {
      headers: { 'x-lime-csrf': '1', 'content-type': 'application/json' },
      data: { query, variables },
    });
    const body = (await answer.json()) as GraphQlAnswer;
    if (body.errors) throw new Error(JSON.stringify(body.errors));
    return body.data;
  }

  async me(): Promise<{ name: string; orgId: string }> {
    const { me } = await this.ask('{ me { user { name } orgs { org { id } } } }');
    return { name: me.user.name, orgId: me.orgs[0].org.id };
  }

  async project(): Promise<TestProject> {
    const { orgId } = await this.me();
    const key = `T${Array.from({ length: 6 }, () => String.fromCharCode(65 + Math.floor(Math.random() * 26))).join('')}`;
    const commandId = crypto.randomUUID();
    const input = { commandId, orgId, key, name: `Project ${key}` };
    const query = 'mutation($input: CreateProjectInput!) { createProject(input: $input) { project { id } } }';
    const { createProject } = await this.ask(query, { input });
    const { id } = createProject.project;
    await this.ask('query($id: UUID!, $after: UUID) { project(id: $id, afterCommand: $after) { id } }', {
      id,
      after: commandId,
    });
    return { id, key, orgId };
  }

  async ticket(project: TestProject, title: string, columnKey = 'backlog'): Promise<TestTicket> {
    return this.createTicket(project, { title, columnKey });
  }

  /** A ticket with more than a title; in To do unless `fields` says another column. */
  async createTicket(project: TestProject, fields: Record<string, unknown>): Promise<TestTicket> {
    const input = { commandId: crypto.randomUUID(), projectId: project.id, columnKey: 'todo', ...fields };
    const query = 'mutation($input: CreateTicketInput!) { createTicket(input: $input) { ticket { id key title } } }';
    return (await this.ask(query, { input })).createTicket.ticket;
  }

  async move(ticket: TestTicket, columnKey: string): Promise<number> {
    const input = { commandId: crypto.randomUUID(), ticketId: ticket.id, columnKey };
    const query = 'mutation($input: MoveTicketInput!) { moveTicket(input: $input) { version } }';
    return (await this.ask(query, { input })).moveTicket.version;
  }

  async comment(ticket: TestTicket, bodyMd: string): Promise<void> {
    const input = { commandId: crypto.randomUUID(), ticketId: ticket.id, bodyMd };
    await this.ask('mutation($input: CommentInput!) { commentOnTicket(input: $input) { version } }', { input });
  }

  /** Column key → ticket keys in their order, as the server has it. */
  async order(project: TestProject): Promise<Record<string, string[]>> {
    const { board } = await this.ask('query($id: UUID!) { board(projectId: $id) { columns { key cards { key } } } }', {
      id: project.id,
    });
    const columns = board.columns as { key: string; cards: { key: string }[] }[];
    return Object.fromEntries(columns.map((column) => [column.key, column.cards.map((card) => card.key)]));
  }
}

export interface TestProject {
  id: string;
  key: string;
  orgId: string;
}

export interface TestTicket {
  id: string;
  key: string;
  title: string;
}

/** Collects what goes wrong in every page of a context. */
export function watch(context: BrowserContext): string[] {
  const faults: string[] = [];
  context.on('page', (page) => {
    page.on('pageerror', (error) => faults.push(`exception: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() !== 'error') return;
      // The browser reports what a test cuts on purpose; the product's own words about it are tested.
      if (/net::ERR_|WebSocket|Failed to load resource/.test(message.text())) return;
      faults.push(`console: ${message.text()}`);
    });
  });
  return faults;
}

export const test = base.extend<{ api: Api; project: TestProject; other: BrowserContext }>({
  context: async ({ context }, use) => {
    const faults = watch(context);
    await use(context);
    expect(faults, 'what went wrong in the page').toEqual([]);
  },
  api: async ({ context }, use) => use(new Api(context)),
  project: async ({ api }, use) => use(await api.project()),
  /** A second browser of the same person. */
  other: async ({ browser, baseURL, storageState, viewport }, use) => {
    const other = await browser.newContext({ baseURL, storageState, viewport });
    const faults = watch(other);
    await use(other);
    await other.close();
    expect(faults, 'what went wrong in the other page').toEqual([]);
  },
});

export const card = (page: Page, ticket: { key: string }): Locator => page.locator(`[data-card="${ticket.key}"]`);
export const column = (page: Page, key: string): Locator => page.locator(`[data-column="${key}"]`);
export const keysIn = (page: Page, key: string): Promise<(string | null)[]> =>
  column(page, key)
    .locator('[data-card]')
    .evaluateAll((cards) =>
      cards
        .sort((a, b) => a.getBoundingClientRect().top - b.getBoundingClientRect().top)
        .map((element) => element.getAttribute('data-card')),
    );

export async function openBoard(page: Page, project: TestProject): Promise<void> {
  await page.goto(`/p/${project.key}/board`);
  await expect(column(page, 'backlog')).toBeVisible();
  await expect(page.getByTestId('connection')).toHaveAttribute('data-phase', 'live');
}

export async function expectAccessible(page: Page): Promise<void> {
  // What fades has the wrong contrast half-way: here a notice is there or gone.
  await page.emulateMedia({ reducedMotion: 'reduce' });
  const { violations } = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'])
    .analyze();
  await page.emulateMedia({ reducedMotion: null });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(' ')).join(', ')}`)).toEqual(
    [],
  );
}
