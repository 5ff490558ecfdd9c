import { messages } from '~/messages';

/** A run that a script answers says so on every screen. */
export function ScriptedBadge({ title = messages.scriptedLong }: { title?: string }) {
  return (
    <span
      title={title}
      className="inline-flex h-5 shrink-0 items-center rounded-full bg-info-soft px-2 font-medium text-2xs text-info"
    >
      {messages.scripted}
      <span className="whitespace-pre max-[520px]:sr-only"> {messages.scriptedWhat}</span>
    </span>
  );
}
