import { setTimeout as pause } from 'node:timers/promises';
import { NoResponseError, retryAfterOf } from './errors.js';
import { counted, repeatable } from './operations.js';

/**
 * How often a request is sent, and how long the client waits in between. Times are in milliseconds.
 *
 * A request is sent again where that is safe: every operation where no connection was made; all but signOTP after 429;
 * all but signOTP after 503, after 409 with Retry-After, and where the response did not arrive. A write may have been
 * executed in these cases; its idempotency key has the server execute it once and repeat the first response.
 */
export interface Retries {
  /** How often a request is sent at most: 3 unless it says otherwise; 1 turns retries off. */
  attempts?: number;
  /**
   * Whether writes other than updateLabel are retried after 503, 409 and without a response: true unless it says otherwise.
   * Set it to false for a server that ignores the header Idempotency-Key, such as Barong itself, which may execute a
   * retried write twice.
   */
  writes?: boolean;
  /** The upper bound of the first wait, 200, which doubles with each attempt. The wait is random between 0 and the bound. */
  backoff?: number;
  /** The largest upper bound: 10000. */
  maxBackoff?: number;
  /** How much of a Retry-After is waited for: 60000. The wait is no shorter. */
  maxRetryAfter?: number;
  /** Waits, until the caller's signal ends it. Without it, the system's timer. */
  sleep?: (milliseconds: number, signal: AbortSignal) => Promise<unknown>;
  /** Makes a number from 0 to 1. Without it, at random. */
  random?: () => number;
}

/** A response, or the reason why there is none. */
export type Outcome = Response | NoResponseError;

/** Makes the decision after each attempt: waits and is true, or is false where there is to be no other attempt. */
export function retrying(retries: Retries) {
  const { attempts = 3, writes = true, backoff = 200, maxBackoff = 10_000, maxRetryAfter = 60_000, random = Math.random } = retries;
  const { sleep = (milliseconds: number, signal: AbortSignal) => pause(milliseconds, undefined, { signal }) } = retries;
  if (!(attempts >= 1)) throw new RangeError('a request needs at least one attempt');
  /** @param attempt counts from 1 */
  return async (operation: string | undefined, outcome: Outcome, attempt: number, signal: AbortSignal): Promise<boolean> => {
    if (attempt >= attempts || !mayRepeat(operation, outcome, writes)) return false;
    const least = outcome instanceof NoResponseError ? 0 : (retryAfterOf(outcome) ?? 0) * 1000;
    const jittered = random() * Math.min(maxBackoff, backoff * 2 ** (attempt - 1));
    await sleep(Math.max(jittered, Math.min(least, maxRetryAfter)), signal);
    return true;
  };
}

function mayRepeat(operation: string | undefined, outcome: Outcome, writes: boolean): boolean {
  const harmless = repeatable.has(operation) || (writes && operation !== undefined && !counted.has(operation));
  if (outcome instanceof NoResponseError) return !outcome.sent || harmless;
  if (outcome.status === 429) return !counted.has(operation);
  // With Retry-After, the first attempt is still being executed.
  return harmless && (outcome.status === 503 || (outcome.status === 409 && retryAfterOf(outcome) !== undefined));
}
