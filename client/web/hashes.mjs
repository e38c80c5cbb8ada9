// Puts a compressed twin beside each file that has much to gain, which the server sends to browsers; then
// writes dist/HASHES, one line a file: SHA-256, two spaces, path; sorted by path. Prints it and the hash of the list, by
// which two builds are compared: `medlock doctor --web URL` fetches the same files from a server and says which differ.
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const dist = join(dirname(fileURLToPath(import.meta.url)), 'dist');
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex');

const COMPRESSED = /\.(?:js|mjs|css|svg|html)$/;
const files = () =>
  readdirSync(dist, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== 'HASHES')
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(dist.length + 1)
        .replaceAll('\\', '/'),
    )
    .sort();

// Not in the list: another zlib compresses otherwise, and what counts is what comes out.
const paths = files().filter((path) => !path.endsWith('.gz'));
for (const path of paths.filter((path) => COMPRESSED.test(path))) {
  writeFileSync(join(dist, `${path}.gz`), gzipSync(readFileSync(join(dist, path)), { level: 9 }));
}
const list = paths.map((path) => `${sha256(readFileSync(join(dist, path)))}  ${path}\n`).join('');
writeFileSync(join(dist, 'HASHES'), list);
process.stdout.write(list);
console.log(`build ${sha256(list)}`);
