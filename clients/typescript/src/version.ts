import { readFileSync } from 'node:fs';

function packageVersion(): string {
  try {
    return (JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }).version;
  } catch {
    return 'unknown'; // a bundle has no package.json beside it
  }
}

/** The version of this client. */
export const version = packageVersion();

/** How the client names itself to the server. */
export const userAgent = `barong-typescript/${version} Node/${process.versions.node}`;
