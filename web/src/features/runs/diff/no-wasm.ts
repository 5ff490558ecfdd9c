// Stands in for the WebAssembly highlighters, which this app never asks for (see vite.config.ts).
const unused = (): never => {
  throw new Error('no WebAssembly highlighter is built in');
};

export const createOnigurumaEngine = unused;
export const codeToTokens = unused;
export const isSupportedLanguage = (): boolean => false;
export class LiveTokenizer {
  constructor() {
    unused();
  }
}
export const themes = {};
export default {};
