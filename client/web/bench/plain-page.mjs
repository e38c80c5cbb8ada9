/**
 * A page of a browser that nobody watches. Playwright has the browser keep the bodies of all answers for its inspector, in
 * the memory of the page: it measures memory of its own. Here the browser is spoken to over its pipe, and no body is asked for.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';

export class PlainBrowser {
  #process;
  #waiting = new Map();
  #last = 0;
  #heard = '';

  constructor(executablePath, args) {
    this.#process = spawn(executablePath, ['--headless', '--remote-debugging-pipe', ...args, 'about:blank'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'],
    });
    this.#process.stdio[4].setEncoding('utf8').on('data', (text) => this.#hear(text));
  }

  /** A new page at an address, once it has set `globalThis[ready]`. */
  async open(address, ready) {
    const { targetId } = await this.send('Target.createTarget', { url: address });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const page = new PlainPage(this, sessionId, targetId);
    while (!(await page.evaluate(`document.readyState === 'complete' && globalThis[${JSON.stringify(ready)}] !== undefined`))) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return page;
  }

  async close() {
    const ended = once(this.#process, 'exit');
    await this.send('Browser.close');
    await ended;
  }

  send(method, params = {}, sessionId = undefined) {
    const id = ++this.#last;
    this.#process.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  #hear(text) {
    const messages = (this.#heard + text).split('\0');
    this.#heard = messages.pop();
    for (const { id, result, error } of messages.map((message) => JSON.parse(message))) {
      const waiting = this.#waiting.get(id);
      this.#waiting.delete(id);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(new Error(error.message));
    }
  }
}

class PlainPage {
  #browser;
  #sessionId;
  #targetId;

  constructor(browser, sessionId, targetId) {
    this.#browser = browser;
    this.#sessionId = sessionId;
    this.#targetId = targetId;
  }

  /** The value of an expression, awaited. */
  async evaluate(expression) {
    const params = { expression, awaitPromise: true, returnByValue: true };
    const { result, exceptionDetails } = await this.#browser.send('Runtime.evaluate', params, this.#sessionId);
    if (exceptionDetails !== undefined) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Chooses a file in the page's only input. */
  async choose(path) {
    const { result } = await this.#browser.send('Runtime.evaluate', { expression: `document.querySelector('input')` }, this.#sessionId);
    await this.#browser.send('DOM.setFileInputFiles', { files: [path], objectId: result.objectId }, this.#sessionId);
  }

  async close() {
    await this.#browser.send('Target.closeTarget', { targetId: this.#targetId });
  }
}
