/** An auditor's own node. It forwards everything to the chain of the test world, and can be made to fail or to give false answers. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One JSON-RPC call. */
export interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

export class OwnNode {
  readonly #server: Server;
  /** The address of the chain; set when the world runs. */
  behind = '';
  /** `true`: connections are closed without an answer. */
  isDead = false;
  /** Changes the answers. */
  lie: (call: Call, result: unknown) => unknown = (_, result) => result;
  /** Every requested method, in order. */
  readonly asked: string[] = [];

  private constructor(server: Server) {
    this.#server = server;
  }

  /** Listens on a free port. Its address must be among those that the page's policy allows (`MEDLOCK_WEB_RPC`). */
  static async start(): Promise<OwnNode> {
    const server = createServer();
    const node = new OwnNode(server);
    server.on('request', (request, response) => {
      if (node.isDead) return void request.socket.destroy();
      const headers = {
        'access-control-allow-origin': '*',
        'access-control-allow-headers': 'content-type',
        'content-type': 'application/json',
      };
      if (request.method !== 'POST') return void response.writeHead(204, headers).end();
      node.#answer(request).then(
        (answer) => response.writeHead(200, headers).end(JSON.stringify(answer)),
        () => request.socket.destroy(),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return node;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #answer(request: IncomingMessage): Promise<unknown> {
    const pieces: Buffer[] = [];
    for await (const piece of request) pieces.push(piece as Buffer);
    const body = Buffer.concat(pieces).toString();
    const call = JSON.parse(body) as Call;
    this.asked.push(call.method);
    const answer = await fetch(this.behind, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
    const { result, ...rest } = (await answer.json()) as { result?: unknown };
    return result === undefined ? rest : { ...rest, result: this.lie(call, result) };
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
