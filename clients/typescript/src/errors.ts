/** An answer that is no success. docs/errors.md of the server lists them all. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';

  private constructor(
    readonly status: number,
    /** What the server says, as it says it; none where the answer is not one of its own. */
    readonly sentences: readonly string[],
    /** The id under which the server's log has the request. */
    readonly requestId: string | undefined,
    /** With 429 and 503, the seconds after which it makes sense to try again. */
    readonly retryAfter: number | undefined,
  ) {
    super([`the server answered ${status}`, sentences.join(', ')].filter(Boolean).join(': ') + (requestId ? ` (request ${requestId})` : ''));
  }

  /** @param error the body, as openapi-fetch has read it */
  static of(response: Response, error: unknown): RefusedError {
    const retryAfter = Number(response.headers.get('Retry-After') ?? NaN);
    return new RefusedError(
      response.status,
      sentencesOf(error),
      response.headers.get('X-Request-Id') ?? undefined,
      Number.isNaN(retryAfter) ? undefined : retryAfter,
    );
  }
}

function sentencesOf(body: unknown): string[] {
  if (typeof body !== 'object' || body === null) return [];
  const { error, detail } = body as { error?: unknown; detail?: unknown };
  return [error ?? detail].flat().filter((sentence) => typeof sentence === 'string');
}

/**
 * The data of an answer. One that is no success is thrown as a RefusedError; openapi-fetch itself returns it as `error`.
 *
 *     const labels = await unwrap(api.POST('/labels/list', { body: { user_uid } }));
 */
export async function unwrap<Result extends { data?: unknown; error?: unknown; response: Response }>(
  call: Promise<Result>,
): Promise<Exclude<Result['data'], undefined>> {
  const { data, error, response } = await call;
  if (!response.ok || data === undefined) throw RefusedError.of(response, error);
  return data as Exclude<Result['data'], undefined>;
}
