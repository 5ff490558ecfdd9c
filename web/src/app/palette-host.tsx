import { useNavigate } from '@tanstack/react-router';
import {
  Bot,
  CircleDot,
  History,
  Keyboard,
  MessageSquareText,
  Moon,
  Play,
  Plus,
  SquareKanban,
  Sun,
} from 'lucide-react';
import { useMemo } from 'react';
import { Palette } from '~/features/palette/palette';
import type { PaletteGroup, PaletteItem } from '~/features/palette/palette-items';
import { useConnection } from '~/live/connection-context';
import { openBoards } from '~/live/use-board-changes';
import { messages } from '~/messages';
import { usePageCommands } from '~/ui/page-commands';
import { showOverlay } from './overlay';
import { chooseTheme, useTheme } from './theme';
import { useGo } from './use-go';
import { type ProjectInOrg, useViewer } from './viewer-context';

const text = messages.palette;
const icon = { size: 15, strokeWidth: 1.7, 'aria-hidden': true, className: 'shrink-0' } as const;
const SHOWN = 20;
/** So many commands leave room for tickets below them; the others are found by writing. */
const AT_REST = 5;

export function PaletteHost({ project, onClose }: { project?: ProjectInOrg | undefined; onClose: () => void }) {
  const actions = useActions(project);
  const projects = useProjects();
  const tickets = useTickets(project);
  const groups = useMemo(() => [actions, tickets, projects], [actions, tickets, projects]);
  return <Palette groups={groups} onClose={onClose} />;
}

function useActions(project: ProjectInOrg | undefined): PaletteGroup {
  const theme = useTheme();
  const go = useGo();
  const here = usePageCommands();
  return useMemo(() => {
    const items: PaletteItem[] = [];
    if (project) {
      const { slug } = project;
      items.push(
        {
          id: 'run',
          label: messages.nav.runAgent,
          icon: <Play {...icon} />,
          keys: ['R'],
          run: () => go(slug, 'command', 'prompt'),
        },
        {
          id: 'create',
          label: text.createTicket,
          icon: <Plus {...icon} />,
          keys: ['C'],
          run: () => go(slug, 'board', 'new'),
        },
        {
          id: 'board',
          label: text.goTo(messages.nav.board),
          icon: <SquareKanban {...icon} />,
          keys: ['G', 'B'],
          run: () => go(slug, 'board'),
        },
        {
          id: 'agents',
          label: text.goTo(messages.nav.agents),
          icon: <Bot {...icon} />,
          keys: ['G', 'A'],
          run: () => go(slug, 'agents'),
        },
      );
    }
    items.push({
      id: 'theme',
      label: text.switchTheme,
      icon: theme === 'dark' ? <Sun {...icon} /> : <Moon {...icon} />,
      keys: ['T'],
      run: () => chooseTheme(theme === 'dark' ? 'light' : 'dark'),
    });
    if (project) {
      const { slug } = project;
      items.push(
        ...here.map((command) => ({ ...command, icon: <CircleDot {...icon} /> })),
        {
          id: 'command',
          label: text.goTo(messages.nav.command),
          icon: <MessageSquareText {...icon} />,
          keys: ['G', 'C'],
          run: () => go(slug, 'command'),
        },
        {
          id: 'history',
          label: text.goTo(messages.nav.history),
          icon: <History {...icon} />,
          keys: ['G', 'H'],
          run: () => go(slug, 'history'),
        },
      );
    }
    items.push({
      id: 'help',
      label: messages.nav.keyHelp,
      icon: <Keyboard {...icon} />,
      keys: ['?'],
      run: () => showOverlay('help'),
    });
    return { id: 'actions', title: text.actions, items, atRest: AT_REST, atMost: SHOWN };
  }, [project, theme, go, here]);
}

function useProjects(): PaletteGroup {
  const { projects } = useViewer();
  const go = useGo();
  return useMemo(
    () => ({
      id: 'projects',
      title: text.projects,
      atRest: 5,
      atMost: 10,
      items: projects.map(({ project, slug }) => ({
        id: project.id,
        sign: project.key,
        label: text.boardOf(project.name),
        run: () => go(slug, 'board'),
      })),
    }),
    [projects, go],
  );
}

/** The tickets of the boards that have been looked at; this project's first. */
function useTickets(project: ProjectInOrg | undefined): PaletteGroup {
  const connection = useConnection();
  const { projects } = useViewer();
  const navigate = useNavigate();
  return useMemo(() => {
    const isHere = (projectId: string) => projectId === project?.project.id;
    const boards = [...openBoards(connection)].sort(
      (a, b) => Number(isHere(b.projectId)) - Number(isHere(a.projectId)),
    );
    const items = boards.flatMap(({ projectId, store }): readonly PaletteItem[] => {
      const slug = projects.find((candidate) => candidate.project.id === projectId)?.slug;
      if (!slug) return [];
      return [...store.cards()]
        .filter((card) => card.key !== '')
        .map((card) => ({
          id: card.ticketId,
          sign: card.key,
          label: card.title,
          run: () =>
            void navigate({
              to: '/p/$project/board',
              params: { project: slug },
              search: (before) => (isHere(projectId) ? { ...before, ticket: card.key } : { ticket: card.key }),
            }),
        }));
    });
    return { id: 'tickets', title: text.tickets, items, atRest: 6, atMost: SHOWN };
  }, [connection, project, projects, navigate]);
}
