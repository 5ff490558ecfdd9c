import type { ComponentProps } from 'react';
import { classNames } from './class-names';

/** A box that scrolls: named, and reachable by keyboard, because arrows scroll only what has the focus. */
export function ScrollRegion({ label, className, ...rest }: ComponentProps<'section'> & { label: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: see above
    <section aria-label={label} tabIndex={0} className={classNames('-outline-offset-2', className)} {...rest} />
  );
}
