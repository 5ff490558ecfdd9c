// The output of a run as lines: commands with their output, and what the agent's program said beside.
import type { RunEvent } from '~/gql/types';
import { messages } from '~/messages';
import { bytes } from '~/ui/format';
import { logData, omission, toolData } from './run-event-data';

export interface LogLine {
  readonly key: string;
  readonly at: string;
  readonly text: string;
  readonly look: 'command' | 'output' | 'quiet' | 'error';
  /** Where the whole text is, when this line stands for what was left out. */
  readonly digest?: string | null;
}

export function logLines(events: readonly RunEvent[]): readonly LogLine[] {
  const lines: LogLine[] = [];
  const add = (event: RunEvent, text: string, look: LogLine['look']) => {
    text
      .replace(/\r?\n$/, '')
      .split(/\r?\n/)
      // A carriage return alone draws the line anew: only what it drew last counts.
      .forEach((line, index) => {
        lines.push({ key: `${event.seq}.${index}`, at: event.at, text: line.split('\r').at(-1) ?? '', look });
      });
  };
  const withOutput = new Set<string>();
  for (const event of events) {
    if (event.type === 'LOG') {
      const log = logData(event);
      if (log.call) withOutput.add(log.call);
      add(event, log.text, log.source === 'command' ? 'output' : 'quiet');
      const { omittedBytes, digest } = omission(event);
      if (omittedBytes > 0) {
        const key = `${event.seq}.omitted`;
        lines.push({ key, at: event.at, text: messages.runs.omitted(bytes(omittedBytes)), look: 'quiet', digest });
      }
    } else if (event.type === 'TOOL') {
      const tool = toolData(event);
      if (tool.status === 'started' || tool.call === null) add(event, `$ ${event.text}`, 'command');
      // A command's output comes as logs of its call; other tools answer in one piece.
      if (tool.output && !(tool.call && withOutput.has(tool.call))) add(event, tool.output, 'output');
    } else if (event.type === 'ERROR') {
      add(event, event.text, 'error');
    }
  }
  return lines;
}
