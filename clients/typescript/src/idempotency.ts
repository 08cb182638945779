import { reads } from './operations.js';

const header = 'Idempotency-Key';

/** Gives a write a random key (draft-ietf-httpapi-idempotency-key-header), unless the caller gave it one. */
export function setKey({ headers }: Request, operation: string | undefined): void {
  if (operation !== undefined && !reads.has(operation) && !headers.has(header)) headers.set(header, `"${crypto.randomUUID()}"`);
}

/**
 * Whether a response repeats that of an earlier request with the same idempotency key. That is also the case where the
 * response to an earlier attempt of the same call was lost.
 *
 *     const { data, response } = await client.POST('/labels', { body });
 *     if (replayed(response)) …
 */
export function replayed(response: Response): boolean {
  return response.headers.get('Idempotent-Replayed') === 'true';
}
