import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { RouterProvider } from '@tanstack/react-router';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { router } from './app/router';
import { Session } from './app/session';
import { followSystemTheme } from './app/theme';
import { installTrustedTypes } from './app/trusted-types';
import './styles.css';

installTrustedTypes();
followSystemTheme();
reloadAfterUpdate();

/**
 * A page of before an update asks for parts that the new server does not have: then the new page is loaded. Once a
 * minute at most: when a part is missing for another reason, its panel says so.
 */
function reloadAfterUpdate(): void {
  const KEY = 'lime.reloaded-at';
  window.addEventListener('vite:preloadError', (event) => {
    if (Date.now() - Number(sessionStorage.getItem(KEY) ?? 0) < 60_000) return;
    event.preventDefault();
    sessionStorage.setItem(KEY, String(Date.now()));
    window.location.reload();
  });
}

const queries = new QueryClient({
  defaultOptions: { queries: { retry: 1, refetchOnWindowFocus: false, staleTime: 10_000 } },
});

const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <Session>
        <RouterProvider router={router} />
      </Session>
    </QueryClientProvider>
  </StrictMode>,
);
