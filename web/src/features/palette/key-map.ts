// The keys of the app as its help shows them. What each does stands where it is done; a test holds that the places that
// can be gone to are the same here and there.
import { messages } from '~/messages';
import { destinations } from './key-sequence';

const text = messages.keys;

export interface KeyGroup {
  readonly title: string;
  readonly keys: readonly { readonly what: string; readonly keys: readonly string[] }[];
}

export const keyMap: readonly KeyGroup[] = [
  {
    title: text.everywhere,
    keys: [
      { what: text.palette, keys: ['Mod', 'K'] },
      { what: text.help, keys: ['?'] },
      { what: text.create, keys: ['C'] },
      { what: text.run, keys: ['R'] },
      { what: text.theme, keys: ['T'] },
    ],
  },
  {
    title: text.going,
    keys: destinations.map(({ key, to }) => ({ what: text.destinations[to], keys: ['G', key.toUpperCase()] })),
  },
  {
    title: text.onBoard,
    keys: [
      { what: text.between, keys: ['↑', '↓', '←', '→'] },
      { what: text.betweenLetters, keys: ['K', 'J', 'H', 'L'] },
      { what: text.open, keys: ['Enter'] },
      { what: text.lift, keys: ['Space'] },
      { what: text.back, keys: ['Esc'] },
      { what: text.filter, keys: ['F'] },
      { what: text.words, keys: ['/'] },
      { what: text.undo, keys: ['Mod', 'Z'] },
      { what: text.redo, keys: ['Mod', 'Shift', 'Z'] },
    ],
  },
  {
    title: text.onTickets,
    keys: [
      { what: text.select, keys: ['X'] },
      { what: text.range, keys: ['Shift', '↓'] },
      { what: text.all, keys: ['Mod', 'A'] },
      { what: text.move, keys: ['M'] },
      { what: text.assign, keys: ['A'] },
      { what: text.prioritise, keys: ['P'] },
    ],
  },
];
