import { Toaster as Sonner } from 'sonner';

/** Where the page says what happened. */
export function Toaster({ theme }: { theme: 'light' | 'dark' }) {
  return <Sonner theme={theme} position="bottom-right" closeButton toastOptions={{ className: 'lime-toast' }} />;
}
