import { expect, test } from 'vitest';
import { privateKeyToAccount } from 'viem/accounts';
import type { Address, Hex } from 'viem';
import { authorshipHash } from '../protocol/authorship.ts';
import type { Metadata } from '../protocol/envelope/metadata.ts';
import { signerOf } from './download.ts';

const author = privateKeyToAccount(`0x${'11'.repeat(32)}`);
const stranger = privateKeyToAccount(`0x${'22'.repeat(32)}`);
const context = { chainId: 31337, registry: `0x${'aa'.repeat(20)}` as Address };
const origin = { record: `0x${'01'.repeat(32)}` as Hex, version: 2 };
const unsigned: Metadata = {
  contentLength: 4,
  mediaType: 'text/plain',
  fileName: 'a.txt',
  contentHash: `0x${'cc'.repeat(32)}`,
  created: 1_700_000_000n,
  fhirType: null,
  codes: [],
  signedBy: null,
};

/** The document, with a signature by `by` in the name of the author. */
async function signed(by: typeof author, version = origin.version): Promise<Metadata> {
  const { contentHash, created } = unsigned;
  const hash = authorshipHash(context, { record: origin.record, version, author: author.address, contentHash, created });
  return { ...unsigned, signedBy: { author: author.address, signature: await by.sign({ hash }) } };
}

/** A chain on which the author is a contract that accepts every signature (`isAccepting`), or a plain account. */
const chain = (isAccepting = false) => ({ envelopeContext: context, acceptsSignature: () => Promise.resolve(isAccepting) });

test('nobody is named where nobody signed, and that is no forgery', async () => {
  expect(await signerOf(chain(), origin, unsigned)).toEqual({ signer: null, forged: false });
});

test('the author is named whose own signature it is', async () => {
  expect(await signerOf(chain(), origin, await signed(author))).toEqual({ signer: author.address, forged: false });
});

test('a contract answers for itself', async () => {
  expect(await signerOf(chain(true), origin, await signed(stranger))).toEqual({ signer: author.address, forged: false });
});

test.each<[string, () => Promise<Metadata>]>([
  ['of somebody else', () => signed(stranger)],
  ['over another version', () => signed(author, 1)],
])('a signature %s names nobody and is forged', async (_, metadata) => {
  expect(await signerOf(chain(), origin, await metadata())).toEqual({ signer: null, forged: true });
});
