// The page runs under `require-trusted-types-for 'script'; trusted-types default`. Nothing of ours writes markup; the
// diff viewer does, inside its shadow roots, from text that it escapes itself. This policy is the second lock: it lets
// through only the elements and attributes that the viewer makes, and refuses the rest instead of cleaning it.
const ELEMENTS =
  /^(?:a|aside|b|br|button|circle|code|defs|div|em|footer|g|header|i|line|path|pre|rect|slot|span|strong|style|svg|symbol|table|tbody|td|template|title|tr|u|use)$/;
const TAG = /<\/?\s*([a-zA-Z][\w:-]*)((?:[^"'>]|"[^"]*"|'[^']*')*)>/g;
const HANDLER = /[\s/"']on\w+\s*=/i;
const ADDRESS = /[\s/"'](?:href|src|xlink:href|action|formaction|srcdoc)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>]*))/gi;

/** An address may only point into the same piece of markup: an icon of its own sprite. */
const leadsAway = (attributes: string): boolean =>
  [...attributes.matchAll(ADDRESS)].some(
    ([, double, single, bare]) => !(double ?? single ?? bare ?? '').startsWith('#'),
  );

/** True when every element is one that the diff viewer makes and none carries a handler or leads anywhere. */
export function isViewerMarkup(html: string): boolean {
  let rest = '';
  let end = 0;
  for (const match of html.matchAll(TAG)) {
    const [whole, element = '', attributes = ''] = match;
    if (!ELEMENTS.test(element.toLowerCase())) return false;
    if (HANDLER.test(attributes) || leadsAway(attributes)) return false;
    rest += html.slice(end, match.index);
    end = match.index + whole.length;
  }
  rest += html.slice(end);
  // What is left is text: an opening of anything that the pattern did not read as a tag has no place in it.
  return !/<[a-zA-Z/!?]/.test(rest);
}

interface PolicyFactory {
  createPolicy(name: string, rules: { createHTML: (html: string) => string }): unknown;
}

export function installTrustedTypes(): void {
  const factory = (window as { trustedTypes?: PolicyFactory }).trustedTypes;
  factory?.createPolicy('default', {
    createHTML: (html) => {
      if (isViewerMarkup(html)) return html;
      throw new TypeError('Markup refused by the page policy');
    },
  });
}
