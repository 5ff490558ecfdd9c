// Everything by which a page could do what it must not: run a text, breach its content policy, ask another host for
// anything, leave, open something. A test that sets the traps fails when one of them snaps.
import type { BrowserContext, Page } from '@playwright/test';
import { expect, test as product } from './product.ts';
import { CANARY } from './xss-corpus.ts';

/** Collects what is caught in every page that this context opens from now on. */
export async function setTraps(context: BrowserContext, baseURL: string): Promise<string[]> {
  const { host } = new URL(baseURL);
  const caught: string[] = [];
  const isElsewhere = (address: string): boolean => {
    const url = new URL(address);
    return ['http:', 'https:', 'ws:', 'wss:', 'ftp:'].includes(url.protocol) && url.host !== host;
  };
  await context.exposeFunction(CANARY, (...said: unknown[]) => void caught.push(`ran: ${said.join(' ')}`));
  await context.exposeFunction('limeBreach', (breach: string) => void caught.push(`breach: ${breach}`));
  await context.addInitScript(() => {
    addEventListener(
      'securitypolicyviolation',
      ({ effectiveDirective, blockedURI, sample }) => {
        (window as unknown as { limeBreach: (breach: string) => void }).limeBreach(
          `${effectiveDirective} ${blockedURI} ${sample}`,
        );
      },
      { capture: true },
    );
  });
  context.on('request', (request) => {
    if (isElsewhere(request.url())) caught.push(`asked: ${request.url().slice(0, 200)}`);
  });
  context.on('page', (page) => {
    page.on('dialog', (dialog) => {
      caught.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('popup', (popup) => caught.push(`opened: ${popup.url()}`));
    page.on('download', (download) => caught.push(`downloaded: ${download.url()}`));
    page.on('frameattached', (frame) => caught.push(`frame: ${frame.url()}`));
    page.on('framenavigated', (frame) => {
      if (isElsewhere(frame.url())) caught.push(`went: ${frame.url()}`);
    });
    page.on('websocket', (socket) => {
      if (isElsewhere(socket.url())) caught.push(`socket: ${socket.url()}`);
    });
    page.on('console', (message) => {
      if (/content security policy|trusted ?types?|refused to/i.test(message.text())) {
        caught.push(`console: ${message.text()}`);
      }
    });
  });
  return caught;
}

/** What stands in the page that could run, fetch or lead astray once somebody touches it; shadow roots included. */
export function livingMarkup(page: Page): Promise<readonly string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    const tell = (element: Element, why: string) => found.push(`${why}: ${element.outerHTML.slice(0, 200)}`);
    const never =
      /^(?:applet|audio|base|embed|fencedframe|frame|frameset|iframe|img|marquee|math|object|picture|portal|source|video|xmp)$/;
    const schemes = ['http:', 'https:', 'mailto:'];
    const leads = [
      'href',
      'xlink:href',
      'src',
      'action',
      'formaction',
      'poster',
      'background',
      'data',
      'srcdoc',
      'srcset',
      'ping',
    ];
    const isHere = (address: string) => new URL(address, location.href).origin === location.origin;
    const visit = (root: Document | ShadowRoot) => {
      for (const element of root.querySelectorAll('*')) {
        const name = element.localName;
        if (never.test(name)) tell(element, 'an element that has no place here');
        if (name === 'script' && (element.textContent !== '' || !isHere((element as HTMLScriptElement).src))) {
          tell(element, 'a script');
        }
        if (name === 'meta' && element.hasAttribute('http-equiv')) tell(element, 'an instruction');
        if (name === 'link' && !isHere((element as HTMLLinkElement).href)) tell(element, 'a link to elsewhere');
        if (name === 'style' && /@import|url\(\s*['"]?https?:/i.test(element.textContent ?? ''))
          tell(element, 'a style');
        for (const { name: attribute, value } of element.attributes) {
          if (/^on/i.test(attribute)) tell(element, 'a handler');
          if (attribute === 'style' && /url\(/i.test(value)) tell(element, 'a style');
          if (!leads.includes(attribute)) continue;
          if (name !== 'a' && !['link', 'script', 'use'].includes(name)) tell(element, `an address in ${attribute}`);
          if (name === 'use' ? !value.startsWith('#') : !schemes.includes(new URL(value, location.href).protocol)) {
            tell(element, 'an address that is none of a page');
          }
          if (name === 'a' && !isHere(value) && !/noopener/.test(element.getAttribute('rel') ?? '')) {
            tell(element, 'a page that could reach back');
          }
        }
        if (element.shadowRoot) visit(element.shadowRoot);
      }
    };
    visit(document);
    if (document.querySelectorAll('#root').length !== 1) found.push('the page’s root is not alone');
    if (!(document.getElementById('root') instanceof HTMLDivElement)) found.push('the page’s root is another');
    if (!('createPolicy' in (window as unknown as { trustedTypes: object }).trustedTypes))
      found.push('trustedTypes is another');
    if (Object.keys(Object.prototype).length > 0) found.push('every object has a new property');
    return found;
  });
}

/** The address of the product when a test is not told another. */
export const here = 'http://127.0.0.1:5463';
/** Who is not signed in. */
export const nobody = { cookies: [], origins: [] };

/** The product's test with the traps set. */
export const test = product.extend({
  context: async ({ context, baseURL }, use) => {
    const caught = await setTraps(context, baseURL ?? here);
    await use(context);
    expect(caught, 'what the traps caught').toEqual([]);
  },
});

export async function expectInert(page: Page): Promise<void> {
  expect(await livingMarkup(page), `what could run in ${page.url().slice(0, 200)}`).toEqual([]);
}
