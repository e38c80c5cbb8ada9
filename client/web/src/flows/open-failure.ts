/** Translates the errors of envelopes, capsules, bundles and workers into failures with a code. */
import { Failure } from '../failure.ts';
import { BundleError } from '../protocol/bundle.ts';
import { CapsuleError } from '../protocol/capsule.ts';
import { CidMismatch } from '../protocol/cid/build.ts';
import { MetadataError } from '../protocol/envelope/metadata.ts';
import { OpenError } from '../protocol/envelope/open-error.ts';
import { SealError } from '../protocol/envelope/seal.ts';
import { WorkerError } from '../workers/wire.ts';

/** Returns an error of the protocol as a {@link Failure}; any other error unchanged. */
export function asOpenFailure(error: unknown): unknown {
  if (error instanceof OpenError) return new Failure(error.code === 'commitment' ? 'commitment' : 'invalid_envelope', { cause: error });
  if (error instanceof CidMismatch) return new Failure('cid_mismatch', { cause: error });
  if (error instanceof CapsuleError || error instanceof BundleError) return new Failure('wrong_bundle', { cause: error });
  if (error instanceof SealError) return new Failure('source_changed', { cause: error });
  if (error instanceof MetadataError) return new Failure('invalid_form', { cause: error, values: { field: error.code } });
  if (error instanceof WorkerError && error.code !== 'failed') return new Failure(error.code, { cause: error });
  return error;
}
