// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Connection, socketUrl } from './connection';

/** Stands in for the browser's socket; a test speaks for the server. */
class FakeSocket {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  static all: FakeSocket[] = [];
  readyState = FakeSocket.CONNECTING;
  sent: string[] = [];
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onerror: ((event: unknown) => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;

  constructor(
    readonly url: string,
    readonly protocol: string,
  ) {
    FakeSocket.all.push(this);
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text).type);
  }

  close(): void {
    this.readyState = FakeSocket.CLOSED;
  }

  async accept(): Promise<void> {
    this.readyState = FakeSocket.OPEN;
    this.onopen?.();
    await vi.advanceTimersByTimeAsync(0);
    this.onmessage?.({ data: JSON.stringify({ type: 'connection_ack' }) });
    await vi.advanceTimersByTimeAsync(0);
  }

  async drop(code: number): Promise<void> {
    this.readyState = FakeSocket.CLOSED;
    this.onclose?.({ code, reason: '' });
    await vi.advanceTimersByTimeAsync(0);
  }
}

const newest = (): FakeSocket => {
  const socket = FakeSocket.all.at(-1);
  if (!socket) throw new Error('no socket was opened');
  return socket;
};

describe('Connection', () => {
  let connection: Connection;
  beforeEach(async () => {
    vi.useFakeTimers();
    vi.stubGlobal('WebSocket', FakeSocket);
    FakeSocket.all = [];
    connection = new Connection('ws://lime/graphql/ws');
    await vi.advanceTimersByTimeAsync(0);
  });
  afterEach(() => {
    connection.dispose();
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });

  it('connects at once and is live when the server has greeted', async () => {
    expect(connection.state().phase).toBe('connecting');
    expect(newest().protocol).toBe('graphql-transport-ws');
    await newest().accept();
    expect(connection.state().phase).toBe('live');
  });

  it('is lost when the socket drops, keeps the moment, and comes back by itself', async () => {
    await newest().accept();
    vi.setSystemTime(1_000_000);
    await newest().drop(1006);
    expect(connection.state()).toEqual({ phase: 'lost', since: 1_000_000 });
    await vi.advanceTimersByTimeAsync(400);
    expect(FakeSocket.all).toHaveLength(2);
    expect(connection.state().since).toBe(1_000_000);
    await newest().accept();
    expect(connection.state().phase).toBe('live');
  });

  it('tries for ever, with growing waits', async () => {
    await newest().accept();
    await newest().drop(1006);
    for (let attempt = 0; attempt < 12; attempt += 1) {
      const before = FakeSocket.all.length;
      await vi.advanceTimersByTimeAsync(10_500);
      expect(FakeSocket.all.length).toBe(before + 1);
      await newest().drop(1006);
    }
    expect(connection.state().phase).toBe('lost');
  });

  it.each([4401, 4403])('takes close code %i for final', async (code) => {
    await newest().accept();
    await newest().drop(code);
    expect(connection.state().phase).toBe('ended');
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.all).toHaveLength(1);
  });

  it('takes silence after a ping for a cut', async () => {
    await newest().accept();
    await vi.advanceTimersByTimeAsync(10_000);
    expect(newest().sent).toContain('ping');
    expect(connection.state().phase).toBe('live');
    await vi.advanceTimersByTimeAsync(5_000);
    expect(connection.state().phase).toBe('lost');
    await vi.advanceTimersByTimeAsync(400);
    expect(FakeSocket.all).toHaveLength(2);
  });

  it('does not sit out its wait when the browser says that it is online again', async () => {
    await newest().accept();
    window.dispatchEvent(new Event('offline'));
    await vi.advanceTimersByTimeAsync(0);
    expect(connection.state().phase).toBe('lost');
    window.dispatchEvent(new Event('online'));
    await vi.advanceTimersByTimeAsync(0);
    expect(FakeSocket.all).toHaveLength(2);
  });

  it('is catching up as long as any stream is behind', async () => {
    await newest().accept();
    const first = connection.behind();
    const second = connection.behind();
    expect(connection.state().phase).toBe('catching-up');
    first();
    first();
    expect(connection.state().phase).toBe('catching-up');
    second();
    expect(connection.state().phase).toBe('live');
  });
});

it('speaks wss where the page came by https', () => {
  expect(socketUrl({ protocol: 'https:', host: 'lime.example' })).toBe('wss://lime.example/graphql/ws');
  expect(socketUrl({ protocol: 'http:', host: '127.0.0.1:5463' })).toBe('ws://127.0.0.1:5463/graphql/ws');
});
