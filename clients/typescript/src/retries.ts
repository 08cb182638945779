import { setTimeout as pause } from 'node:timers/promises';
import { NoResponseError, retryAfterOf } from './errors.js';
import { counted, repeatable } from './operations.js';

/**
 * How often a request is sent, and how long the client waits in between. Times are in milliseconds.
 *
 * A request is sent again where that is safe: every operation where no connection was made; all but signOTP after 429;
 * those that only read, and updateLabel, after 503 and where the response did not arrive. Another operation may have been
 * carried out in these cases.
 */
export interface Retries {
  /** How often a request is sent at most: 3 unless it says otherwise; 1 turns retries off. */
  attempts?: number;
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
  const { attempts = 3, backoff = 200, maxBackoff = 10_000, maxRetryAfter = 60_000, random = Math.random } = retries;
  const { sleep = (milliseconds: number, signal: AbortSignal) => pause(milliseconds, undefined, { signal }) } = retries;
  if (!(attempts >= 1)) throw new RangeError('a request needs at least one attempt');
  /** @param attempt counts from 1 */
  return async (operation: string | undefined, outcome: Outcome, attempt: number, signal: AbortSignal): Promise<boolean> => {
    if (attempt >= attempts || !mayRepeat(operation, outcome)) return false;
    const least = outcome instanceof NoResponseError ? 0 : (retryAfterOf(outcome) ?? 0) * 1000;
    const jittered = random() * Math.min(maxBackoff, backoff * 2 ** (attempt - 1));
    await sleep(Math.max(jittered, Math.min(least, maxRetryAfter)), signal);
    return true;
  };
}

function mayRepeat(operation: string | undefined, outcome: Outcome): boolean {
  if (outcome instanceof NoResponseError) return !outcome.sent || repeatable.has(operation);
  if (outcome.status === 429) return !counted.has(operation);
  return outcome.status === 503 && repeatable.has(operation);
}
