import type { webcrypto } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';

const { subtle } = globalThis.crypto;

/** What Web Crypto calls an algorithm of RFC 7518, section 3.1. */
type Parameters = webcrypto.RsaHashedImportParams & webcrypto.EcKeyImportParams & webcrypto.EcdsaParams & webcrypto.RsaPssParams;

const rsa = (bits: number) => ({ name: 'RSASSA-PKCS1-v1_5', hash: `SHA-${bits}` });
const pss = (bits: number) => ({ name: 'RSA-PSS', hash: `SHA-${bits}`, saltLength: bits / 8 });
const ecdsa = (bits: number, namedCurve: string) => ({ name: 'ECDSA', hash: `SHA-${bits}`, namedCurve });
const hmac = (bits: number) => ({ name: 'HMAC', hash: `SHA-${bits}` });

// Where nobody names an algorithm, the first one that the key fits is taken.
const algorithms = {
  RS256: rsa(256), RS384: rsa(384), RS512: rsa(512),
  ES256: ecdsa(256, 'P-256'), ES384: ecdsa(384, 'P-384'), ES512: ecdsa(512, 'P-521'),
  EdDSA: { name: 'Ed25519' },
  PS256: pss(256), PS384: pss(384), PS512: pss(512),
  HS256: hmac(256), HS384: hmac(384), HS512: hmac(512),
} as const;

/** The name of an algorithm, as it stands in `alg`. */
export type Algorithm = keyof typeof algorithms;

const leastRSABits = 2048; // RFC 7518, sections 3.3 and 3.5

/** A party with its private key. */
export class Signer {
  readonly #key: webcrypto.CryptoKey;

  private constructor(
    /** The name that the server's keychain has for it, which is the `kid` of its signatures. */
    readonly name: string,
    readonly algorithm: Algorithm,
    key: webcrypto.CryptoKey,
  ) {
    this.#key = key;
  }

  /**
   * Reads a private key in PEM (PKCS #8, as `barong keygen` and `openssl genpkey` write it).
   *
   * @param algorithm without it, the one that goes with the key: RS256, that of the curve, or EdDSA
   */
  static async fromPEM(name: string, pem: string, algorithm?: Algorithm): Promise<Signer> {
    const der = derOf(name, pem);
    const candidates = algorithm ? [algorithm] : (Object.keys(algorithms) as Algorithm[]);
    for (const candidate of candidates) {
      const parameters = algorithms[candidate];
      if (parameters.name === 'HMAC') continue;
      const key = await subtle.importKey('pkcs8', der, parameters as Parameters, false, ['sign']).catch(() => undefined);
      if (!key) continue;
      const { modulusLength } = key.algorithm as webcrypto.RsaHashedKeyAlgorithm;
      if (modulusLength < leastRSABits) {
        throw new TypeError(`the key of ${name} has ${modulusLength} bits, and needs ${leastRSABits} at least`);
      }
      return new Signer(name, candidate, key);
    }
    throw new TypeError(`the key of ${name} is not one for ${algorithm ?? 'RSA, P-256, P-384, P-521 or Ed25519'}`);
  }

  /** Takes the secret that the server's keychain has, too. */
  static async fromSecret(name: string, secret: string, algorithm: 'HS256' | 'HS384' | 'HS512' = 'HS256'): Promise<Signer> {
    return new Signer(name, algorithm, await subtle.importKey('raw', Buffer.from(secret), algorithms[algorithm], false, ['sign']));
  }

  /** Signs a text; the signature comes in base64url. */
  async sign(text: string): Promise<string> {
    const signature = await subtle.sign(algorithms[this.algorithm] as Parameters, this.#key, Buffer.from(text));
    return Buffer.from(signature).toString('base64url');
  }
}

function derOf(name: string, pem: string): Buffer {
  const [, label, text] = /-----BEGIN ([A-Z ]+)-----([^-]+)-----END \1-----/.exec(pem) ?? [];
  if (!label || !text) throw new TypeError(`the key of ${name} is not in PEM`);
  if (label !== 'PRIVATE KEY') {
    throw new TypeError(`the key of ${name} is a PEM ${label}, and must be a PEM PRIVATE KEY: openssl pkcs8 -topk8 -nocrypt makes one of another private key`);
  }
  return Buffer.from(text, 'base64');
}

/** Reads the private key of a signer from a PEM file, as `Signer.fromPEM` does. */
export async function loadSigner(name: string, file: string, algorithm?: Algorithm): Promise<Signer> {
  return Signer.fromPEM(name, await readFile(file, 'utf8'), algorithm);
}

/** Reads a signer from each `NAME.pem` of a folder, in the order of the names. A folder without one is an error. */
export async function loadSigners(folder: string): Promise<Signer[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.pem')).sort();
  if (files.length === 0) throw new TypeError(`there is no private key NAME.pem in the folder ${folder}`);
  return Promise.all(files.map((file) => loadSigner(basename(file, '.pem'), join(folder, file))));
}
