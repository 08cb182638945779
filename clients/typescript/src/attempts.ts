import { NoResponseError, reasonOf } from './errors.js';
import { setKey } from './idempotency.js';
import { log, type Logger } from './logging.js';
import { operationIds } from './operations.js';
import { retrying, type Retries } from './retries.js';
import type { Signing } from './signing.js';
import { exchange, type Send } from './transport.js';

interface Sending {
  signing: Signing;
  send: Send;
  readTimeout: number;
  retries: Retries;
  logger: Logger | undefined;
  /** The path of the URL of the operations. */
  base: string;
}

/** Makes a fetch that signs and sends a request, and does so again where that is safe and may help. */
export function sending({ signing, send, readTimeout, retries, logger, base }: Sending): (request: Request) => Promise<Response> {
  const retry = retrying(retries);
  return async (request) => {
    const path = new URL(request.url).pathname.slice(base.length);
    const name = `${request.method} ${path}`;
    const operation = operationIds[name];
    setKey(request, operation);
    for (let attempt = 1; ; attempt++) {
      const signed = await signing.sign(request.clone(), operation, request);
      const started = performance.now();
      const outcome = await exchange(send, signed, readTimeout, name);
      const failed = outcome instanceof NoResponseError;
      if (logger) {
        const requestId = failed ? undefined : (outcome.headers.get('X-Request-Id') ?? undefined);
        const record = { method: request.method, path, status: outcome.status, duration: performance.now() - started, requestId, attempt };
        log(logger, record, failed ? reasonOf(outcome.cause) : '');
      }
      if (await retry(operation, outcome, attempt, request.signal)) continue;
      if (failed) throw outcome;
      return outcome;
    }
  };
}
