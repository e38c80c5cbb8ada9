/** Saves a file through the browser's own download. The blob's address is revoked shortly afterwards. */
export function saveBlob(blob: Blob, fileName: string): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement('a');
  link.href = url;
  link.download = fileName;
  link.click();
  // Some browsers read the address only after the current turn of the event loop.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
