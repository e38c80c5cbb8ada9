/**
 * Memory of the browser that this process started. As a thread it watches for the peak, so that looking does not hold up the
 * server beside it: `Peak.watch()`.
 */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { once } from 'node:events';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';

const EVERY_MS = 50;

/** MiB that are in use by the pages' processes, and by all processes of the browser that this one started. */
export function memory() {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).trim().split('\n');
  const processes = lines.map((line) => {
    const [pid, parent, ...args] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), args: args.join(' ') };
  });
  const ours = new Set([process.pid]);
  for (let grew = true; grew; ) {
    const more = processes.filter(({ pid, parent }) => ours.has(parent) && !ours.has(pid));
    grew = more.length > 0;
    for (const { pid } of more) ours.add(pid);
  }
  const ofBrowser = processes.filter(({ pid, args }) => ours.has(pid) && pid !== process.pid && args.includes('chrom'));
  const sum = (list) => Math.round(list.reduce((total, { pid }) => total + proportionalKib(pid), 0) / 1024);
  return { renderer: sum(ofBrowser.filter(({ args }) => args.includes('--type=renderer'))), all: sum(ofBrowser) };
}

/** Memory of a process, shared pages counted by their share. 0 for one that has ended. */
function proportionalKib(pid) {
  try {
    return Number(/^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** The largest amounts since it began to watch, and what was there then. */
export class Peak {
  #worker = new Worker(new URL(import.meta.url));

  /** Resolves when the first look was taken. */
  static async watch() {
    const peak = new Peak();
    await once(peak.#worker, 'message');
    return peak;
  }

  /** Ends; gives MiB above the first look. */
  async end() {
    this.#worker.postMessage('end');
    const [{ before, peak }] = await once(this.#worker, 'message');
    return { peakMib: peak.renderer - before.renderer, peakMibBrowser: peak.all - before.all };
  }
}

if (!isMainThread) {
  const before = memory();
  let peak = before;
  parentPort.postMessage('begun');
  const timer = setInterval(() => {
    const now = memory();
    peak = { renderer: Math.max(peak.renderer, now.renderer), all: Math.max(peak.all, now.all) };
  }, EVERY_MS);
  parentPort.once('message', () => {
    clearInterval(timer);
    parentPort.postMessage({ before, peak });
  });
}
