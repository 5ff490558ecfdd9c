import { ImageOff } from 'lucide-react';
import { createContext, type ReactNode, useContext, useId, useMemo } from 'react';
import ReactMarkdown, { type Components, type Options } from 'react-markdown';
import rehypeSanitize, { defaultSchema } from 'rehype-sanitize';
import remarkGfm from 'remark-gfm';
import { messages } from '~/messages';

const remarkPlugins = [remarkGfm];

const InLink = createContext(false);

const Away = ({ href, children }: { href: string | undefined; children: ReactNode }) => (
  <a href={href} target="_blank" rel="noreferrer noopener nofollow">
    {children}
  </a>
);

/** A remote image tells its server who reads what and when. Its words remain, and its address as a link. */
function NoImage({ src, alt }: { src: unknown; alt: string | undefined }) {
  const address = typeof src === 'string' ? src : undefined;
  const shown = (
    <>
      <ImageOff size={13} aria-hidden="true" /> {alt || address}
    </>
  );
  return useContext(InLink) ? shown : <Away href={address}>{shown}</Away>;
}

/** `prefix` stands before every name that the text gives: no text may name a part of the page, or of another text. */
function rendering(prefix: string): Pick<Options, 'components' | 'rehypePlugins'> {
  const components: Components = {
    a: ({ href, children, id, 'aria-label': label, 'aria-describedby': describedBy }) =>
      href?.startsWith('#') ? (
        // A footnote and the way back from it.
        <a href={`#${prefix}${href.slice(1)}`} id={id} aria-label={label} aria-describedby={describedBy}>
          {children}
        </a>
      ) : (
        <InLink value={true}>
          <Away href={href}>{children}</Away>
        </InLink>
      ),
    img: ({ src, alt }) => <NoImage src={src} alt={alt} />,
    // The box of a task list: its words stand beside it and are no label of it.
    input: ({ checked }) => (
      <input
        type="checkbox"
        disabled
        checked={checked ?? false}
        aria-label={checked ? messages.markdown.done : messages.markdown.open}
      />
    ),
  };
  return { components, rehypePlugins: [[rehypeSanitize, { ...defaultSchema, clobberPrefix: prefix }]] };
}

// biome-ignore lint/style/noDefaultExport: React.lazy asks for one
export default function MarkdownRendered({ text }: { text: string }) {
  const prefix = `text-${useId()}-`;
  const { components, rehypePlugins } = useMemo(() => rendering(prefix), [prefix]);
  return (
    <ReactMarkdown remarkPlugins={remarkPlugins} rehypePlugins={rehypePlugins} components={components}>
      {text}
    </ReactMarkdown>
  );
}
