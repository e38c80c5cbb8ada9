/**
 * Computes the root of a UnixFS tree from a stream: raw leaves of 1 MiB, 1,024 links for each node, balanced (profile `unixfs-v1-2025`).
 * Kubo computes the same for `ipfs add --cid-version 1 --raw-leaves --chunker size-1048576 --max-file-links 1024`. A file of one chunk is a
 * single raw block, a longer one a dag-pb tree.
 */

import type { Bytes } from '../bytes.ts';
import { CODEC_DAG_PB, CODEC_RAW } from '../codes.ts';
import { ProtocolError } from '../error.ts';
import { toHex } from '../hex.ts';
import { PieceHasher } from '../pieces.ts';
import { Cid } from './cid.ts';
import { encodeNode, type Link, MAX_LINKS } from './node.ts';

/** Length of a leaf in bytes; the last one may be shorter. */
export const LEAF_LEN = 1 << 20;

/** Computes the CID of a file from its bytes in order. Memory use grows only with the logarithm of the length. */
export class CidBuilder {
  // levels[0] has the leaves. Each level has at most MAX_LINKS links that have no parent yet.
  readonly #levels: Link[][] = [];
  readonly #leaves = new PieceHasher(LEAF_LEN, (digest, length) => {
    this.#push(0, { cid: new Cid(CODEC_RAW, toHex(digest)), fileLength: length, treeLength: length });
  });

  /** Adds the next bytes of the file. Wait for each call before the next one. */
  async update(bytes: Bytes): Promise<void> {
    await this.#leaves.update(bytes);
  }

  /** Returns the CID of the file. The builder cannot be used afterwards. */
  async finish(): Promise<Cid> {
    await this.#leaves.finish(true);
    for (let level = 0; ; level++) {
      const links = this.#levels[level] ?? [];
      const isTop = level + 1 === this.#levels.length;
      const [only] = links;
      if (isTop && links.length === 1 && only !== undefined) return only.cid;
      const parent = close(links);
      if (isTop) return parent.cid;
      this.#push(level + 1, parent);
    }
  }

  /** Adds a link to a level. If the level is full, its links first become one link of the level above. */
  #push(level: number, link: Link): void {
    const links = this.#levels[level] ?? [];
    this.#levels[level] = links;
    if (links.length === MAX_LINKS) this.#push(level + 1, close(links.splice(0)));
    links.push(link);
  }
}

/** Thrown if the bytes of a stream do not belong to the CID. */
export class CidMismatch extends ProtocolError<'cid_mismatch'> {
  constructor() {
    super('cid_mismatch', 'the bytes are not those of the content identifier');
  }
}

/**
 * Passes a stream on and checks at its end that it was the file of `cid`. The bytes are passed on before that check. Whoever reads them
 * must wait for the end, or check them in another way (tags), before using them.
 *
 * @throws CidMismatch at the end.
 */
export async function* verifyingCid(file: AsyncIterable<Bytes>, cid: Cid): AsyncGenerator<Bytes, void, undefined> {
  const builder = new CidBuilder();
  for await (const bytes of file) {
    await builder.update(bytes);
    yield bytes;
  }
  if (!(await builder.finish()).equals(cid)) throw new CidMismatch();
}

function close(links: readonly Link[]): Link {
  const block = encodeNode(links);
  return {
    cid: Cid.ofBlock(CODEC_DAG_PB, block),
    fileLength: links.reduce((sum, link) => sum + link.fileLength, 0),
    treeLength: links.reduce((sum, link) => sum + link.treeLength, block.length),
  };
}
