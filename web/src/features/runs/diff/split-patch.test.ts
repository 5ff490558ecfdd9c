import { expect, it } from 'vitest';
import { splitPatch } from './split-patch';

const modified = `diff --git a/src/hub.rs b/src/hub.rs
index 5f3c2a1..9d2b7c4 100644
--- a/src/hub.rs
+++ b/src/hub.rs
@@ -1,3 +1,4 @@
 keep
-old
+new
+diff --git a/fake b/fake
 keep
`;
const added = `diff --git a/README.md b/README.md
new file mode 100644
index 0000000..b1946ac
--- /dev/null
+++ b/README.md
@@ -0,0 +1 @@
+hello
`;
const deleted = `diff --git a/gone.txt b/gone.txt
deleted file mode 100644
index b1946ac..0000000
--- a/gone.txt
+++ /dev/null
@@ -1 +0,0 @@
-hello
`;
const renamed = `diff --git "a/old/\\303\\251.ts" b/new/name.ts
similarity index 100%
rename from "old/\\303\\251.ts"
rename to new/name.ts
`;
const binary = `diff --git a/logo.png b/logo.png
index 1..2 100644
Binary files a/logo.png and b/logo.png differ
`;

it('gives each file its own patch with what its head says', () => {
  const files = splitPatch(modified + added + deleted + renamed + binary);
  expect(files.map(({ path, status, additions, deletions }) => [path, status, additions, deletions])).toEqual([
    ['src/hub.rs', 'modified', 2, 1],
    ['README.md', 'added', 1, 0],
    ['gone.txt', 'deleted', 0, 1],
    ['new/name.ts', 'renamed', 0, 0],
    ['logo.png', 'modified', 0, 0],
  ]);
  expect(files[3]?.previousPath).toBe('old/é.ts');
  expect(files[4]?.isBinary).toBe(true);
  expect(files.map(({ text }) => text).join('')).toBe(modified + added + deleted + renamed + binary);
});

it('finds no file in what is no diff of git', () => {
  expect(splitPatch('')).toEqual([]);
  expect(splitPatch('hello')).toEqual([]);
});
