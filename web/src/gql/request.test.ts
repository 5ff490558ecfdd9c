import { describe, expect, it, vi } from 'vitest';
import { newCommandId } from './command-id';
import { TypedDocumentString } from './generated';
import { request, toRequestError } from './request';

const document = new TypedDocumentString<{ me: string }, { id: string }>('query($id: UUID!) { me }');

function answer(status: number, body: string) {
  return vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response(body, { status }));
}

describe('request', () => {
  it('sends JSON with the header that a foreign form cannot send', async () => {
    const fetched = answer(200, JSON.stringify({ data: { me: 'Mara' } }));
    await expect(request(document, { id: '1' })).resolves.toEqual({ me: 'Mara' });
    const [url, init] = fetched.mock.calls[0] ?? [];
    expect(url).toBe('/graphql');
    expect(new Headers(init?.headers).get('x-lime-csrf')).toBe('1');
    expect(new Headers(init?.headers).get('content-type')).toBe('application/json');
    expect(JSON.parse(String(init?.body))).toEqual({ query: document.toString(), variables: { id: '1' } });
  });

  it('tells a lost race with who, when and the version', async () => {
    answer(
      200,
      JSON.stringify({
        data: null,
        errors: [
          {
            message: 'late',
            extensions: { code: 'STALE', by: { name: 'Mara' }, at: '2026-01-01T00:00:00Z', version: 7 },
          },
        ],
      }),
    );
    await expect(request(document, { id: '1' })).rejects.toMatchObject({
      code: 'STALE',
      details: { by: 'Mara', at: '2026-01-01T00:00:00Z', version: 7 },
    });
  });

  it.each([
    [401, '', 'DENIED'],
    [403, 'no', 'DENIED'],
    [429, '', 'RATE_LIMITED'],
    [502, '<html>', 'UNAVAILABLE'],
  ])('reads status %i without a GraphQL answer', async (status, body, code) => {
    answer(status, body);
    await expect(request(document, { id: '1' })).rejects.toMatchObject({ code });
  });

  it('calls no answer at all UNREACHABLE', async () => {
    vi.spyOn(globalThis, 'fetch').mockRejectedValue(new TypeError('failed to fetch'));
    await expect(request(document, { id: '1' })).rejects.toMatchObject({ code: 'UNREACHABLE' });
  });

  it('takes an unknown code for INTERNAL', () => {
    expect(toRequestError({ message: 'x', extensions: { code: 'NEW_ONE', traceId: 't1' } })).toMatchObject({
      code: 'INTERNAL',
      details: { traceId: 't1' },
    });
  });
});

it('makes UUIDs of version 7 that sort by time', () => {
  const early = newCommandId(1_700_000_000_000);
  const late = newCommandId(1_700_000_000_001);
  expect(early).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(Number.parseInt(early.replaceAll('-', '').slice(0, 12), 16)).toBe(1_700_000_000_000);
  expect(early < late).toBe(true);
});
