import { Link, useRouterState } from '@tanstack/react-router';
import { Moon, Play, Search, Sun } from 'lucide-react';
import { type ReactNode, useEffect } from 'react';
import { messages } from '~/messages';
import { IconButton } from '~/ui/button';
import { Keys } from '~/ui/kbd';
import { ConnectionIndicator } from './connection-banner';
import { showOverlay } from './overlay';
import { ScriptedLabel } from './scripted-label';
import { chooseTheme, useTheme } from './theme';
import { type ProjectInOrg, useViewer } from './viewer-context';

const titles: readonly (readonly [RegExp, string])[] = [
  [/^\/p\/[^/]+\/board/, messages.nav.board],
  [/^\/p\/[^/]+\/agents/, messages.nav.agents],
  [/^\/p\/[^/]+\/history/, messages.nav.history],
  [/^\/settings/, messages.nav.settings],
  [/^\/(p\/[^/]+\/?)?$/, messages.nav.command],
];

export function TopBar({ project, menu }: { project?: ProjectInOrg | undefined; menu: ReactNode }) {
  const theme = useTheme();
  const { viewer } = useViewer();
  const org = project?.org ?? viewer.orgs[0]?.org;
  const path = useRouterState({ select: (state) => state.location.pathname });
  const title = titles.find(([pattern]) => pattern.test(path))?.[1] ?? messages.product;
  useEffect(() => {
    document.title = project ? `${title} · ${project.project.name}` : `${title} · ${messages.product}`;
  }, [title, project]);
  return (
    <header className="flex h-12 shrink-0 items-center gap-3 border-line border-b px-4 max-[520px]:gap-2 max-[520px]:px-3">
      {menu}
      <h1 className="truncate font-semibold text-sm">{title}</h1>
      <div className="flex min-w-8 flex-1 justify-center max-[899px]:justify-end">
        <button
          type="button"
          aria-label={messages.nav.search}
          aria-keyshortcuts="Control+K Meta+K"
          className="flex h-8 w-full max-w-[420px] items-center gap-2.5 rounded-md border border-line bg-surface px-3 text-ink-2 text-sm hover:border-line-strong max-[899px]:w-8 max-[899px]:justify-center max-[899px]:px-0"
          onClick={() => showOverlay('palette')}
        >
          <Search size={15} aria-hidden="true" className="shrink-0 text-ink-3" />
          <span className="min-w-0 flex-1 truncate text-left max-[899px]:hidden">{messages.nav.search}</span>
          <Keys keys={['Mod', 'K']} className="max-[899px]:hidden" />
        </button>
      </div>
      {org ? <ScriptedLabel orgId={org.id} /> : null}
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
