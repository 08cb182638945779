/** A rule that a request breaks. */
export interface Violation {
  /** The parameter; empty where it is about several. */
  readonly field: string;
  /** Stable, for programs, such as `email_taken`. */
  readonly code: string;
  readonly message: string;
}

interface Content {
  status: number;
  code?: string | undefined;
  violations?: readonly Violation[];
  messages?: readonly string[];
  requestId?: string | undefined;
  retryAfter?: number | undefined;
}

/** A response that is not a success. docs/errors.md of the server lists them all. */
export class ApiError extends Error {
  override readonly name: string = 'ApiError';
  /** That of HTTP; 0 where there is no response. */
  readonly status: number;
  /** The kind of the error, such as `not_found` or `invalid_record`; undefined where the response is not the server's. */
  readonly code: string | undefined;
  /** The rules that the parameters break, where the server says which. */
  readonly violations: readonly Violation[];
  /** What the server says, as it says it; none where the response is not the server's. */
  readonly messages: readonly string[];
  /** The id under which the server's log has the request. */
  readonly requestId: string | undefined;
  /** With 429 and 503, the seconds after which the request may succeed. */
  readonly retryAfter: number | undefined;

  protected constructor(message: string, content: Content, options?: ErrorOptions) {
    super(message, options);
    this.status = content.status;
    this.code = content.code;
    this.violations = content.violations ?? [];
    this.messages = content.messages ?? [];
    this.requestId = content.requestId;
    this.retryAfter = content.retryAfter;
  }

  /** The former name of `messages`. */
  get sentences(): readonly string[] {
    return this.messages;
  }

  /** @param body as openapi-fetch has read it */
  static of(response: Response, body: unknown): ApiError {
    const { status } = response;
    const code = codeOf(body);
    const violations = violationsOf(body);
    // A record that breaks several rules has a message for each; other problems have one, which names all that is wrong.
    const messages = code === 'invalid_record' ? violations.map(({ message }) => message) : messagesOf(body);
    const requestId = response.headers.get('X-Request-Id') ?? undefined;
    const message = [`the server answered ${status}`, messages.join(', ')].filter(Boolean).join(': ') + (requestId ? ` (request ${requestId})` : '');
    return new ApiError(message, { status, code, violations, messages, requestId, retryAfter: retryAfterOf(response) });
  }
}

/** The server could not be reached, or its response did not arrive. The status is 0, the cause that of `fetch`. */
export class NoResponseError extends ApiError {
  override readonly name: string = 'NoResponseError';

  constructor(
    request: string,
    cause: unknown,
    /** False where no connection was made, so that the server certainly did nothing. */
    readonly sent: boolean,
  ) {
    super(`no response to ${request}: ${reasonOf(cause)}`, { status: 0 }, { cause });
  }
}

/** The text of an error of fetch. */
export function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const { cause: inner } = cause; // fetch itself says no more than that it failed
  return inner instanceof Error ? inner.message || String((inner as NodeJS.ErrnoException).code) : cause.message;
}

/** The seconds that a Retry-After header asks for, which are given as such or as a date (RFC 9110, section 10.2.3). */
export function retryAfterOf(response: Response): number | undefined {
  const value = response.headers.get('Retry-After') ?? '';
  if (/^\d+$/.test(value)) return Number(value);
  if (!/^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(value)) return undefined;
  const date = Date.parse(value);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - Date.now()) / 1000);
}

const prefix = 'urn:barong:error:';

function codeOf(body: unknown): string | undefined {
  const { type } = Object(body) as { type?: unknown };
  return typeof type === 'string' && type.startsWith(prefix) ? type.slice(prefix.length) : undefined;
}

/** Reads the member errors of problem details (RFC 9457). */
function violationsOf(body: unknown): Violation[] {
  const { errors } = Object(body) as { errors?: unknown };
  if (!Array.isArray(errors)) return [];
  return errors.map((entry: unknown) => {
    const { pointer = '', code = '', detail = '' } = Object(entry) as { pointer?: unknown; code?: unknown; detail?: unknown };
    return { field: fieldOf(String(pointer)), code: String(code), message: String(detail) };
  });
}

/** The parameter that a JSON pointer (RFC 6901) is to. */
function fieldOf(pointer: string): string {
  return pointer.replace(/^\//, '').replaceAll('~1', '/').replaceAll('~0', '~');
}

function messagesOf(body: unknown): string[] {
  const { error, detail } = Object(body) as { error?: unknown; detail?: unknown };
  return [error ?? detail].flat().filter((message) => typeof message === 'string');
}

/**
 * The data of a response. One that is not a success is thrown as an ApiError; openapi-fetch itself returns it as `error`.
 *
 *     const labels = await unwrap(client.POST('/labels/list', { body: { user_uid } }));
 */
export async function unwrap<Result extends { data?: unknown; error?: unknown; response: Response }>(
  call: Promise<Result>,
): Promise<Exclude<Result['data'], undefined>> {
  const { data, error, response } = await call;
  if (!response.ok || data === undefined) throw ApiError.of(response, error);
  return data as Exclude<Result['data'], undefined>;
}
