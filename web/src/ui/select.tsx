import type { ComponentProps } from 'react';
import { useId } from 'react';
import { classNames } from './class-names';

/** The browser's own list: it works with every keyboard, reader and screen. */
export function Select({ className, ...rest }: ComponentProps<'select'>) {
  return (
    <select
      className={classNames(
        'h-8 rounded-md border border-line-strong bg-surface px-2 text-sm hover:bg-hover disabled:cursor-not-allowed disabled:opacity-55',
        className,
      )}
      {...rest}
    />
  );
}

export function SelectField({
  label,
  hint,
  className,
  ...rest
}: ComponentProps<'select'> & { label: string; hint?: string }) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1 block text-xs text-ink-2">
        {label}
      </label>
      <Select id={id} className="h-9 w-full" aria-describedby={hint ? `${id}-hint` : undefined} {...rest} />
      {hint ? (
        <p id={`${id}-hint`} className="mt-1 text-2xs text-ink-3">
          {hint}
        </p>
      ) : null}
    </div>
  );
}
