import { Check, Copy } from 'lucide-react';
import { useId, useState } from 'react';
import { messages } from '~/messages';
import { Button } from './button';

const text = messages.settings;

/** A secret that was just made: to be copied now, for it is shown nowhere again. */
export function ShownOnce({ label, value, hint }: { label: string; value: string; hint: string }) {
  const [copied, setCopied] = useState(false);
  const id = useId();
  const copy = () => {
    void navigator.clipboard?.writeText(value).then(() => setCopied(true));
  };
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-xs text-ink-2">
        {label}
      </label>
      <div className="flex gap-2">
        <input
          id={id}
          readOnly
          value={value}
          spellCheck={false}
          aria-describedby={`${id}-hint`}
          onFocus={(event) => event.target.select()}
          className="h-9 min-w-0 flex-1 rounded-md border border-line-strong bg-sunken px-2.5 font-mono text-xs"
        />
        <Button className="h-9" onClick={copy}>
          {copied ? <Check size={14} aria-hidden="true" /> : <Copy size={14} aria-hidden="true" />}
          <span aria-live="polite">{copied ? text.copied : text.copy}</span>
        </Button>
      </div>
      <p id={`${id}-hint`} className="mt-1 text-2xs text-ink-3">
        {hint}
      </p>
    </div>
  );
}
