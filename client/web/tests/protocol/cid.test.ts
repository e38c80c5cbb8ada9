/** Tests for content identifiers and the nodes of their trees. The vectors have roots that Kubo computed. */

import { describe, expect, test } from 'vitest';
import { type Bytes, concat } from '../../src/protocol/bytes.ts';
import { CidBuilder, LEAF_LEN } from '../../src/protocol/cid/build.ts';
import { Cid, InvalidCid } from '../../src/protocol/cid/cid.ts';
import { encodeNode, NodeError, parseNode } from '../../src/protocol/cid/node.ts';
import { CODEC_DAG_PB, CODEC_RAW } from '../../src/protocol/codes.ts';
import { ZERO_HASH } from '../../src/protocol/hex.ts';
import { inPieces, patternBytes } from './patterns.ts';

const file = patternBytes(2 * LEAF_LEN + 5);
const links = [...inPieces(file, LEAF_LEN)].map((leaf) => ({
  cid: Cid.ofBlock(CODEC_RAW, leaf),
  fileLength: leaf.length,
  treeLength: leaf.length,
}));
const node = encodeNode(links);

async function rootOf(bytes: Bytes, pieceLength: number): Promise<Cid> {
  const builder = new CidBuilder();
  for (const piece of inPieces(bytes, pieceLength)) await builder.update(piece);
  return builder.finish();
}

test('the root is the node of the leaves, however the bytes come', async () => {
  const root = Cid.ofBlock(CODEC_DAG_PB, node);
  for (const pieceLength of [1_000, 65_536, LEAF_LEN - 1, LEAF_LEN, LEAF_LEN + 1, 4 * LEAF_LEN]) {
    expect((await rootOf(file, pieceLength)).toString()).toBe(root.toString());
  }
  expect(root.names(node)).toBe(true);
  expect(root.names(node.subarray(1))).toBe(false);
});

test('pieces may be written over once they were taken', async () => {
  const builder = new CidBuilder();
  const piece = new Uint8Array(100_000);
  for (let at = 0; at < file.length; at += piece.length) {
    const part = file.subarray(at, at + piece.length);
    piece.set(part);
    await builder.update(piece.subarray(0, part.length));
    piece.fill(0xee);
  }
  expect((await builder.finish()).equals(Cid.ofBlock(CODEC_DAG_PB, node))).toBe(true);
});

describe('a node', () => {
  test('says which bytes of the file lie below each child', () => {
    expect(parseNode(node, 100).map(({ start, end, isLeaf }) => [start, end, isLeaf])).toEqual([
      [100, 100 + LEAF_LEN, true],
      [100 + LEAF_LEN, 100 + 2 * LEAF_LEN, true],
      [100 + 2 * LEAF_LEN, 105 + 2 * LEAF_LEN, true],
    ]);
    const [first] = parseNode(node);
    expect(first?.cid.names(file.slice(0, LEAF_LEN))).toBe(true);
  });

  test('has one encoding, and nothing else is read', () => {
    for (let at = 0; at < node.length; at++) {
      expect(() => parseNode(node.subarray(0, at)), `cut to ${at}`).toThrow(NodeError);
    }
    const changed = (at: number, to: number): Bytes => {
      const bytes = node.slice();
      bytes[at] = to;
      return bytes;
    };
    const bad = [concat(node, Uint8Array.of(0)), changed(0, 0x0a), changed(4, 0x02), changed(node.length - 1, 6)];
    bad.push(encodeNode([]), encodeNode(Array.from({ length: 1_025 }, () => links[0] as (typeof links)[0])));
    for (const bytes of bad) expect(() => parseNode(bytes)).toThrow(NodeError);
  });
});

test('a text has one spelling', () => {
  const text = Cid.ofBlock(CODEC_RAW, file.slice(0, 10)).toString();
  expect(text).toMatch(/^bafkrei[a-z2-7]{52}$/);
  expect(Cid.parse(text).toString()).toBe(text);
  // Two bits of the last letter are unused and zero; the next letter of the alphabet sets one of them.
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';
  const sameBytes = text.slice(0, -1) + alphabet[alphabet.indexOf(text.slice(-1)) + 1];
  const bad = [sameBytes, text.toUpperCase(), `${text}=`, text.slice(1), `z${text.slice(1)}`, `bafybei${text.slice(7)}a`, '', 'b'];
  bad.push(text.replace('bafkrei', 'bafyrei'), ` ${text}`, `${text.slice(0, -1)}1`);
  for (const other of bad) expect(() => Cid.parse(other), other).toThrow(InvalidCid);
  expect(() => new Cid(0x71, ZERO_HASH)).toThrow(InvalidCid);
  expect(() => new Cid(CODEC_RAW, '0x12')).toThrow(InvalidCid);
});
