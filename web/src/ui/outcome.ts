// Tells a person how a change ended when it did not end well. Four outcomes look different: a rule said no, a race was
// lost (who, when), access is missing, something broke. The toaster is a live region of its own.
import { toast } from 'sonner';
import { explain } from './explain';

export function tellFailure(title: string, cause: unknown): void {
  toast.error(title, { description: explain(cause) });
}

export function tellStale(title: string, detail: string): void {
  toast.warning(title, { description: detail });
}

export interface Done {
  /** Toasts of the same id replace each other. */
  readonly id?: string;
  readonly action?: { readonly label: string; readonly onClick: () => void };
}

export function tellDone(title: string, { id, action }: Done = {}): void {
  toast.success(title, { ...(id ? { id } : {}), ...(action ? { action } : {}) });
}
