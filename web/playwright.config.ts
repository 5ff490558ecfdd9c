// Browser tests against a running product. LIME_URL says where it is, LIME_OWNER_LINK is a fresh one-time sign-in link of
// it (the setup uses it up), CHROMIUM_PATH is a Chromium other than the system's. Tests make projects of their own, so
// they may run against an instance that is in use. With LIME_E2E_RUNS=1 those that need a worker with an agent run too.
import { defineConfig } from '@playwright/test';

export const ownerState = 'test-results/owner.json';

export default defineConfig({
  testDir: './e2e',
  outputDir: './test-results/artifacts',
  globalSetup: './e2e/global-setup.ts',
  fullyParallel: true,
  workers: 2,
  retries: 0,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    baseURL: process.env.LIME_URL ?? 'http://127.0.0.1:5463',
    storageState: ownerState,
    viewport: { width: 1440, height: 900 },
    // A trace doubles the time of a test: LIME_E2E_TRACE=1 records one of each that fails.
    trace: process.env.LIME_E2E_TRACE === '1' ? 'retain-on-failure' : 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH || '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
