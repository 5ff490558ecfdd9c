import type { ComponentProps } from 'react';
import { classNames } from './class-names';

export type ButtonLook = 'primary' | 'solid' | 'outline' | 'ghost' | 'danger';

const looks: Record<ButtonLook, string> = {
  primary:
    'bg-lime text-on-lime hover:bg-lime-hover shadow-[inset_0_-1px_0_rgb(0_0_0/.14),0_1px_2px_rgb(0_0_0/.12)] font-semibold',
  solid: 'bg-ink text-canvas hover:opacity-90 font-semibold',
  outline: 'border border-line-strong bg-surface text-ink hover:bg-hover font-medium',
  danger: 'border border-line-strong bg-surface text-bad hover:bg-bad-soft font-medium',
  ghost: 'text-ink-2 hover:bg-hover hover:text-ink font-medium',
};

const sizes = { sm: 'h-7 px-2.5 gap-1.5 rounded-md text-xs', md: 'h-8 px-3 gap-2 rounded-md text-sm' };

interface ButtonProps extends ComponentProps<'button'> {
  look?: ButtonLook;
  size?: keyof typeof sizes;
}

export function Button({ look = 'outline', size = 'md', className, type = 'button', ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      className={classNames(
        'inline-flex shrink-0 items-center justify-center whitespace-nowrap transition-colors duration-(--fast)',
        'disabled:cursor-not-allowed disabled:opacity-55',
        sizes[size],
        looks[look],
        className,
      )}
      {...rest}
    />
  );
}

/** A square button that holds one icon; its name is for those who do not see it. */
export function IconButton({
  label,
  className,
  type = 'button',
  ...rest
}: ComponentProps<'button'> & { label: string }) {
  return (
    <button
      type={type}
      aria-label={label}
      title={label}
      className={classNames(
        'inline-flex size-7 shrink-0 items-center justify-center rounded-md text-ink-2 transition-colors duration-(--fast)',
        'hover:bg-hover hover:text-ink disabled:cursor-not-allowed disabled:opacity-55',
        className,
      )}
      {...rest}
    />
  );
}
