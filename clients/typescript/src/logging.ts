/** What a log learns of one attempt: no parameters, no signature and no part of the response's body. */
export interface AttemptRecord {
  method: string;
  /** Below the URL of the operations, such as `/users/get`. */
  path: string;
  /** 0 where there is no response. */
  status: number;
  /** In milliseconds. */
  duration: number;
  /** The id under which the server's log has the request, where there is a response. */
  requestId: string | undefined;
  /** From 1. */
  attempt: number;
}

/** Gets one record for each attempt: success as debug, an error of the request as info, what may be retried as warn. `console` is one. */
export interface Logger {
  debug(message: string, record: AttemptRecord): void;
  info(message: string, record: AttemptRecord): void;
  warn(message: string, record: AttemptRecord): void;
}

/** @param reason why there is no response */
export function log(logger: Logger, record: AttemptRecord, reason = ''): void {
  const { method, path, status, duration, requestId, attempt } = record;
  const outcome = status === 0 ? `no response (${reason})` : status;
  const message = `${method} ${path}: ${outcome} in ${Math.round(duration)} ms, attempt ${attempt}, request ${requestId ?? 'unknown'}`;
  if (status >= 200 && status <= 299) logger.debug(message, record);
  else if (status === 0 || status === 429 || status >= 500) logger.warn(message, record);
  else logger.info(message, record);
}
