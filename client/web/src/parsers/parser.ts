/**
 * The page's side of a parser: a worker that gets untrusted bytes and returns data or bitmaps. If it takes too long, it is ended. Nothing
 * of the document reaches the page in any other form.
 */
import { ProtocolError } from '../protocol/error.ts';
import { PARSE_MS_MAX } from './limits.ts';

const MESSAGES = {
  broken: 'the document is damaged, or its parser failed',
  slow: 'the document takes too long to show',
  too_large: 'the document is larger than what is shown',
} as const;

/** The reason why a document is not shown. */
export type ParseFault = keyof typeof MESSAGES;

export class ParseError extends ProtocolError<ParseFault> {
  constructor(code: ParseFault) {
    super(code, MESSAGES[code]);
  }
}

/** The answer of a parser that has no result. */
export interface Failed {
  readonly kind: 'failed';
  readonly fault: ParseFault;
}

interface Turn<Answer> {
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** One worker, which handles one question at a time. */
export class Parser<Question, Answer extends { readonly kind: string }> {
  readonly #worker: Worker;
  #turn: Turn<Answer> | null = null;
  #queue: Promise<unknown> = Promise.resolve();
  #ended: ParseError | null = null;

  /** `aside` receives other messages of the worker. It returns whether it has handled the message. */
  constructor(
    worker: Worker,
    aside: (said: Answer, post: (message: Question, transfer?: Transferable[]) => void) => boolean = () => false,
  ) {
    this.#worker = worker;
    worker.onmessage = ({ data }: MessageEvent<Answer | Failed>) => {
      if (data.kind === 'failed') this.#end(new ParseError((data as Failed).fault));
      else if (!aside(data as Answer, (message, transfer = []) => worker.postMessage(message, transfer))) this.#take(data as Answer);
    };
    worker.onerror = () => this.#end(new ParseError('broken'));
    worker.onmessageerror = () => this.#end(new ParseError('broken'));
  }

  /** Asks the worker. @throws ParseError; after an error the parser is ended. */
  ask(question: Question, transfer: Transferable[] = []): Promise<Answer> {
    const turn = this.#queue.then(async () => {
      if (this.#ended !== null) throw this.#ended;
      let late: ReturnType<typeof setTimeout> | undefined;
      try {
        return await new Promise<Answer>((resolve, reject) => {
          this.#turn = { resolve, reject };
          late = setTimeout(() => this.#end(new ParseError('slow')), PARSE_MS_MAX);
          this.#worker.postMessage(question, transfer);
        });
      } finally {
        clearTimeout(late);
        this.#turn = null;
      }
    });
    this.#queue = turn.catch(() => undefined);
    return turn;
  }

  #take(answer: Answer): void {
    this.#turn?.resolve(answer);
  }

  #end(error: ParseError): void {
    this.#ended ??= error;
    this.#worker.terminate();
    this.#turn?.reject(this.#ended);
  }

  /** Ends the worker and frees its memory. */
  close(): void {
    this.#end(new ParseError('broken'));
  }
}

/** Asks a new worker one question and ends it. @throws ParseError. */
export async function parseOnce<Question, Answer extends { readonly kind: string }>(
  worker: Worker,
  question: Question,
  transfer: Transferable[] = [],
): Promise<Answer> {
  const parser = new Parser<Question, Answer>(worker);
  try {
    return await parser.ask(question, transfer);
  } finally {
    parser.close();
  }
}
