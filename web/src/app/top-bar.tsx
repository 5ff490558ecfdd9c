import { Link, useRouterState } from '@tanstack/react-router';
import { Moon, Play, Sun } from 'lucide-react';
import { type ReactNode, useEffect } from 'react';
import { messages } from '~/messages';
import { IconButton } from '~/ui/button';
import { ConnectionIndicator } from './connection-banner';
import { chooseTheme, useTheme } from './theme';
import type { ProjectInOrg } from './viewer-context';

const titles: readonly (readonly [RegExp, string])[] = [
  [/^\/p\/[^/]+\/board/, messages.nav.board],
  [/^\/p\/[^/]+\/agents/, messages.nav.agents],
  [/^\/p\/[^/]+\/history/, messages.nav.history],
  [/^\/(p\/[^/]+\/?)?$/, messages.nav.command],
];

export function TopBar({ project, menu }: { project?: ProjectInOrg | undefined; menu: ReactNode }) {
  const theme = useTheme();
  const path = useRouterState({ select: (state) => state.location.pathname });
  const title = titles.find(([pattern]) => pattern.test(path))?.[1] ?? messages.product;
  useEffect(() => {
    document.title = project ? `${title} · ${project.project.name}` : `${title} · ${messages.product}`;
  }, [title, project]);
  return (
    <header className="flex h-12 shrink-0 items-center gap-3 border-line border-b px-4">
      {menu}
      <h1 className="truncate font-semibold text-sm">{title}</h1>
      <div className="flex-1" />
      <ConnectionIndicator />
      <IconButton
        label={theme === 'dark' ? messages.nav.toLight : messages.nav.toDark}
        onClick={() => chooseTheme(theme === 'dark' ? 'light' : 'dark')}
      >
        {theme === 'dark' ? <Sun size={16} aria-hidden="true" /> : <Moon size={16} aria-hidden="true" />}
      </IconButton>
      {project ? (
        <Link
          to="/p/$project"
          params={{ project: project.slug }}
          hash="prompt"
          className="inline-flex h-8 shrink-0 items-center gap-2 rounded-md bg-lime px-3 font-semibold text-on-lime text-sm shadow-[inset_0_-1px_0_rgb(0_0_0/.14),0_1px_2px_rgb(0_0_0/.12)] transition-colors duration-(--fast) hover:bg-lime-hover"
        >
          <Play size={13} fill="currentColor" aria-hidden="true" />
          <span className="max-[520px]:sr-only">{messages.nav.runAgent}</span>
        </Link>
      ) : null}
    </header>
  );
}
