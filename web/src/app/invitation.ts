// An invitation's token: it comes behind the # of the link, where no server and no log sees it. It is taken out of the
// address bar at once and kept for this tab, so that it survives a reload and the way through GitHub.
import type { Role } from '~/gql/types';

export const JOIN_PATH = '/join';
const KEY = 'lime.invitation';
let kept: string | null = null;

export function invitationToken(): string | null {
  const fromAddress = window.location.hash.slice(1);
  if (/^[0-9a-f]{64}$/.test(fromAddress)) {
    keep(fromAddress);
    window.history.replaceState(window.history.state, '', JOIN_PATH);
    return fromAddress;
  }
  if (fromAddress) return fromAddress;
  try {
    return sessionStorage.getItem(KEY) ?? kept;
  } catch {
    return kept;
  }
}

function keep(token: string): void {
  kept = token;
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // Storage is off: the token lives as long as the page.
  }
}

export function forgetInvitation(): void {
  kept = null;
  try {
    sessionStorage.removeItem(KEY);
  } catch {
    // as above
  }
}

export interface OpenInvitation {
  readonly orgName: string;
  readonly role: Role;
  readonly expiresAt: string;
  /** People sign in with the provider first. */
  readonly needsProvider: boolean;
}

/** The gateway said no: `reason` is the rule's name. */
export class InvitationRefused extends Error {
  constructor(
    readonly reason: string,
    message: string,
  ) {
    super(message);
  }
}

async function post(path: string, body: Record<string, string>): Promise<Response> {
  const answer = await fetch(path, {
    method: 'POST',
    credentials: 'same-origin',
    headers: { 'content-type': 'application/json', 'x-lime-csrf': '1' },
    body: JSON.stringify(body),
  });
  if (answer.ok) return answer;
  const said = (await answer.json().catch(() => ({}))) as { reason?: string; message?: string };
  throw new InvitationRefused(said.reason ?? 'UNREACHABLE', said.message ?? `The server answered ${answer.status}.`);
}

export async function readInvitation(token: string): Promise<OpenInvitation> {
  const read = (await (await post('/auth/invitation', { token })).json()) as OpenInvitation & { role: string };
  return { ...read, role: read.role.toUpperCase() as Role };
}

/** Makes a person of that name, a member, signed in. */
export async function joinAsNew(token: string, name: string): Promise<void> {
  await post('/auth/join', { token, name });
}
