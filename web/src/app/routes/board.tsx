import { Link, useNavigate, useRouterState, useSearch } from '@tanstack/react-router';
import { lazy, Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import { type BoardFilter, type FilterSearch, fromSearch, toSearch } from '~/features/board/board-filter';
import { BoardPage } from '~/features/board/board-page';
import { type BoardView, fromViewSearch, toViewSearch, type ViewSearch } from '~/features/board/board-view';
import { type LiveBoard, useBoardChanges } from '~/live/use-board-changes';
import { useRunsChanges } from '~/live/use-runs-changes';
import { messages } from '~/messages';
import { Blankslate } from '~/ui/blankslate';
import { classNames } from '~/ui/class-names';
import { runLook } from '~/ui/run-look';
import { useProject } from '../project-context';
import type { BoardSearch } from '../router';
import { useIsEmpty } from '../use-is-empty';
import { membersOf, useViewer } from '../viewer-context';

const OpenTicket = lazy(async () => ({ default: (await import('./open-ticket')).OpenTicket }));

export function BoardRoute() {
  const { project, org } = useProject();
  const { viewer } = useViewer();
  const { ticket: openKey, ...search } = useSearch({ from: '/p/$project/board' });
  const change = useChangeSearch();
  const board = useBoardChanges(project.id);
  const people = useMemo(() => membersOf(org), [org]);
  const filter = useSameFilter(search);
  const open = useCallback((key: string) => change({ ticket: key }), [change]);
  const close = useCallback(() => change({ ticket: undefined }), [change]);
  const onFilter = useCallback(
    (next: BoardFilter) => change({ ...emptySearch, ...toSearch(next) }, { replace: true }),
    [change],
  );
  const view = useSameView(search);
  const onView = useCallback((next: BoardView) => change(toViewSearch(next), { replace: true }), [change]);
  const writeNew = useNewAsked();
  return (
    <>
      <BoardPage
        board={board}
        projectId={project.id}
        viewerId={viewer.user.id}
        people={people}
        filter={filter}
        onFilter={onFilter}
        view={view}
        onView={onView}
        onOpen={open}
        writeNew={writeNew}
        aside={<OnTheLine />}
        whenEmpty={<WhenEmpty board={board} />}
      />
      <Suspense fallback={null}>
        {openKey ? <OpenTicket key={openKey} ticketKey={openKey} board={board} onOpen={open} onClose={close} /> : null}
      </Suspense>
    </>
  );
}

/** Changes a part of the address and leaves the rest: the filter stays while a ticket is opened. */
function useChangeSearch() {
  const { slug } = useProject();
  const navigate = useNavigate();
  return useCallback(
    (part: BoardSearch, { replace = false }: { replace?: boolean } = {}) =>
      void navigate({
        to: '/p/$project/board',
        params: { project: slug },
        search: (before) => ({ ...before, ...part }),
        replace,
      }),
    [navigate, slug],
  );
}

/** Counts the times that the address came with #new, and takes that off again: it is a wish, not a place. */
function useNewAsked(): number {
  const navigate = useNavigate();
  const [asked, setAsked] = useState(0);
  const isAsked = useRouterState({ select: (state) => state.location.hash === 'new' });
  useEffect(() => {
    if (!isAsked) return;
    setAsked((count) => count + 1);
    void navigate({ to: '.', search: (before) => before, hash: '', replace: true });
  }, [isAsked, navigate]);
  return asked;
}

const emptySearch: FilterSearch = {
  assignee: undefined,
  label: undefined,
  kind: undefined,
  agent: undefined,
  needs: undefined,
  q: undefined,
};

/** The same object as long as the address says the same: what is computed from it is not computed again. */
function useSameFilter(search: FilterSearch): BoardFilter {
  const written = JSON.stringify(toSearch(fromSearch(search)));
  return useMemo(() => fromSearch(JSON.parse(written) as FilterSearch), [written]);
}

function useSameView({ view, lanes, sort, desc }: ViewSearch): BoardView {
  return useMemo(() => fromViewSearch({ view, lanes, sort, desc }), [view, lanes, sort, desc]);
}

function OnTheLine() {
  const { project, org } = useProject();
  const { runs } = useRunsChanges(org.id, project.id);
  const alive = runs.filter((run) => runLook(run.state) === 'alive').length;
  return (
    <span className="inline-flex shrink-0 items-center gap-2 text-ink-2">
      <span
        aria-hidden="true"
        className={classNames(
          'size-2 rounded-full',
          alive > 0 ? 'live-dot bg-lime ring-1 ring-accent-line' : 'bg-line-strong',
        )}
      />
      {alive > 0 ? messages.board.onTheLine(alive) : messages.board.noneOnTheLine}
    </span>
  );
}

function WhenEmpty({ board }: { board: LiveBoard }) {
  const { slug } = useProject();
  const isEmpty = useIsEmpty(board.store);
  if (!isEmpty) return null;
  return (
    <div className="shrink-0 border-line border-b">
      <Blankslate
        compact
        title={messages.board.emptyTitle}
        lead={messages.board.emptyLead}
        action={
          <Link
            to="/p/$project"
            params={{ project: slug }}
            hash="prompt"
            className="font-medium text-accent underline underline-offset-2"
          >
            {messages.board.emptyAction}
          </Link>
        }
      />
    </div>
  );
}
