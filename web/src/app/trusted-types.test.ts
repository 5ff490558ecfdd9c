import { expect, it } from 'vitest';
import { isViewerMarkup } from './trusted-types';

it.each([
  ['<div data-line="3"><span style="color:#fff">let a = 1;</span></div>'],
  ['<svg aria-hidden="true"><use href="#icon"></use><path d="M0 0"/></svg>'],
  ['a &lt;script&gt; in text, escaped'],
  ['1 < 2 and 3 > 2'],
])('lets through what the diff viewer makes: %s', (html) => {
  expect(isViewerMarkup(html)).toBe(true);
});

it.each([
  ['<script>alert(1)</script>'],
  ['<img src=x onerror=alert(1)>'],
  ['<div onclick="x()">'],
  ['<div/onclick=x()>'],
  ['<div title="a>b" onclick="x()">'],
  ['<a href="javascript:alert(1)">x</a>'],
  ['<use href="https://evil.example/x.svg#a"/>'],
  ['<iframe srcdoc="x">'],
  ['<!-- <script> -->'],
  ['<div <script>alert(1)</script>'],
  ['<div title="unclosed><script>alert(1)'],
])('refuses everything else: %s', (html) => {
  expect(isViewerMarkup(html)).toBe(false);
});
