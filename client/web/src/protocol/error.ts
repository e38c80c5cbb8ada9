/** The base of every error of this module. */

/**
 * What went wrong in one operation. `code` is stable and may be switched on; screens have a sentence for each; the
 * message is for logs and repeats no input.
 */
export abstract class ProtocolError<Code extends string = string> extends Error {
  /** Stable word for the failure. */
  readonly code: Code;

  constructor(code: Code, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}
