import { Link, useNavigate } from '@tanstack/react-router';
import {
  Bot,
  ChevronsUpDown,
  History,
  Keyboard,
  LogOut,
  MessageSquareText,
  Plus,
  Settings,
  SquareKanban,
} from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { useRunsChanges } from '~/live/use-runs-changes';
import { messages } from '~/messages';
import { PersonAvatar } from '~/ui/avatar';
import { classNames } from '~/ui/class-names';
import { chooseDensity, type Density, useDensity } from '~/ui/density';
import { Mark } from '~/ui/mark';
import { Menu, MenuChoices, MenuItem, MenuLine, Picker } from '~/ui/menu';
import { runLook } from '~/ui/run-look';
import { BudgetToday } from './budget-today';
import { CreateOrg } from './create-org';
import { CreateProject } from './create-project';
import { showOverlay } from './overlay';
import { chooseTheme, type ThemeChoice, useThemeChoice } from './theme';
import { useGoToProject } from './use-go-to-project';
import { type ProjectInOrg, useViewer } from './viewer-context';

const row =
  'flex h-8 shrink-0 items-center gap-3 rounded-md px-2.5 text-sm text-rind-mute transition-colors duration-(--fast) hover:bg-rind-2 hover:text-rind-text';
const active =
  'bg-rind-2 font-medium !text-rind-text before:absolute before:-left-0 before:h-4 before:w-[3px] before:rounded-r before:bg-lime';
const icon = { size: 16, strokeWidth: 1.7, 'aria-hidden': true } as const;

export function Sidebar({ project }: { project?: ProjectInOrg | undefined }) {
  const { viewer, projects, membership, signOut } = useViewer();
  const [creating, setCreating] = useState(false);
  const goTo = useGoToProject();
  const navigate = useNavigate();
  const org = project?.org ?? membership?.org;
  const ofOrg = projects.filter((other) => other.org.id === org?.id);
  return (
    <div className="flex h-full w-[220px] flex-col bg-rind p-2 text-rind-text">
      <Link to="/" className="flex items-center gap-2.5 rounded-md px-2 pt-2.5 pb-1">
        <Mark />
        <span className="truncate font-display font-semibold text-[15px] leading-5">{messages.product}</span>
      </Link>
      <OrgSwitcher org={org} />
      {project ? <ProjectNav project={project} /> : null}
      <div className="mt-6 flex min-h-0 flex-1 flex-col">
        <h2 className="px-2.5 pb-1 text-2xs text-rind-mute">{messages.nav.projects}</h2>
        <ul className="min-h-0 space-y-0.5 overflow-y-auto">
          {ofOrg.map((other) => (
            <li key={other.project.id}>
              <Link
                to="/p/$project/board"
                params={{ project: other.slug }}
                className={classNames(row, other.project.id === project?.project.id && '!text-rind-text')}
                aria-current={other.project.id === project?.project.id ? 'true' : undefined}
              >
                <ProjectSign id={other.project.id} projectKey={other.project.key} />
                <span className="truncate">{other.project.name}</span>
              </Link>
            </li>
          ))}
        </ul>
        {org ? (
          <button type="button" className={classNames(row, 'mt-0.5 w-full')} onClick={() => setCreating(true)}>
            <span className="inline-flex size-[18px] items-center justify-center">
              <Plus {...icon} />
            </span>
            {messages.nav.newProject}
          </button>
        ) : null}
      </div>
      {org ? <BudgetToday orgId={org.id} /> : null}
      <NavLink>
        <Link to="/settings" className={row} activeProps={{ className: active }}>
          <Settings {...icon} />
          {messages.nav.settings}
        </Link>
      </NavLink>
      <Menu
        trigger={
          <button type="button" className={classNames(row, 'h-10 w-full')} aria-label={messages.nav.account}>
            <PersonAvatar id={viewer.user.id} name={viewer.user.name} />
            <span className="min-w-0 flex-1 truncate text-left text-rind-text">{viewer.user.name}</span>
            <ChevronsUpDown size={14} aria-hidden="true" />
          </button>
        }
      >
        <Appearance />
        <MenuLine />
        <MenuItem onSelect={() => showOverlay('help')}>
          <Keyboard size={14} aria-hidden="true" />
          {messages.nav.keyHelp}
        </MenuItem>
        <MenuItem onSelect={() => void navigate({ to: '/settings/sessions' })}>
          <Settings size={14} aria-hidden="true" />
          {messages.nav.settings}
        </MenuItem>
        <MenuItem onSelect={() => void signOut()}>
          <LogOut size={14} aria-hidden="true" />
          {messages.nav.signOut}
        </MenuItem>
      </Menu>
      {org ? <CreateProject open={creating} onOpenChange={setCreating} orgId={org.id} onCreated={goTo} /> : null}
    </div>
  );
}

const THEMES: readonly ThemeChoice[] = ['light', 'dark', 'system'];
const DENSITIES: readonly Density[] = ['comfortable', 'compact'];

function Appearance() {
  const theme = useThemeChoice();
  const density = useDensity();
  return (
    <>
      <MenuChoices
        heading={messages.nav.theme}
        value={theme}
        onChoose={chooseTheme}
        choices={THEMES.map((value) => ({ value, label: messages.nav.themes[value] }))}
      />
      <MenuLine />
      <MenuChoices
        heading={messages.nav.density}
        value={density}
        onChoose={chooseDensity}
        choices={DENSITIES.map((value) => ({ value, label: messages.nav.densities[value] }))}
      />
    </>
  );
}

/** Which organisation is looked at, and the way to another. */
function OrgSwitcher({ org }: { org: { id: string; name: string } | undefined }) {
  const { viewer, chooseOrg, reload } = useViewer();
  const [creating, setCreating] = useState(false);
  const navigate = useNavigate();
  const goTo = (orgId: string) => {
    chooseOrg(orgId);
    void navigate({ to: '/' });
  };
  if (!org) return null;
  return (
    <>
      <Picker
        heading={messages.nav.orgs}
        value={org.id}
        onChoose={goTo}
        choices={viewer.orgs.map((other) => ({
          value: other.org.id,
          label: <span className="max-w-56 truncate">{other.org.name}</span>,
        }))}
        footer={
          <>
            <MenuLine />
            <MenuItem onSelect={() => setCreating(true)}>
              <Plus size={14} aria-hidden="true" />
              {messages.nav.newOrg}
            </MenuItem>
          </>
        }
        trigger={
          <button type="button" className={classNames(row, 'mb-2 w-full')} aria-label={messages.nav.org(org.name)}>
            <span className="min-w-0 flex-1 truncate text-left">{org.name}</span>
            <ChevronsUpDown size={13} aria-hidden="true" />
          </button>
        }
      />
      <CreateOrg
        open={creating}
        onOpenChange={setCreating}
        onCreated={async (orgId) => {
          await reload();
          goTo(orgId);
        }}
      />
    </>
  );
}

function ProjectNav({ project }: { project: ProjectInOrg }) {
  const params = { project: project.slug };
  return (
    <nav aria-label={messages.nav.label} className="space-y-0.5">
      <NavLink>
        <Link
          to="/p/$project"
          params={params}
          activeOptions={{ exact: true }}
          className={row}
          activeProps={{ className: active }}
        >
          <MessageSquareText {...icon} />
          {messages.nav.command}
        </Link>
      </NavLink>
      <NavLink>
        <Link to="/p/$project/board" params={params} className={row} activeProps={{ className: active }}>
          <SquareKanban {...icon} />
          {messages.nav.board}
        </Link>
      </NavLink>
      <NavLink>
        <Link to="/p/$project/agents" params={params} className={row} activeProps={{ className: active }}>
          <Bot {...icon} />
          <span className="flex-1">{messages.nav.agents}</span>
          <LiveRunCount project={project} />
        </Link>
      </NavLink>
      <NavLink>
        <Link to="/p/$project/history" params={params} className={row} activeProps={{ className: active }}>
          <History {...icon} />
          {messages.nav.history}
        </Link>
      </NavLink>
    </nav>
  );
}

/** The active mark stands at the sidebar's edge, so each link is placed. */
function NavLink({ children }: { children: ReactNode }) {
  return <div className="relative [&_svg]:shrink-0 [&>a.bg-rind-2>svg]:text-lime">{children}</div>;
}

function LiveRunCount({ project }: { project: ProjectInOrg }) {
  const { runs } = useRunsChanges(project.org.id, project.project.id);
  const live = runs.filter((run) => runLook(run.state) === 'alive').length;
  if (live === 0) return null;
  return (
    <span
      className="inline-flex items-center gap-1.5 text-2xs text-lime tabular-nums"
      title={messages.nav.liveRuns(live)}
    >
      <span className="live-dot size-1.5 rounded-full bg-lime" aria-hidden="true" />
      <span className="sr-only">{messages.nav.liveRuns(live)}</span>
      <span aria-hidden="true">{live}</span>
    </span>
  );
}

const HUES = 6;

function ProjectSign({ id, projectKey }: { id: string; projectKey: string }) {
  let hash = 0;
  for (const char of id) hash = (hash * 31 + char.charCodeAt(0)) >>> 0;
  return (
    <span
      aria-hidden="true"
      className={classNames(
        `project-hue-${hash % HUES}`,
        'inline-flex size-[18px] shrink-0 items-center justify-center rounded-[5px] font-semibold text-[9px] leading-none',
      )}
    >
      {projectKey.slice(0, 2)}
    </span>
  );
}
