export { createClient, type ClientSettings, type ManagementClient } from './client.js';
export { ApiError, ApiError as RefusedError, NoResponseError, unwrap, type Violation } from './errors.js';
export type { AttemptRecord, Logger } from './logging.js';
export type { components, operations, paths } from './openapi.js';
export type { Pages } from './pages.js';
export type { Retries } from './retries.js';
export { loadSigner, loadSigners, Signer, type Algorithm } from './signers.js';
export { bearer, envelope, type Signing, type SigningOptions } from './signing.js';
export { userAgent, version } from './version.js';
