import { fileURLToPath } from 'node:url';
import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));

// `npm run dev` serves the app and hands everything that is the product's to a running one.
const product = process.env.LIME_URL ?? 'http://127.0.0.1:5463';

export default defineConfig({
  plugins: [react(), tailwindcss()],
  resolve: {
    alias: [
      { find: /^~\//, replacement: `${here('./src')}/` },
      // The diff viewer asks shiki for any of 300 grammars. We ship those of the languages that teams really use, and
      // neither of the two WebAssembly highlighters, which the page's content policy would refuse to compile.
      { find: /^shiki\/langs$/, replacement: here('./src/features/runs/diff/languages.ts') },
      { find: /^shiki\/(wasm|engine\/oniguruma)$/, replacement: here('./src/features/runs/diff/no-wasm.ts') },
      { find: /^@pierre\/highlights(\/themes\/loader)?$/, replacement: here('./src/features/runs/diff/no-wasm.ts') },
      { find: /^@pierre\/theming\/themes$/, replacement: here('./src/features/runs/diff/themes.ts') },
    ],
  },
  build: {
    // Nothing inlined: a data: address would need a hole in the content policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: 'es2023',
    reportCompressedSize: false,
    // One grammar (C++) is larger than a page; it is loaded for C++ only. The budget that counts is scripts/budget.mjs.
    chunkSizeWarningLimit: 1_000,
  },
  server: {
    proxy: {
      // The product refuses pages of another origin. Here the page is ours, served beside it.
      '/graphql': { target: product, ws: true, changeOrigin: true, headers: { origin: product } },
      '/auth': { target: product, changeOrigin: true, headers: { origin: product } },
    },
  },
  test: {
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
  },
});
