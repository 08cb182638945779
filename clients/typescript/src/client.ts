import create, { type Client, type ClientOptions, type FetchResponse, type MaybeOptionalInit, type Middleware } from 'openapi-fetch';
import { sending } from './attempts.js';
import type { Logger } from './logging.js';
import type { paths } from './openapi.js';
import { pagesOf, type Pages } from './pages.js';
import type { Retries } from './retries.js';
import type { Signing } from './signing.js';
import { connectingWithin, type Send } from './transport.js';
import { userAgent } from './version.js';

type Media = 'application/json' | 'application/problem+json';
type Verb = 'post' | 'put';
type PathsWith<Method extends Verb> = { [Path in keyof paths]: paths[Path] extends Record<Method, object> ? Path : never }[keyof paths];
type Arguments<Init> = {} extends Init ? [init?: Init] : [init: Init];

/**
 * What openapi-fetch infers of its argument is not held against the type for members too many. Here the argument has the
 * type of the operation and nothing is inferred, so that a misspelt parameter does not compile.
 */
type Call<Method extends Verb> = <Path extends PathsWith<Method>>(
  path: Path,
  ...init: Arguments<MaybeOptionalInit<paths[Path], Method>>
) => Promise<FetchResponse<paths[Path][Method] & Record<string | number, any>, {}, Media>>;

/** A method for each verb, whose paths, parameters and responses have the types of openapi.yaml; and the iterators of Pages. */
export type ManagementClient = Pick<Client<paths, Media>, 'use' | 'eject'> & { POST: Call<'post'>; PUT: Call<'put'> } & Pages;

/** What a client may be told beside the options of openapi-fetch. */
export interface ClientSettings {
  /** How many milliseconds an attempt may take to connect: 5000 unless it says otherwise. A `fetch` in the options sees to that itself. */
  connectTimeout?: number;
  /** How many milliseconds an attempt may take as a whole: 60000, which is more than the server gives itself. */
  readTimeout?: number;
  retries?: Retries;
  /** Gets one record for each attempt. */
  logger?: Logger;
}

const operations = '/api/v2/management';

/**
 * Makes a client whose requests are signed by `envelope(…)` or `bearer(…)`, as they leave and by each attempt anew. Each write has a
 * random Idempotency-Key, the same for all its attempts, unless the call's headers have one. The server is
 * asked to refuse parameters that it does not know (`Prefer: handling=strict`), unless a request says itself how it wants to
 * be handled.
 *
 * @param baseUrl where the server is, such as `http://127.0.0.1:8080`. A URL with a path is that of the operations, such as
 *   `http://127.0.0.1:8080/api/v2/management`.
 * @param options those of openapi-fetch, and ClientSettings. Redirects are not followed unless they say otherwise: a signed
 *   request is meant for one server.
 */
export function createClient(baseUrl: string, signing: Signing, options: Omit<ClientOptions, 'baseUrl'> & ClientSettings = {}): ManagementClient {
  const { connectTimeout = 5_000, readTimeout = 60_000, retries = {}, logger, ...rest } = options;
  const url = new URL(baseUrl);
  if (url.pathname === '/') url.pathname = operations;
  const { fetch: own } = rest;
  const send: Send = own ? (request, signal) => own(new Request(request, { signal })) : connectingWithin(connectTimeout, rest.requestInitExt);
  const fetch = sending({ signing, send, readTimeout, retries, logger, base: url.pathname.replace(/\/$/, '') });
  const client = create<paths, Media>({ redirect: 'manual', ...rest, fetch, baseUrl: url.href });
  client.use(defaultHeaders, {
    onRequest({ options }) {
      if (options.fetch !== fetch) throw new TypeError('a call cannot have a fetch of its own, which would send its request unsigned');
    },
  });
  const methods = client as Pick<ManagementClient, 'use' | 'eject' | 'POST' | 'PUT'>;
  return Object.assign(methods, pagesOf(
    (body) => methods.POST('/users/list', { body }),
    (body) => methods.POST('/labels/filter/users', { body }),
    (body) => methods.POST('/service_accounts/list', { body }),
  ));
}

const defaultHeaders: Middleware = {
  onRequest({ request: { headers } }) {
    if (!/\bhandling=/i.test(headers.get('Prefer') ?? '')) headers.append('Prefer', 'handling=strict');
    if (!headers.has('Accept')) headers.set('Accept', 'application/json, application/problem+json');
    if (!headers.has('User-Agent')) headers.set('User-Agent', userAgent);
  },
};
