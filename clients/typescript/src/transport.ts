import { Agent, fetch } from 'undici';
import { NoResponseError } from './errors.js';

/** Sends one request, until the signal ends it. */
export type Send = (request: Request, signal: AbortSignal) => Promise<Response>;

/** The codes of Node and undici that say that no connection was made. */
const notConnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT']);

/**
 * The fetch of undici, which is that of Node with a time-out for connecting.
 *
 * @param init more options of undici, such as a dispatcher that goes through a proxy
 */
export function connectingWithin(milliseconds: number, init: Record<string, unknown> = {}): Send {
  const dispatcher = new Agent({ connect: { timeout: milliseconds } });
  return async (request, signal) => {
    const body = await request.text();
    const { method, redirect } = request;
    const response = await fetch(request.url, { method, redirect, signal, dispatcher, headers: [...request.headers], ...(body && { body }), ...init });
    return response as unknown as Response;
  };
}

/** Sends a request once, and reads the whole response within the time. Where none arrives, and the caller did not end it, there is an error. */
export async function exchange(send: Send, request: Request, milliseconds: number, name: string): Promise<Response | NoResponseError> {
  request.signal.throwIfAborted();
  const controller = new AbortController();
  const abort = () => controller.abort(request.signal.reason);
  request.signal.addEventListener('abort', abort);
  const timer = setTimeout(() => controller.abort(new DOMException(`the response took longer than ${milliseconds} ms`, 'TimeoutError')), milliseconds);
  try {
    const response = await send(request, controller.signal);
    const body = await response.arrayBuffer();
    const { status, statusText, headers } = response;
    return new Response(body.byteLength > 0 ? body : null, { status, statusText, headers: [...headers] });
  } catch (cause) {
    if (request.signal.aborted) throw cause;
    return new NoResponseError(name, cause, !isNotConnected(cause));
  } finally {
    clearTimeout(timer);
    request.signal.removeEventListener('abort', abort);
  }
}

function isNotConnected(cause: unknown): boolean {
  const { code } = Object((cause as Error | undefined)?.cause) as NodeJS.ErrnoException;
  return code !== undefined && notConnected.has(code);
}
