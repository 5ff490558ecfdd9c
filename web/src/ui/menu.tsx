import { Check } from 'lucide-react';
import { DropdownMenu as Radix } from 'radix-ui';
import type { ReactNode } from 'react';
import { classNames } from './class-names';

const content =
  'z-60 max-h-[min(60vh,var(--radix-dropdown-menu-content-available-height))] min-w-44 overflow-y-auto rounded-lg border border-line bg-raised p-1 shadow-pop';
const item =
  'flex h-8 cursor-pointer select-none items-center gap-2 rounded-md px-2 text-sm outline-none data-[highlighted]:bg-hover data-[disabled]:cursor-not-allowed data-[disabled]:opacity-55';

export function Menu({
  trigger,
  children,
  align = 'start',
  open,
  onOpenChange,
}: {
  trigger: ReactNode;
  children: ReactNode;
  align?: 'start' | 'end';
  open?: boolean;
  onOpenChange?: (open: boolean) => void;
}) {
  return (
    <Radix.Root modal={false} open={open} onOpenChange={onOpenChange}>
      <Radix.Trigger asChild>{trigger}</Radix.Trigger>
      <Radix.Portal>
        <Radix.Content align={align} sideOffset={4} collisionPadding={8} className={content}>
          {children}
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}

export function MenuItem({
  children,
  onSelect,
  disabled,
  danger,
}: {
  children: ReactNode;
  onSelect: () => void;
  disabled?: boolean;
  danger?: boolean;
}) {
  return (
    <Radix.Item className={classNames(item, danger && 'text-bad')} onSelect={onSelect} disabled={disabled}>
      {children}
    </Radix.Item>
  );
}

/** One of several that may be on together: choosing it leaves the menu open for the next. */
export function MenuCheck({
  children,
  checked,
  onToggle,
}: {
  children: ReactNode;
  checked: boolean;
  onToggle: () => void;
}) {
  return (
    <Radix.CheckboxItem
      className={item}
      checked={checked}
      onCheckedChange={onToggle}
      onSelect={(event) => event.preventDefault()}
    >
      <span className="flex min-w-0 flex-1 items-center gap-2">{children}</span>
      <Radix.ItemIndicator>
        <Check size={14} className="text-accent" aria-hidden="true" />
      </Radix.ItemIndicator>
    </Radix.CheckboxItem>
  );
}

export function MenuHeading({ children }: { children: ReactNode }) {
  return <Radix.Label className="px-2 pt-1.5 pb-1 text-2xs text-ink-3">{children}</Radix.Label>;
}

export function MenuLine() {
  return <Radix.Separator className="my-1 h-px bg-line" />;
}

export interface Choice<Value extends string> {
  readonly value: Value;
  readonly label: ReactNode;
  readonly disabled?: boolean;
}

/** One of several, as a part of a menu that holds other things too. */
export function MenuChoices<Value extends string>({
  heading,
  value,
  choices,
  onChoose,
}: {
  heading: string;
  value: Value;
  choices: readonly Choice<Value>[];
  onChoose: (value: Value) => void;
}) {
  return (
    <>
      <MenuHeading>{heading}</MenuHeading>
      <Choices value={value} choices={choices} onChoose={onChoose} label={heading} />
    </>
  );
}

function Choices<Value extends string>({
  value,
  choices,
  onChoose,
  label,
}: {
  value: Value | null;
  choices: readonly Choice<Value>[];
  onChoose: (value: Value) => void;
  label?: string | undefined;
}) {
  return (
    <Radix.RadioGroup value={value ?? ''} onValueChange={(next) => onChoose(next as Value)} aria-label={label}>
      {choices.map((choice) => (
        <Radix.RadioItem key={choice.value} value={choice.value} disabled={choice.disabled} className={item}>
          <span className="flex min-w-0 flex-1 items-center gap-2">{choice.label}</span>
          <Radix.ItemIndicator>
            <Check size={14} className="text-accent" aria-hidden="true" />
          </Radix.ItemIndicator>
        </Radix.RadioItem>
      ))}
    </Radix.RadioGroup>
  );
}

/** One of several: a button that shows what is chosen, and the list. */
export function Picker<Value extends string>({
  trigger,
  value,
  choices,
  onChoose,
  heading,
  align,
  footer,
}: {
  trigger: ReactNode;
  value: Value | null;
  choices: readonly Choice<Value>[];
  onChoose: (value: Value) => void;
  heading?: string;
  align?: 'start' | 'end';
  footer?: ReactNode;
}) {
  return (
    <Menu trigger={trigger} align={align}>
      {heading ? <MenuHeading>{heading}</MenuHeading> : null}
      <Choices value={value} choices={choices} onChoose={onChoose} label={heading} />
      {footer}
    </Menu>
  );
}
