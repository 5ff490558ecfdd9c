// Runs before the first paint, so that the page never flashes in the other theme. The same rule stands in src/app/theme.ts.
(() => {
  let choice = null;
  try {
    choice = localStorage.getItem('lime.theme');
  } catch {
    // storage is off: follow the system
  }
  const dark = choice ? choice === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
})();
