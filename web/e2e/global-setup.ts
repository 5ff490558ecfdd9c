import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { chromium, type FullConfig } from '@playwright/test';
import { ownerState } from '../playwright.config.ts';

/** Uses the one-time link once and keeps the session for all tests. */
export default async function signIn(config: FullConfig): Promise<void> {
  const link = process.env.LIME_OWNER_LINK;
  if (!link) throw new Error('LIME_OWNER_LINK is not set: print one with `lime owner-link`');
  const use = config.projects[0]?.use;
  const browser = await chromium.launch(use?.launchOptions);
  try {
    const context = await browser.newContext({ baseURL: use?.baseURL ?? '' });
    const page = await context.newPage();
    await page.goto(link);
    await page.getByTestId('connection').waitFor();
    mkdirSync(dirname(ownerState), { recursive: true });
    await context.storageState({ path: ownerState });
  } finally {
    await browser.close();
  }
}
