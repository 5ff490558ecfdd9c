import { useRouterState } from '@tanstack/react-router';
import { Menu as MenuIcon } from 'lucide-react';
import { type ReactNode, useEffect, useState } from 'react';
import { messages } from '~/messages';
import { IconButton } from '~/ui/button';
import { classNames } from '~/ui/class-names';
import { ConnectionBanner } from './connection-banner';
import { Shortcuts } from './shortcuts';
import { Sidebar } from './sidebar';
import { TopBar } from './top-bar';
import type { ProjectInOrg } from './viewer-context';

/** The frame of every page: the rind on the left, the bar on top, and below it the banner when the line is down. */
export function Shell({ project, children }: { project?: ProjectInOrg; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  const path = useRouterState({ select: (state) => state.location.pathname });
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new page closes the menu that led to it
  useEffect(() => setOpen(false), [path]);
  return (
    <div className="flex h-full">
      <Shortcuts project={project} />
      <a
        href="#page"
        className="-translate-y-20 fixed top-2 left-2 z-80 rounded-md bg-lime px-3 py-1.5 font-semibold text-on-lime focus:translate-y-0"
      >
        {messages.nav.skip}
      </a>
      {open ? (
        <button
          type="button"
          aria-label={messages.nav.close}
          className="scrim fixed inset-0 z-30 min-[900px]:hidden"
          onClick={() => setOpen(false)}
        />
      ) : null}
      <div
        className={classNames(
          'z-30 shrink-0 max-[899px]:fixed max-[899px]:inset-y-0 max-[899px]:left-0 max-[899px]:transition-[translate,visibility] max-[899px]:duration-(--med)',
          open ? 'translate-x-0' : 'max-[899px]:invisible max-[899px]:-translate-x-full',
        )}
      >
        <Sidebar project={project} />
      </div>
      <div className="flex min-w-0 flex-1 flex-col">
        <TopBar
          project={project}
          menu={
            <IconButton
              label={messages.nav.open}
              aria-expanded={open}
              className="min-[900px]:hidden"
              onClick={() => setOpen(true)}
            >
              <MenuIcon size={18} aria-hidden="true" />
            </IconButton>
          }
        />
        <ConnectionBanner />
        <main id="page" tabIndex={-1} className="relative min-h-0 flex-1 outline-none">
          {children}
        </main>
      </div>
    </div>
  );
}
