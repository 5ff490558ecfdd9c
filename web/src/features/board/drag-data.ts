// What travels with a drag: pragmatic-drag-and-drop carries plain records, and these say what is in them.
export interface CardDrag {
  readonly kind: 'card';
  readonly ticketId: string;
  /** The version at the moment of lifting. */
  readonly seenVersion: number | undefined;
}

export const cardDrag = (ticketId: string, seenVersion: number | undefined): Record<string, unknown> => ({
  kind: 'card',
  ticketId,
  seenVersion,
});

export function readCardDrag(data: Record<string | symbol, unknown>): CardDrag | null {
  if (data.kind !== 'card' || typeof data.ticketId !== 'string') return null;
  return {
    kind: 'card',
    ticketId: data.ticketId,
    seenVersion: typeof data.seenVersion === 'number' ? data.seenVersion : undefined,
  };
}
