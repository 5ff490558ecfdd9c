// No answer of the gateway lacks what keeps a browser from making more of it than it is.
import type { APIResponse } from '@playwright/test';
import { id } from './hostile-place.ts';
import { expect } from './product.ts';
import { expectProtected } from './protection.ts';
import { here, nobody, test } from './traps.ts';

test('every kind of answer tells the browser how to treat it', async ({ page, api, playwright, baseURL, project }) => {
  const index = await (await page.request.get('/', { headers: { accept: 'text/html' } })).text();
  const [script] = /\/assets\/[\w.-]+\.js/.exec(index) ?? [];
  const [style] = /\/assets\/[\w.-]+\.css/.exec(index) ?? [];
  expect(script && style).toBeTruthy();
  const json = { 'content-type': 'application/json' };
  const ours = { ...json, 'x-lime-csrf': '1' };
  const html = { accept: 'text/html' };
  const me = '{"query":"{ me { user { id } } }"}';
  const none = '0'.repeat(64);
  const stranger = await playwright.request.newContext({ baseURL: baseURL ?? here, storageState: nobody });
  // An allowance of its own, so that nobody else has to wait.
  const { createToken } = await api.ask(
    'mutation($input: CreateTokenInput!) { createToken(input: $input) { secret } }',
    {
      input: { commandId: id(), name: 'Headers', scopes: ['READ'] },
    },
  );
  const spender = { ...json, authorization: `Bearer ${createToken.secret}` };
  const boards = Array.from({ length: 15 }, (_, at) => `a${at}: board(projectId: "${project.id}") { id }`).join(' ');

  const { request } = page;
  type Answers = readonly (readonly [what: string, status: number, answer: () => Promise<APIResponse>])[];
  const answers: Answers = [
    ['the page', 200, () => request.get('/', { headers: html })],
    [
      'the page at an address of its own',
      200,
      () => request.get(`/p/${project.key}/board?q=<script>`, { headers: html }),
    ],
    ['a script', 200, () => request.get(script ?? '')],
    ['a style', 200, () => request.get(style ?? '')],
    ['a picture', 200, () => request.get('/favicon.svg')],
    ['the script before the first paint', 200, () => request.get('/theme.js')],
    ['a missing asset', 404, () => request.get('/assets/gone.js')],
    ['a missing page of a program', 404, () => request.get('/nowhere', { headers: { accept: '*/*' } })],
    ['a post to a page', 404, () => request.post('/p/AL/board', { data: 'x' })],
    ['graphql', 200, () => request.post('/graphql', { headers: ours, data: me })],
    ['graphql with a fault', 200, () => request.post('/graphql', { headers: ours, data: '{"query":"{ <script> }"}' })],
    ['graphql that is no JSON', 400, () => request.post('/graphql', { headers: ours, data: '<script>' })],
    ['graphql as text', 415, () => request.post('/graphql', { headers: { 'content-type': 'text/plain' }, data: me })],
    [
      'graphql from elsewhere',
      403,
      () => request.post('/graphql', { headers: { ...ours, origin: 'https://attacker.invalid' }, data: me }),
    ],
    ['graphql without the header', 403, () => request.post('/graphql', { headers: json, data: me })],
    ['graphql by nobody', 401, () => stranger.post('/graphql', { headers: ours, data: me })],
    ['graphql by GET', 405, () => request.get('/graphql?query={me{user{id}}}')],
    [
      'too large a body',
      413,
      () => request.post('/graphql', { headers: ours, data: `{"query":"${'x'.repeat(300_000)}"}` }),
    ],
    ['a socket that is none', 400, () => request.get('/graphql/ws')],
    ['an unknown part of graphql', 404, () => request.get('/graphql/nowhere')],
    ['how to sign in', 200, () => stranger.get('/auth/methods')],
    ['an owner link that is none', 403, () => stranger.get(`/auth/local?token=${none}`)],
    ['an unknown invitation', 404, () => stranger.post('/auth/invitation', { headers: ours, data: { token: none } })],
    ['an unknown part of signing in', 404, () => request.get('/auth/nowhere')],
    ['an unknown file', 404, () => request.get(`/files/${none}`)],
    ['a file by nobody', 401, () => stranger.get(`/files/${none}`)],
    ['no file', 404, () => request.get('/files')],
    ['a webhook that is not there', 404, () => request.post('/github/webhook', { data: '{}' })],
    ['life', 200, () => request.get('/healthz')],
    ['readiness', 200, () => request.get('/readyz')],
  ];
  for (const [what, status, ask] of answers) {
    const answer = await ask();
    expect(answer.status(), what).toBe(status);
    expectProtected(what, answer.headers());
    expect(answer.headers()['content-type'] ?? 'text/plain', what).toMatch(
      /^(text\/(plain|html|css|javascript)|application\/json|image\/svg\+xml)/,
    );
  }
  await expect(async () => {
    const answer = await stranger.post('/graphql', { headers: spender, data: { query: `{ ${boards} }` } });
    expect(answer.status()).toBe(429);
    expect(answer.headers()['retry-after']).toMatch(/^\d+$/);
    expectProtected('an allowance that is used up', answer.headers());
  }).toPass();
  await stranger.dispose();
});
