// What every answer of the gateway says about itself.
import type { Page } from '@playwright/test';
import { expect } from './product.ts';

/** A file is handed out to be kept, whatever it says that it is. */
export async function expectDownload(page: Page, path: string): Promise<void> {
  const answer = await page.request.get(path);
  expect(answer.status()).toBe(200);
  expectProtected(path, answer.headers());
  expect(answer.headers()['content-disposition'], path).toMatch(/^attachment; filename="/);
  expect(answer.headers()['content-type'], path).toBe('application/octet-stream');
  expect(answer.headers()['content-security-policy'], path).toBe("default-src 'none'; sandbox");
}

export function expectProtected(what: string, headers: Record<string, string>): void {
  const policy = headers['content-security-policy'] ?? '';
  const directive = (name: string) =>
    policy
      .split(';')
      .map((part) => part.trim().split(/\s+/))
      .find(([first]) => first === name);
  expect(directive('default-src'), what).toEqual(['default-src', "'none'"]);
  expect(policy, what).not.toMatch(/unsafe-eval|unsafe-hashes|strict-dynamic|nonce-|\*|https?:/);
  expect(directive('script-src') ?? [], what).not.toContain("'unsafe-inline'");
  expect(headers, what).toMatchObject({
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
  });
  expect(headers['access-control-allow-origin'], what).toBeUndefined();
}
