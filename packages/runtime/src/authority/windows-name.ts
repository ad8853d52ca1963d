import { sep, win32 } from "node:path";

/**
 * Whether Windows would read the path differently than it was compared: `..` after a backslash, a drive, a stream of a file,
 * ignored trailing dots and spaces, or a device, which has its name in every directory and with every extension.
 */
export function isMisread(path: string): boolean {
  return sep === win32.sep && (/[\\:]|[. ](?:\/|$)/.test(path) || DEVICE.test(path));
}

const DEVICE = /\/(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³]) *(?:[./]|$)/i;
