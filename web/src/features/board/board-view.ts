// How a board is laid out, as it stands in the address.
export type LaneKind = 'assignee' | 'epic' | 'priority';
export type SortKind = 'rank' | 'key' | 'title' | 'priority' | 'assignee' | 'cost';

export interface BoardView {
  readonly shape: 'board' | 'list';
  /** What the board is cut into rows by; null for none. */
  readonly lanes: LaneKind | null;
  readonly sort: SortKind;
  readonly descending: boolean;
}

export interface ViewSearch {
  view?: 'list' | undefined;
  lanes?: LaneKind | undefined;
  sort?: Exclude<SortKind, 'rank'> | undefined;
  desc?: true | undefined;
}

export const LANES: readonly LaneKind[] = ['assignee', 'epic', 'priority'];
const SORTS: readonly Exclude<SortKind, 'rank'>[] = ['key', 'title', 'priority', 'assignee', 'cost'];

export function readViewSearch(search: Readonly<Record<string, unknown>>): ViewSearch {
  const lanes = LANES.find((kind) => kind === search.lanes);
  const sort = SORTS.find((kind) => kind === search.sort);
  return {
    ...(search.view === 'list' ? { view: 'list' } : {}),
    ...(lanes ? { lanes } : {}),
    ...(sort ? { sort } : {}),
    ...(sort && search.desc === true ? { desc: true } : {}),
  };
}

export const fromViewSearch = ({ view, lanes, sort, desc }: ViewSearch): BoardView => ({
  shape: view === 'list' ? 'list' : 'board',
  lanes: lanes ?? null,
  sort: sort ?? 'rank',
  descending: desc === true,
});

/** Every key is named, so that what is no longer so leaves the address. */
export const toViewSearch = ({ shape, lanes, sort, descending }: BoardView): ViewSearch => ({
  view: shape === 'list' ? 'list' : undefined,
  lanes: lanes ?? undefined,
  sort: sort === 'rank' ? undefined : sort,
  desc: (sort !== 'rank' && descending) || undefined,
});

/** One press sorts up, the next down, the third not at all: back to the order of the board. */
export function sortedBy(view: BoardView, sort: SortKind): BoardView {
  if (view.sort !== sort) return { ...view, sort, descending: false };
  return view.descending ? { ...view, sort: 'rank', descending: false } : { ...view, descending: true };
}
