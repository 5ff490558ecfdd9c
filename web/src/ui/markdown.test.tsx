// @vitest-environment happy-dom
import { render } from '@testing-library/react';
import { expect, it } from 'vitest';
import MarkdownRendered from './markdown-rendered';

const html = (text: string) => render(<MarkdownRendered text={text} />).container.innerHTML;

it('loads no image from anywhere, and leaves a link in its place', () => {
  const shown = html('![pixel](https://evil.example/p.png)');
  expect(shown).not.toContain('<img');
  expect(shown).toContain('href="https://evil.example/p.png"');
  expect(shown).toContain('pixel');
});

it.each([
  '<script>alert(1)</script>',
  '<img src=x onerror=alert(1)>',
  '[x](javascript:alert(1))',
  '[x](data:text/html,<script>alert(1)</script>)',
  '<a href="javascript:alert(1)">x</a>',
  '<iframe src="https://evil.example"></iframe>',
  '<svg onload=alert(1)>',
])('makes nothing that runs of %s', (text) => {
  const { container } = render(<MarkdownRendered text={text} />);
  expect(container.querySelector('script, iframe, img, svg[onload], [onerror], [onload]')).toBeNull();
  for (const link of container.querySelectorAll('a'))
    expect(link.getAttribute('href') ?? '').not.toMatch(/^\s*(javascript|data):/i);
});

it('opens links apart, without telling where from', () => {
  expect(html('[docs](https://example.org)')).toContain('rel="noreferrer noopener nofollow"');
});

it('shows tables and task lists', () => {
  const { container } = render(<MarkdownRendered text={'- [x] done\n- [ ] open\n\n| a | b |\n|---|---|\n| 1 | 2 |'} />);
  expect(container.querySelectorAll('input[type=checkbox]')).toHaveLength(2);
  expect(container.querySelector('table')).not.toBeNull();
});
