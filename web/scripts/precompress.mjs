// Writes a .br beside every asset that gets smaller by it. The binary embeds these: nobody compresses while serving.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, constants } from 'node:zlib';

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const COMPRESSIBLE = /\.(?:js|css|html|svg|json|txt|map)$/;
/** The slowest setting: it costs seconds once, at build. */
const QUALITY = 11;

let before = 0;
let after = 0;
for (const entry of readdirSync(dist, { recursive: true })) {
  const path = join(dist, String(entry));
  if (!statSync(path).isFile() || !COMPRESSIBLE.test(path)) continue;
  const whole = readFileSync(path);
  const small = brotliCompressSync(whole, {
    params: { [constants.BROTLI_PARAM_QUALITY]: QUALITY, [constants.BROTLI_PARAM_SIZE_HINT]: whole.length },
  });
  if (small.length >= whole.length) continue;
  writeFileSync(`${path}.br`, small);
  before += whole.length;
  after += small.length;
}
console.log(`precompressed ${(before / 1024).toFixed(0)} KiB to ${(after / 1024).toFixed(0)} KiB`);
