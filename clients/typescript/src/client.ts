import create, { type Client, type ClientOptions, type Middleware } from 'openapi-fetch';
import type { paths } from './openapi.js';

/** A method for each verb; paths, parameters and answers have the types of openapi.yaml. */
export type ManagementClient = Client<paths, 'application/json'>;

/**
 * Makes a client whose requests are signed by `envelope(…)` or `bearer(…)`.
 *
 * @param baseUrl where the operations are, as `http://127.0.0.1:8080/api/v2/management`
 * @param options those of openapi-fetch. Redirects are refused unless they say otherwise: a signed request is meant for
 *   one server.
 */
export function createClient(baseUrl: string, signing: Middleware, options: Omit<ClientOptions, 'baseUrl'> = {}): ManagementClient {
  const client = create<paths, 'application/json'>({ redirect: 'error', ...options, baseUrl });
  client.use(signing);
  return client;
}
