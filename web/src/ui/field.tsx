import { type ComponentProps, useId } from 'react';
import { classNames } from './class-names';

/** A labelled text field with a hint, which a fault replaces. */
export function TextField({
  label,
  hint,
  fault,
  className,
  ...rest
}: ComponentProps<'input'> & { label: string; hint?: string; fault?: string | null }) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block text-xs text-ink-2">
        {label}
      </label>
      <input
        id={id}
        aria-invalid={fault ? true : undefined}
        aria-describedby={fault || hint ? `${id}-hint` : undefined}
        autoComplete="off"
        className={classNames(
          'h-9 w-full rounded-md border bg-surface px-2.5 text-sm placeholder:text-ink-3',
          fault ? 'border-bad' : 'border-line-strong',
        )}
        {...rest}
      />
      {fault || hint ? (
        <p id={`${id}-hint`} className={classNames('mt-1 text-2xs', fault ? 'text-bad' : 'text-ink-3')}>
          {fault ?? hint}
        </p>
      ) : null}
    </div>
  );
}
