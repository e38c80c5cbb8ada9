/**
 * The API of a local network as one process that can be killed, started and paused. It is found among the children of `medlock-localnet` in
 * `/proc`, and is started again with the same settings.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

const NAME = 'medlock-api';
const START_MS_MAX = 60_000;
const LOOK_MS = 50;

/** Returns the state (`S`, `T`, `Z`, …) and the parent of a process; `null` if it has ended. */
function stateOf(pid: number): { name: string; state: string; parent: number } | null {
  try {
    const [, name = '', state = '', parent] = /\((.*)\) (\S) (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return { name, state, parent: Number(parent) };
  } catch {
    return null;
  }
}

const isGone = (pid: number): boolean => (stateOf(pid)?.state ?? 'Z') === 'Z';

async function until(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const begun = Date.now(); !(await isSo()); ) {
    if (Date.now() - begun > START_MS_MAX) throw new Error(what);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}

export class ApiProcess {
  readonly #url: string;
  readonly #command: { readonly program: string; readonly args: readonly string[]; readonly cwd: string; readonly env: NodeJS.ProcessEnv };
  readonly #log: string;
  #pid: number;
  /** Set if this class started the process, and not the local network. */
  #child: ChildProcess | null = null;

  /** Finds the API among the children of `parent`. It serves `url`; its log is written below `stateDir`. */
  constructor(parent: number, url: string, stateDir: string) {
    const pids = readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number);
    const found = pids.find((pid) => {
      const known = stateOf(pid);
      return known?.parent === parent && known.name === NAME && known.state !== 'Z';
    });
    if (found === undefined) throw new Error(`no ${NAME} runs below process ${parent}`);
    const list = (file: string): string[] =>
      readFileSync(`/proc/${found}/${file}`, 'utf8')
        .split('\0')
        .filter((part) => part !== '');
    const env = Object.fromEntries(list('environ').map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
    this.#pid = found;
    this.#url = url;
    this.#log = join(stateDir, 'logs', 'api-0.log');
    const [program = '', ...args] = list('cmdline');
    this.#command = { program, args, cwd: readlinkSync(`/proc/${found}/cwd`), env };
  }

  /** Kills the process as `kill -9` does, and waits until it has ended. */
  async kill(): Promise<void> {
    process.kill(this.#pid, 'SIGKILL');
    await until(() => isGone(this.#pid), 'the API does not end');
  }

  /** Starts it again on the same port, and waits until it is ready. */
  async start(): Promise<void> {
    const log = openSync(this.#log, 'a');
    const { program, args, cwd, env } = this.#command;
    this.#child = spawn(program, args, { cwd, env, stdio: ['ignore', log, log] });
    closeSync(log);
    this.#pid = this.#child.pid ?? 0;
    const ready = (): Promise<boolean> =>
      fetch(`${this.#url}/readyz`).then(
        (answer) => answer.ok,
        () => false,
      );
    await until(ready, `the API is not ready; see ${this.#log}`);
  }

  /** Pauses the process: it accepts connections and does not answer. */
  pause(): void {
    process.kill(this.#pid, 'SIGSTOP');
  }

  /** Resumes the paused process. */
  resume(): void {
    process.kill(this.#pid, 'SIGCONT');
  }

  /** Ends the process that {@link start} has started. */
  async stop(): Promise<void> {
    if (this.#child === null || isGone(this.#pid)) return;
    process.kill(this.#pid, 'SIGTERM');
    await until(() => isGone(this.#pid), 'the API does not end');
  }
}
