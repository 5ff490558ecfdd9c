import type { RequestError } from '~/gql/request';

export type LoadState =
  | { readonly status: 'loading' }
  | { readonly status: 'ready' }
  | { readonly status: 'failed'; readonly error: RequestError };

/** The load state of a live thing, for `useSyncExternalStore`. */
export class LoadStatus {
  #state: LoadState = { status: 'loading' };
  readonly #listeners = new Set<() => void>();

  state = (): LoadState => this.#state;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  set(state: LoadState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}
