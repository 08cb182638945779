import type { components } from './openapi.js';
import type { Signer } from './signers.js';

type SignedEnvelope = components['schemas']['SignedEnvelope'];

export interface SigningOptions {
  /** Tells the time, in milliseconds since 1970. Without it, the system's clock. */
  now?: () => number;
  /** Makes a unique id. Without it, at random. */
  jti?: () => string;
  /** For how many seconds a signature is valid: 60 unless it says otherwise. */
  lifetime?: number;
}

const defaultLifetime = 60;

/** Signs requests. */
export interface Signing {
  /**
   * @param operation the operationId
   * @param call the same object for all attempts of a call: their envelopes have the same jti, of which a server can
   *   execute one
   */
  sign(request: Request, operation: string | undefined, call?: object): Promise<Request>;
}

interface Claims {
  iat: number;
  exp: number;
  jti: string;
  op?: string | undefined;
}

const randomID = (): string => crypto.randomUUID();

function newClaims({ now = Date.now, jti = randomID, lifetime = defaultLifetime }: SigningOptions): Claims {
  const iat = Math.floor(now() / 1000);
  return { iat, exp: iat + lifetime, jti: jti() };
}

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/**
 * Signs the parameters of each request, by one or several signers: the body becomes a JWS in General JSON serialisation
 * (RFC 7515, section 7.2.1), which is valid for these parameters and this operation, and no others. A body that is one already is sent as it is.
 */
export function envelope(signers: Signer | readonly Signer[], options: SigningOptions = {}): Signing {
  const parties = [signers].flat();
  if (parties.length === 0) throw new TypeError('an envelope needs a signer');
  const ids = new WeakMap<object, string>(); // the jti of each call
  return {
    async sign(request, operation, call = request) {
      const type = request.headers.get('Content-Type') ?? 'application/json';
      if (!/^application\/json *(;|$)/i.test(type)) throw new TypeError(`an envelope takes parameters in JSON, and these are ${type}`);
      const text = await request.text();
      const data: unknown = text === '' ? undefined : JSON.parse(text);
      const claims = newClaims({ ...options, jti: () => ids.get(call) ?? (options.jti ?? randomID)() });
      ids.set(call, claims.jti);
      const body = isEnvelope(data) ? text : JSON.stringify(await seal(data, { ...claims, op: operation }, parties));
      const headers = new Headers(request.headers);
      headers.set('Content-Type', 'application/jose+json');
      return new Request(request, { body, headers });
    },
  };
}

function isEnvelope(data: unknown): boolean {
  return typeof data === 'object' && data !== null && 'payload' in data && 'signatures' in data;
}

async function seal(data: unknown, claims: Claims, signers: readonly Signer[]): Promise<SignedEnvelope> {
  const payload = encode({ data, ...claims });
  const signatures = signers.map(async (signer) => {
    const header = encode({ alg: signer.algorithm });
    return { protected: header, header: { kid: signer.name }, signature: await signer.sign(`${header}.${payload}`) };
  });
  return { payload, signatures: await Promise.all(signatures) };
}

/**
 * Adds a Bearer token by one signer to each request, and leaves the body as it is. A token serves all requests until a
 * sixth of its lifetime is left, and so names no operation.
 */
export function bearer(signer: Signer, options: SigningOptions = {}): Signing {
  const { now = Date.now, lifetime = defaultLifetime } = options;
  let token = '';
  let claims: Claims | undefined;
  return {
    async sign(request) {
      const seconds = now() / 1000;
      if (!claims || seconds < claims.iat || seconds >= claims.exp - lifetime / 6) {
        const fresh = newClaims(options);
        token = await compact(fresh, signer);
        claims = fresh;
      }
      request.headers.set('Authorization', `Bearer ${token}`);
      return request;
    },
  };
}

async function compact(claims: Claims, signer: Signer): Promise<string> {
  const input = `${encode({ alg: signer.algorithm, kid: signer.name })}.${encode(claims)}`;
  return `${input}.${await signer.sign(input)}`;
}
