// What the compiler refuses. Nothing here is sent: a line that @ts-expect-error stands over and that is right after all
// does not compile.
import { test } from 'node:test';
import { createClient, envelope, type ManagementClient } from '../src/index.js';

export function misspelt(api: ManagementClient): unknown[] {
  const user_uid = 'ID1';
  return [
    // @ts-expect-error replace
    api.PUT('/labels', { body: { user_uid, key: 'plan', value: 'gold', replce: false } }),
    // @ts-expect-error role
    api.POST('/users/list', { body: { limit: 1, rolle: 'admin' } }),
    // @ts-expect-error email; every parameter is optional
    api.POST('/users/get', { body: { emial: 'ada@example.com' } }),
    // @ts-expect-error first_name
    api.POST('/users/import', { body: { email: 'a@b', password_digest: '', firstname: 'Ada' } }),
    // @ts-expect-error no parameters
    api.POST('/timestamp', { body: { zone: 'UTC' } }),
    // @ts-expect-error key
    api.POST('/labels/filter/users', { body: { key: 'email', scop: 'private' } }),
    // @ts-expect-error required
    api.POST('/labels', { body: { user_uid, key: 'email' } }),
    // @ts-expect-error a body
    api.POST('/labels', {}),
    // @ts-expect-error no such path
    api.POST('/label', { body: { user_uid } }),
    // @ts-expect-error an option of openapi-fetch, misspelt
    api.POST('/users/list', { bdy: { limit: 1 } }),
    api.POST('/users/list', { body: { limit: 1 }, signal: AbortSignal.timeout(1000), headers: { Prefer: 'handling=lenient' } }),
    api.POST('/users/list'),
    // @ts-expect-error rolle
    api.users.listAll({ limit: 1, rolle: 'admin' }),
    // @ts-expect-error key
    api.labels.filterAll({ value: 'verified' }),
    api.users.listAll(),
    // @ts-expect-error owner
    api.serviceAccounts.listAll({ owner: 'ID1' }),
    api.serviceAccounts.listAll({ owner_uid: 'ID1' }),
    // @ts-expect-error attempts
    createClient('http://127.0.0.1', envelope([]), { retries: { attemps: 1 } }),
    createClient('http://127.0.0.1', envelope([]), { retries: { attempts: 1 }, connectTimeout: 1, logger: console, redirect: 'follow' }),
    api.POST('/users/list', { body: { payload: '', signatures: [] } }),
  ];
}

test('misspelt parameters do not compile', () => {});
