import { classNames } from './class-names';
import { lookText, type RunLook } from './run-look';

const STATIONS = 5;
const RADIUS = 3.6;

function wedge(share: number): string {
  const angle = share * 2 * Math.PI;
  const x = 8 + RADIUS * Math.sin(angle);
  const y = 8 - RADIUS * Math.cos(angle);
  return `M8 8V${8 - RADIUS}A${RADIUS} ${RADIUS} 0 ${share > 0.5 ? 1 : 0} 1 ${x.toFixed(2)} ${y.toFixed(2)}Z`;
}

/** One slice of citrus: how far along it is, and by its rim and colour whether it lives. Decoration: words stand beside it. */
export function Slice({ look, reached, size = 16 }: { look: RunLook; reached: number; size?: number }) {
  const share = look === 'done' ? 1 : Math.min(reached, STATIONS) / STATIONS;
  const alive = look === 'alive';
  return (
    <svg
      className={classNames('shrink-0', lookText[look])}
      width={size}
      height={size}
      viewBox="0 0 16 16"
      aria-hidden="true"
    >
      <circle
        cx="8"
        cy="8"
        r="6.6"
        fill="none"
        stroke="currentColor"
        strokeWidth="1.5"
        strokeDasharray={alive ? '2.6 1.55' : undefined}
        className={alive ? 'slice-rim' : undefined}
      />
      {share >= 1 ? <circle cx="8" cy="8" r={RADIUS} fill="currentColor" /> : null}
      {share > 0 && share < 1 ? <path d={wedge(share)} fill="currentColor" /> : null}
    </svg>
  );
}
