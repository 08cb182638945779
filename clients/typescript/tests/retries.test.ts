// What is sent again, when, and what is not: by the requests that a server counts. Needs no server of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiError, bearer, createClient, envelope, NoResponseError, unwrap, type ManagementClient, type Retries } from '../src/index.js';
import { operationIds, repeatable } from '../src/operations.js';
import { signer, unusedPort, withStub, type Reply } from './stub.js';

const time: Reply = [201, {}, { timestamp: 1763794295 }];
const label = { user_uid: 'ID1', key: 'email', value: 'verified' };
const calls: Record<string, (client: ManagementClient) => Promise<unknown>> = {
  getTimestamp: (client) => unwrap(client.POST('/timestamp')),
  listLabels: (client) => unwrap(client.POST('/labels/list', { body: { user_uid: 'ID1' } })),
  filterUsersByLabel: (client) => unwrap(client.POST('/labels/filter/users', { body: { key: 'email' } })),
  listUsers: (client) => unwrap(client.POST('/users/list')),
  getUser: (client) => unwrap(client.POST('/users/get', { body: { uid: 'ID1' } })),
  updateLabel: (client) => unwrap(client.PUT('/labels', { body: label })),
  createLabel: (client) => unwrap(client.POST('/labels', { body: label })),
  deleteLabel: (client) => unwrap(client.POST('/labels/delete', { body: { user_uid: 'ID1', key: 'email' } })),
  createUser: (client) => unwrap(client.POST('/users', { body: { email: 'ada@example.com', password: 'Fai5aesoLEcx' } })),
  importUser: (client) => unwrap(client.POST('/users/import', { body: { email: 'ada@example.com', password_digest: '$2a$04$' } })),
  signOTP: (client) => unwrap(client.POST('/otp/sign', { body: { user_uid: 'ID1', otp_code: '000000' } })),
  createDocument: (client) =>
    unwrap(client.POST('/documents', { body: { uid: 'ID1', doc_type: 'Passport', doc_number: 'AB123123', filename: 'passport.png', file_ext: 'png', upload: 'aGk=' } })),
  updateUser: (client) => unwrap(client.POST('/users/update', { body: { uid: 'ID1', role: 'admin' } })),
  createProfile: (client) => unwrap(client.POST('/profiles', { body: { uid: 'ID1' } })),
  createPhone: (client) => unwrap(client.POST('/phones', { body: { uid: 'ID1', number: '442079460018' } })),
  listPhones: (client) => unwrap(client.POST('/phones/get', { body: { uid: 'ID1' } })),
  deletePhone: (client) => unwrap(client.POST('/phones/delete', { body: { uid: 'ID1', number: '442079460018' } })),
  getServiceAccount: (client) => unwrap(client.POST('/service_accounts/get', { body: { uid: 'SI1' } })),
  listServiceAccounts: (client) => unwrap(client.POST('/service_accounts/list')),
  createServiceAccount: (client) => unwrap(client.POST('/service_accounts/create', { body: { service_account_role: 'sa_maker' } })),
  updateServiceAccount: (client) => unwrap(client.POST('/service_accounts/update', { body: { uid: 'SI1' } })),
  deleteServiceAccount: (client) => unwrap(client.POST('/service_accounts/delete', { body: { uid: 'SI1' } })),
  createAPIKey: (client) => unwrap(client.POST('/api_keys', { body: { uid: 'ID1', algorithm: 'HS256' } })),
  updateAPIKey: (client) => unwrap(client.POST('/api_keys/update', { body: { uid: 'ID1', kid: '61d025b8573501c2', state: 'inactive' } })),
  createAttachment: (client) => unwrap(client.POST('/attachments', { body: { filename: 'a.png', file_ext: 'png', upload: 'aGk=' } })),
};
const readsAndUpdate = [
  'getTimestamp', 'listLabels', 'filterUsersByLabel', 'listUsers', 'getUser', 'listPhones', 'getServiceAccount', 'listServiceAccounts', 'updateLabel',
];
const counts = (count: (operation: string) => number) => Object.fromEntries(Object.keys(calls).map((operation) => [operation, count(operation)]));

/** How often each operation is sent to a server that always replies so. */
async function attempts(reply: Reply, retries: Retries = {}): Promise<Record<string, number>> {
  const counted: Record<string, number> = {};
  for (const [operation, call] of Object.entries(calls)) {
    await withStub([reply], async ({ client, requests }) => {
      await assert.rejects(call(client({ retries })), ApiError);
      counted[operation] = requests.length;
    });
  }
  return counted;
}

test('every operation is called', () => {
  assert.deepEqual(Object.keys(calls).sort(), Object.values(operationIds).sort());
  assert.deepEqual([...repeatable].sort(), readsAndUpdate.sort());
});

test('429 is retried, unless it may have counted a code', async () => {
  assert.deepEqual(await attempts([429, {}, {}]), counts((operation) => (operation === 'signOTP' ? 1 : 3)));
});

const uncertain: Reply[] = [[503, {}, {}], [409, { 'Retry-After': '1' }, {}], 'hang up'];

test('503, 409 with Retry-After and lost connections are retried, unless it may have counted a code', async () => {
  for (const reply of uncertain) assert.deepEqual(await attempts(reply), counts((operation) => (operation === 'signOTP' ? 1 : 3)));
});

test('without retried writes, they are retried where repetition is harmless even without a key', async () => {
  const expected = counts((operation) => (readsAndUpdate.includes(operation) ? 3 : 1));
  for (const reply of uncertain) assert.deepEqual(await attempts(reply, { writes: false }), expected);
});

test('another error is not retried', async () => {
  for (const status of [400, 401, 404, 409, 422, 500, 502]) assert.deepEqual(await attempts([status, {}, {}]), counts(() => 1), `${status}`);
});

test('a late response is retried where repetition is harmless', async () => {
  for (const [operation, expected] of [['getUser', 2], ['createUser', 2], ['signOTP', 1]] as const) {
    await withStub(['wait'], async ({ client, requests }) => {
      await assert.rejects(calls[operation]!(client({ readTimeout: 200, retries: { attempts: 2 } })), (error) => {
        assert.ok(error instanceof NoResponseError);
        assert.deepEqual([requests.length, error.sent, error.status], [expected, true, 0]);
        return true;
      });
    });
  }
});

test('no connection is retried for every operation', async () => {
  const url = `http://127.0.0.1:${await unusedPort()}`;
  for (const [operation, call] of Object.entries(calls)) {
    let waits = 0;
    const client = createClient(url, envelope(signer), { retries: { sleep: async () => waits++ } });
    await assert.rejects(call(client), (error) => error instanceof NoResponseError && !error.sent);
    assert.equal(waits, 2, operation);
  }
});

test('success ends the attempts', async () => {
  await withStub([[503, {}, {}], 'hang up', time], async ({ client, requests }) => {
    assert.deepEqual(await unwrap(client().POST('/timestamp')), { timestamp: 1763794295 });
    assert.equal(requests.length, 3);
  });
});

test('retries can be turned off and up', async () => {
  for (const attempts of [1, 5]) {
    await withStub([[503, {}, {}]], async ({ client, requests }) => {
      await assert.rejects(calls.getTimestamp!(client({ retries: { attempts } })), ApiError);
      assert.equal(requests.length, attempts);
    });
  }
  for (const attempts of [0, NaN]) assert.throws(() => createClient('http://127.0.0.1', envelope(signer), { retries: { attempts } }), RangeError);
});

test('the attempts of a call have the same parameters and jti, and another call has another jti', async () => {
  await withStub([[429, {}, {}], time], async ({ client, requests }) => {
    await unwrap(client().POST('/users/get', { body: { uid: 'ID1' } }));
    const claims = requests.map(({ body }) => JSON.parse(Buffer.from(JSON.parse(body).payload, 'base64url').toString()));
    assert.deepEqual(claims.map(({ op, data }) => [op, data]), [['getUser', { uid: 'ID1' }], ['getUser', { uid: 'ID1' }]]);
    assert.equal(claims[0].jti, claims[1].jti);
    await unwrap(client().POST('/users/get', { body: { uid: 'ID1' } }));
    assert.notEqual(JSON.parse(Buffer.from(JSON.parse(requests[2]!.body).payload, 'base64url').toString()).jti, claims[0].jti);
  });
});

test('a retried request with a Bearer token has its parameters again', async () => {
  await withStub([[429, {}, {}], time], async ({ client, requests }) => {
    await unwrap(client({ signing: bearer(signer) }).POST('/users/get', { body: { uid: 'ID1' } }));
    assert.deepEqual(requests.map(({ body }) => body), ['{"uid":"ID1"}', '{"uid":"ID1"}']);
    for (const { headers } of requests) assert.match(headers.authorization ?? '', /^Bearer /);
  });
});

test('the caller ends the attempts', async () => {
  await withStub([[503, {}, {}]], async ({ url, requests }) => {
    const client = createClient(url, envelope(signer), { retries: { backoff: 60_000, maxBackoff: 60_000, random: () => 1 } });
    await assert.rejects(client.POST('/timestamp', { signal: AbortSignal.timeout(200) }), (error) => !(error instanceof ApiError));
    assert.equal(requests.length, 1);
  });
  await withStub(['wait'], async ({ client, requests }) => {
    await assert.rejects(client({ retries: { attempts: 1 } }).POST('/timestamp', { signal: AbortSignal.timeout(200) }), { name: 'TimeoutError' });
    assert.equal(requests.length, 1);
  });
});

async function waits(retryAfter: string | undefined, random: number, retries: Retries = {}): Promise<number[]> {
  return withStub([[503, retryAfter === undefined ? {} : { 'Retry-After': retryAfter }, {}]], async ({ client, slept }) => {
    await assert.rejects(calls.getTimestamp!(client({ random, retries })), ApiError);
    return slept;
  });
}

test('the bound of the wait doubles up to a limit', async () => {
  assert.deepEqual(await waits(undefined, 1, { attempts: 8 }), [200, 400, 800, 1600, 3200, 6400, 10_000]);
});

test('the wait is random below the bound', async () => {
  assert.deepEqual(await waits(undefined, 0.25), [50, 100]);
});

test('Retry-After is the least wait', async () => {
  assert.deepEqual(await waits('7', 1), [7000, 7000]);
  assert.deepEqual(await waits('1', 1, { backoff: 2000 }), [2000, 4000]);
});

test('Retry-After is capped', async () => {
  assert.deepEqual(await waits('3600', 0), [60_000, 60_000]);
  assert.deepEqual(await waits('3600', 0, { maxRetryAfter: 5000 }), [5000, 5000]);
});

test('Retry-After may be a date', async () => {
  for (const wait of await waits(new Date(Date.now() + 30_000).toUTCString(), 0)) assert.ok(wait > 27_000 && wait <= 30_000, `${wait}`);
});
