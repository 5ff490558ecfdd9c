// One unified diff of git as a patch per file, with what its head says about it.
export interface FilePatch {
  readonly path: string;
  readonly previousPath: string | null;
  readonly status: 'added' | 'deleted' | 'renamed' | 'modified';
  readonly additions: number;
  readonly deletions: number;
  readonly isBinary: boolean;
  /** The file's part of the diff, from its `diff --git` line on. */
  readonly text: string;
}

const HEAD = /^diff --git /m;

/** git quotes a path that holds anything unusual; its octal escapes are bytes of UTF-8. */
function unquoted(path: string): string {
  if (!path.startsWith('"')) return path;
  const bytes: number[] = [];
  const body = path.slice(1, -1);
  for (let index = 0; index < body.length; index += 1) {
    const char = body[index] ?? '';
    if (char !== '\\') {
      bytes.push(...new TextEncoder().encode(char));
      continue;
    }
    const octal = /^[0-7]{3}/.exec(body.slice(index + 1))?.[0];
    if (octal) {
      bytes.push(Number.parseInt(octal, 8));
      index += 3;
    } else {
      const escaped = body[index + 1] ?? '';
      bytes.push(...new TextEncoder().encode({ n: '\n', t: '\t' }[escaped] ?? escaped));
      index += 1;
    }
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

const strip = (path: string, prefix: 'a/' | 'b/'): string => {
  const plain = unquoted(path.trim());
  return plain.startsWith(prefix) ? plain.slice(2) : plain;
};

function read(text: string): FilePatch {
  const lines = text.split('\n');
  const firstHunk = lines.findIndex((line) => line.startsWith('@@'));
  const head = firstHunk < 0 ? lines : lines.slice(0, firstHunk);
  const find = (start: string) => head.find((line) => line.startsWith(start))?.slice(start.length);
  const from = find('rename from ') ?? find('--- ');
  const to = find('rename to ') ?? find('+++ ');
  const named = /^diff --git (?:"?a\/.*"?) ("?b\/.*"?)$/.exec(lines[0] ?? '')?.[1] ?? '';
  const path = to && to.trim() !== '/dev/null' ? strip(to, 'b/') : from ? strip(from, 'a/') : strip(named, 'b/');
  const isRenamed = find('rename from ') !== undefined;
  let additions = 0;
  let deletions = 0;
  for (const line of firstHunk < 0 ? [] : lines.slice(firstHunk)) {
    if (line.startsWith('+')) additions += 1;
    else if (line.startsWith('-')) deletions += 1;
  }
  return {
    path,
    previousPath: isRenamed && from ? strip(from, 'a/') : null,
    status:
      find('new file mode') !== undefined
        ? 'added'
        : find('deleted file mode') !== undefined
          ? 'deleted'
          : isRenamed
            ? 'renamed'
            : 'modified',
    additions,
    deletions,
    isBinary: head.some((line) => line.startsWith('Binary files ') || line.startsWith('GIT binary patch')),
    text,
  };
}

export function splitPatch(unified: string): readonly FilePatch[] {
  const start = unified.search(HEAD);
  if (start < 0) return [];
  return unified
    .slice(start)
    .split(/^(?=diff --git )/m)
    .filter((part) => part.startsWith('diff --git '))
    .map(read);
}
