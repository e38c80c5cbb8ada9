/**
 * The event feed: server-sent events over `fetch`, because `EventSource` cannot start from a given last event id. It connects again when
 * the connection breaks, and continues after the last event that it received.
 */
import { Failure } from '../failure.ts';
import { problemOf, tellReachability, tellSignedOut } from './request.ts';
import type { FeedEvent } from './routes.ts';

/** The longest time without a heartbeat (sent every 15 s). After that, the connection counts as broken. */
const SILENCE_MS_MAX = 45_000;
const WAIT_MS_MAX = 15_000;

/** Parses one block of the stream, without its empty line. */
function parseBlock(block: string): { id: string | null; data: string } | null {
  let id: string | null = null;
  const data: string[] = [];
  for (const line of block.split(/\r\n|\r|\n/)) {
    const [, name, value] = /^([a-z]+):? ?(.*)$/.exec(line) ?? [];
    if (name === 'id' && value !== undefined) id = value;
    if (name === 'data' && value !== undefined) data.push(value);
  }
  return data.length === 0 ? null : { id, data: data.join('\n') };
}

async function* blocksOf(body: ReadableStream<Uint8Array>, alive: () => void): AsyncGenerator<string, void, undefined> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader();
  let text = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      alive();
      text += value;
      for (let end = /\r\n\r\n|\n\n|\r\r/.exec(text); end !== null; end = /\r\n\r\n|\n\n|\r\r/.exec(text)) {
        yield text.slice(0, end.index);
        text = text.slice(end.index + end[0].length);
      }
      if (text.length > 1 << 20) throw new Failure('invalid_answer');
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

type FeedState = 'live' | 'connecting';

/** Reads the feed until `signal` aborts or the session has ended. */
export async function followFeed(take: (event: FeedEvent) => void, tell: (state: FeedState) => void, signal: AbortSignal): Promise<void> {
  let lastId: string | null = null;
  let wait = 500;
  while (!signal.aborted) {
    const silence = new AbortController();
    let timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
    const alive = (): void => {
      clearTimeout(timer);
      timer = setTimeout(() => silence.abort(), SILENCE_MS_MAX);
    };
    try {
      const response = await fetch('/v1/events', {
        headers: { accept: 'text/event-stream', ...(lastId === null ? {} : { 'last-event-id': lastId }) },
        credentials: 'same-origin',
        cache: 'no-store',
        signal: AbortSignal.any([signal, silence.signal]),
      });
      if (!response.ok || response.body === null) throw await problemOf(response);
      tellReachability('up');
      tell('live');
      wait = 500;
      for await (const block of blocksOf(response.body, alive)) {
        const event = parseBlock(block);
        if (event === null) continue;
        lastId = event.id ?? lastId;
        take(JSON.parse(event.data) as FeedEvent);
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Failure && error.code === 'not_signed_in') {
        tellSignedOut();
        return;
      }
      // The server no longer knows this event id. All data is loaded again, so nothing is missed.
      if (error instanceof Failure && error.code === 'invalid_request') lastId = null;
      if (!(error instanceof Failure)) tellReachability('down');
    } finally {
      clearTimeout(timer);
    }
    tell('connecting');
    await new Promise((resolve) => setTimeout(resolve, wait));
    wait = Math.min(wait * 2, WAIT_MS_MAX);
  }
}
