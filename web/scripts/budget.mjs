// Fails the build when the first load grows past its budget: the scripts that index.html names, and beside them what the
// board, the heaviest first page, adds. gzip, because that is how the budget is written down.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist');
const FIRST_LOAD_KB = 180;
const BOARD_KB = 34;

const sizeKb = (path) => gzipSync(readFileSync(join(dist, path)), { level: 9 }).length / 1_000;
const html = readFileSync(join(dist, 'index.html'), 'utf8');
const first = [...html.matchAll(/(?:src|href)="\/(assets\/[^"]+\.js)"/g)].map((match) => sizeKb(match[1] ?? ''));
const firstKb = first.reduce((sum, size) => sum + size, 0);
const boardKb = readdirSync(join(dist, 'assets'))
  .filter((name) => /^board-[^.]+\.js$/.test(name))
  .reduce((sum, name) => sum + sizeKb(join('assets', name)), 0);

console.log(`first load ${firstKb.toFixed(1)} of ${FIRST_LOAD_KB} kB gz, board ${boardKb.toFixed(1)} of ${BOARD_KB}`);
if (firstKb > FIRST_LOAD_KB || boardKb > BOARD_KB || first.length === 0 || boardKb === 0) process.exit(1);
