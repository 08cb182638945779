export { createClient, type ManagementClient } from './client.js';
export { RefusedError, unwrap } from './errors.js';
export type { components, operations, paths } from './openapi.js';
export { loadSigner, loadSigners, Signer, type Algorithm } from './signers.js';
export { bearer, envelope, type SigningOptions } from './signing.js';
