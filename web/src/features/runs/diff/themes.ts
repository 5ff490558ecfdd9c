// Stands in for the diff viewer's catalogue of sixty themes (see vite.config.ts): the two that pass the contrast check
// on tinted lines.
const loaders: Readonly<Record<string, () => Promise<{ default: unknown }>>> = {
  'github-dark-default': () => import('@shikijs/themes/github-dark-default'),
  'github-light-high-contrast': () => import('@shikijs/themes/github-light-high-contrast'),
};

export const themes = {
  getTheme(name: string) {
    const load = loaders[name];
    return load && { load };
  },
};
