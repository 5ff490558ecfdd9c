import { type ReactNode, useEffect, useState } from 'react';
import { classNames } from './class-names';

export function Skeleton({ className }: { className?: string }) {
  return <div className={classNames('skeleton', className)} aria-hidden="true" />;
}

const AFTER_MS = 150;

/** Shows its children only when the wait is long enough to be seen: what is there at once should not flicker. */
export function AfterAMoment({ children }: { children: ReactNode }) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return shown ? children : null;
}
