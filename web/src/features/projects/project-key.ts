const LONGEST_PROPOSAL = 4;

/** "Billing rewrite" → BR, "Mobile" → MO. Empty while there is nothing to go by. */
export function proposeKey(name: string): string {
  const words = name
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .toUpperCase()
    .split(/[^A-Z0-9]+/)
    .filter(Boolean);
  const [first = ''] = words;
  const letters = words.length > 1 ? words.map((word) => word[0]).join('') : first.slice(0, 2);
  return letters.replace(/^[0-9]+/, '').slice(0, LONGEST_PROPOSAL);
}

export const isProjectKey = (key: string): boolean => /^[A-Z][A-Z0-9]{1,9}$/.test(key);
