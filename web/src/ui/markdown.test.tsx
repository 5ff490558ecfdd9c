// @vitest-environment happy-dom
import { render } from '@testing-library/react';
import { expect, it } from 'vitest';
import { corpus } from '../../e2e/xss-corpus';
import MarkdownRendered from './markdown-rendered';

const html = (text: string) => render(<MarkdownRendered text={text} />).container.innerHTML;

it('loads no image from anywhere, and leaves a link in its place', () => {
  const shown = html('![pixel](https://evil.example/p.png)');
  expect(shown).not.toContain('<img');
  expect(shown).toContain('href="https://evil.example/p.png"');
  expect(shown).toContain('pixel');
});

it.each(corpus)('makes nothing that runs of %s', (text) => {
  const { container } = render(<MarkdownRendered text={text} />);
  const living = 'script, iframe, object, embed, img, video, audio, style, link, meta, base, form, template, [srcset]';
  expect(container.querySelector(living)).toBeNull();
  for (const element of container.querySelectorAll('*')) {
    for (const { name, value } of element.attributes) {
      expect(name).not.toMatch(/^on|^style$|^ping$|^formaction$/);
      if (name === 'href') expect(value).toMatch(/^(https?:|#text-|\/|x$)/);
      if (name === 'id' || name === 'name') expect(value).toMatch(/^text-/);
    }
  }
});

it('keeps the names of one text from those of another, and leads to a footnote and back', () => {
  const { container } = render(
    <>
      <MarkdownRendered text={'a[^1]\n\n[^1]: one'} />
      <MarkdownRendered text={'b[^1]\n\n[^1]: two'} />
    </>,
  );
  const ids = [...container.querySelectorAll('[id]')].map((element) => element.id);
  expect(new Set(ids).size).toBe(ids.length);
  const links = [...container.querySelectorAll('a')].map((link) => link.getAttribute('href')?.slice(1));
  expect(links).toHaveLength(4);
  expect(ids).toEqual(expect.arrayContaining(links));
});

it('puts no link into a link', () => {
  const { container } = render(<MarkdownRendered text="[![x](https://example.org/in.png)](https://example.org/out)" />);
  const links = [...container.querySelectorAll('a')].map((link) => link.getAttribute('href'));
  expect(links).toEqual(['https://example.org/out']);
  expect(container.textContent).toContain('x');
});

it('opens links apart, without telling where from', () => {
  expect(html('[docs](https://example.org)')).toContain('rel="noreferrer noopener nofollow"');
});

it('shows tables and task lists', () => {
  const { container } = render(<MarkdownRendered text={'- [x] done\n- [ ] open\n\n| a | b |\n|---|---|\n| 1 | 2 |'} />);
  const boxes = [...container.querySelectorAll('input[type=checkbox]')];
  expect(boxes.map((box) => box.getAttribute('aria-label'))).toEqual(['Done', 'Not done']);
  expect(container.querySelector('table')).not.toBeNull();
});
