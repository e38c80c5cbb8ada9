/** The base class of every error of this module. */

/**
 * An error of one operation. `code` is stable and may be compared; screens have a sentence for each. The message is for logs and contains
 * no input.
 */
export abstract class ProtocolError<Code extends string = string> extends Error {
  /** The stable code of the error. */
  readonly code: Code;

  constructor(code: Code, message: string) {
    super(message);
    this.name = new.target.name;
    this.code = code;
  }
}
