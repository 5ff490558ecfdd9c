// Making what the security tests stand on: places whose every name is a payload, and runs in them.
import { type Api, expect, type TestProject } from './product.ts';
import { lines } from './xss-corpus.ts';

/** Aliases in one document; the gateway takes 20. */
const AT_ONCE = 20;
export const NAME_MAX = 100;

export const id = () => crypto.randomUUID();
export const numbered = <T>(list: readonly T[]) => list.map((value, index) => ({ value, index }));

/** The same mutation for each input, in as few requests as the gateway allows. */
export async function forEach(
  api: Api,
  mutation: string,
  type: string,
  answer: string,
  inputs: object[],
  // biome-ignore lint/suspicious/noExplicitAny: a test knows what it asked for
): Promise<any[]> {
  const answers = [];
  for (let at = 0; at < inputs.length; at += AT_ONCE) {
    const some = numbered(inputs.slice(at, at + AT_ONCE));
    const declared = some.map(({ index }) => `$i${index}: ${type}!`).join(', ');
    const asked = some.map(({ index }) => `a${index}: ${mutation}(input: $i${index}) { ${answer} }`).join(' ');
    const variables = Object.fromEntries(some.map(({ value, index }) => [`i${index}`, { commandId: id(), ...value }]));
    const data = await api.ask(`mutation(${declared}) { ${asked} }`, variables);
    answers.push(...some.map(({ index }) => data[`a${index}`]));
  }
  return answers;
}

/** An organisation whose every name is a payload, with a project; people see both on every page. */
export async function hostilePlace(api: Api): Promise<TestProject> {
  const [orgName, projectName] = lines(NAME_MAX);
  const [{ org }] = await forEach(api, 'createOrg', 'CreateOrgInput', 'org { id }', [{ name: orgName }]);
  const key = `X${Array.from({ length: 7 }, () => String.fromCharCode(65 + Math.floor(Math.random() * 26))).join('')}`;
  const input = { commandId: id(), orgId: org.id, key, name: projectName };
  const { createProject } = await api.ask(
    'mutation($input: CreateProjectInput!) { createProject(input: $input) { project { id } } }',
    { input },
  );
  await api.ask('query($id: UUID!, $after: UUID) { project(id: $id, afterCommand: $after) { id } }', {
    id: createProject.project.id,
    after: input.commandId,
  });
  // The instance's key serves its first organisation; the script that plays the model takes any.
  await api.ask('mutation($input: ProviderKeyInput!) { setProviderKey(input: $input) { org { id } } }', {
    input: { commandId: id(), orgId: org.id, provider: 'codex', key: 'a-script-takes-any-key' },
  });
  return { id: createProject.project.id, key, orgId: org.id };
}

/** Waits until the run has ended, however. */
export async function ended(api: Api, runId: string): Promise<string> {
  let state = '';
  await expect(async () => {
    const { agentRun } = await api.ask('query($id: UUID!) { agentRun(id: $id) { state endedAt } }', { id: runId });
    expect(agentRun.endedAt).not.toBeNull();
    state = agentRun.state;
  }).toPass({ timeout: 90_000 });
  return state;
}

export async function startRun(api: Api, input: Record<string, unknown>): Promise<string> {
  const { startRun: started } = await api.ask(
    'mutation($input: StartRunInput!) { startRun(input: $input) { run { id } } }',
    { input: { commandId: id(), provider: 'codex', ...input } },
  );
  return started.run.id;
}
