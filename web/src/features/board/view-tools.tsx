import { List, Rows3, Rows4 } from 'lucide-react';
import { messages } from '~/messages';
import { chooseDensity, useDensity } from '~/ui/density';
import { Picker } from '~/ui/menu';
import { type BoardView, LANES, type LaneKind } from './board-view';
import { Tool } from './filter-bar';

const text = messages.view;
const NONE = 'none';

/** How the board is shown: as columns or a list, cut into lanes or not, roomy or close. */
export function ViewTools({ view, onView }: { view: BoardView; onView: (view: BoardView) => void }) {
  const isCompact = useDensity() === 'compact';
  const isList = view.shape === 'list';
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms
    <div role="group" aria-label={text.label} className="flex shrink-0 items-center gap-1">
      <Tool aria-pressed={isList} on={isList} onClick={() => onView({ ...view, shape: isList ? 'board' : 'list' })}>
        <List size={15} aria-hidden="true" />
        {text.list}
      </Tool>
      {isList ? null : (
        <Picker<LaneKind | typeof NONE>
          heading={text.lanes}
          value={view.lanes ?? NONE}
          onChoose={(lanes) => onView({ ...view, lanes: lanes === NONE ? null : lanes })}
          choices={[
            ...LANES.map((value) => ({ value, label: text.lanesBy[value] })),
            { value: NONE, label: text.noLanes },
          ]}
          trigger={
            <Tool on={view.lanes !== null}>
              <Rows3 size={15} aria-hidden="true" />
              {view.lanes ? text.lanesBy[view.lanes] : text.lanes}
            </Tool>
          }
        />
      )}
      <Tool
        aria-pressed={isCompact}
        on={isCompact}
        onClick={() => chooseDensity(isCompact ? 'comfortable' : 'compact')}
      >
        <Rows4 size={15} aria-hidden="true" />
        {text.compact}
      </Tool>
    </div>
  );
}
