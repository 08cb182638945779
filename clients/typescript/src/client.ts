import create, { type Client, type ClientOptions, type FetchResponse, type MaybeOptionalInit, type Middleware } from 'openapi-fetch';
import type { paths } from './openapi.js';

type Media = 'application/json';
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

/** A method for each verb; paths, parameters and answers have the types of openapi.yaml. */
export type ManagementClient = Pick<Client<paths, Media>, 'use' | 'eject'> & { POST: Call<'post'>; PUT: Call<'put'> };

const operations = '/api/v2/management';

/**
 * Makes a client whose requests are signed by `envelope(…)` or `bearer(…)`. The server is asked to refuse parameters that
 * it does not know (`Prefer: handling=strict`), unless a request says itself how it wants to be handled.
 *
 * @param baseUrl where the server is, such as `http://127.0.0.1:8080`. A URL with a path is that of the operations, such as
 *   `http://127.0.0.1:8080/api/v2/management`.
 * @param options those of openapi-fetch. Redirects are refused unless they say otherwise: a signed request is meant for
 *   one server.
 */
export function createClient(baseUrl: string, signing: Middleware, options: Omit<ClientOptions, 'baseUrl'> = {}): ManagementClient {
  const url = new URL(baseUrl);
  if (url.pathname === '/') url.pathname = operations;
  const client = create<paths, Media>({ redirect: 'error', ...options, baseUrl: url.href });
  client.use(strict, signing);
  return client as ManagementClient;
}

const strict: Middleware = {
  onRequest({ request }) {
    if (!/\bhandling=/i.test(request.headers.get('Prefer') ?? '')) request.headers.append('Prefer', 'handling=strict');
    return request;
  },
};
