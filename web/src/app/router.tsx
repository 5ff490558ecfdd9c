// The map of the app. Routes are where features meet: nothing else imports two of them.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from '@tanstack/react-router';
import { type FilterSearch, readFilterSearch } from '~/features/board/board-filter';
import { readViewSearch, type ViewSearch } from '~/features/board/board-view';
import { NotFound, ProjectLayout, RootLayout } from './layouts';
import { HomeRoute } from './routes/home';

const rootRoute = createRootRoute({ component: RootLayout, notFoundComponent: NotFound });

const homeRoute = createRoute({ getParentRoute: () => rootRoute, path: '/', component: HomeRoute });

const projectRoute = createRoute({ getParentRoute: () => rootRoute, path: '/p/$project', component: ProjectLayout });

const commandRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: '/',
  component: lazyRouteComponent(() => import('./routes/command'), 'CommandRoute'),
});

export interface BoardSearch extends FilterSearch, ViewSearch {
  /** The key of the ticket whose drawer is open, "AL-12". */
  ticket?: string | undefined;
}

const boardRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: '/board',
  validateSearch: (search: Record<string, unknown>): BoardSearch => ({
    ...readFilterSearch(search),
    ...readViewSearch(search),
    ...(typeof search.ticket === 'string' ? { ticket: search.ticket } : {}),
  }),
  component: lazyRouteComponent(() => import('./routes/board'), 'BoardRoute'),
});

const agentsRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: '/agents',
  component: lazyRouteComponent(() => import('./routes/agents'), 'AgentsRoute'),
});

const runRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: '/agents/$runId',
  component: lazyRouteComponent(() => import('./routes/run'), 'RunRoute'),
});

const historyRoute = createRoute({
  getParentRoute: () => projectRoute,
  path: '/history',
  component: lazyRouteComponent(() => import('./routes/history'), 'HistoryRoute'),
});

const joinRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/join',
  component: lazyRouteComponent(() => import('./routes/join'), 'JoinRoute'),
});

const settingsRoute = createRoute({
  getParentRoute: () => rootRoute,
  path: '/settings',
  component: lazyRouteComponent(() => import('./routes/settings'), 'SettingsLayout'),
});
const settingsIndexRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: '/',
  component: lazyRouteComponent(() => import('./routes/settings'), 'SettingsIndex'),
});
const membersRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: '/members',
  component: lazyRouteComponent(() => import('./routes/settings'), 'MembersRoute'),
});
const moneyRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: '/providers',
  component: lazyRouteComponent(() => import('./routes/settings'), 'MoneyRoute'),
});
const tokensRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: '/tokens',
  component: lazyRouteComponent(() => import('./routes/settings'), 'TokensRoute'),
});
const sessionsRoute = createRoute({
  getParentRoute: () => settingsRoute,
  path: '/sessions',
  component: lazyRouteComponent(() => import('./routes/settings'), 'SessionsRoute'),
});

export const router = createRouter({
  routeTree: rootRoute.addChildren([
    homeRoute,
    joinRoute,
    settingsRoute.addChildren([settingsIndexRoute, membersRoute, moneyRoute, tokensRoute, sessionsRoute]),
    projectRoute.addChildren([commandRoute, boardRoute, agentsRoute, runRoute, historyRoute]),
  ]),
  defaultPreload: 'intent',
  // Scroll belongs to the panels, not to the page.
  scrollRestoration: false,
});

declare module '@tanstack/react-router' {
  interface Register {
    router: typeof router;
  }
}
