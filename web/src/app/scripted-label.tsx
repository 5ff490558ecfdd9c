import { useProviders } from '~/live/use-providers';
import { messages } from '~/messages';
import { ScriptedBadge } from '~/ui/scripted-badge';

/** On every screen as long as a script answers in some model's place: nobody shall take it for the real thing. */
export function ScriptedLabel({ orgId }: { orgId: string }) {
  const scripted = useProviders(orgId).some((provider) => provider.scripted);
  return scripted ? (
    <span data-testid="scripted" className="inline-flex">
      <ScriptedBadge title={messages.scriptedHere} />
    </span>
  ) : null;
}
