// A write has one key for all its attempts, so that a server can execute it once. Needs no server of its own.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bearer, envelope, replayed, type Signing } from '../src/index.js';
import { signer, withStub, type Reply } from './stub.js';

const body = { user_uid: 'ID1', key: 'email', value: 'verified' };
const again: Reply = [201, { 'Idempotent-Replayed': 'true' }, body];

// Guards that a write whose response is lost is the same request to the server when it is retried.
test('a write whose response is lost is retried with the same key, and gets the first response', async () => {
  for (const signing of [envelope(signer), bearer(signer)] as Signing[]) {
    await withStub(['hang up', again], async ({ client, requests }) => {
      const { data, response } = await client({ signing }).POST('/labels', { body });
      assert.deepEqual([data, replayed(response)], [body, true]);
      await client({ signing }).POST('/labels', { body });
      const [first, second, other] = requests.map(({ headers }) => headers['idempotency-key']);
      assert.match(String(first), /^"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"$/);
      assert.equal(second, first);
      assert.notEqual(other, first);
    });
  }
});

test('a first response is not replayed', async () => {
  await withStub([[201, {}, body]], async ({ client }) => {
    assert.equal(replayed((await client().POST('/labels', { body })).response), false);
  });
});

test('the caller may choose the key', async () => {
  await withStub([[503, {}, {}], again], async ({ client, requests }) => {
    await client().POST('/labels', { body, headers: { 'Idempotency-Key': '"job 7"' } });
    assert.deepEqual(requests.map(({ headers }) => headers['idempotency-key']), ['"job 7"', '"job 7"']);
  });
});

test('reads have no key, and writes have one even if they are not retried', async () => {
  await withStub([again], async ({ client, requests }) => {
    const api = client({ retries: { writes: false } });
    await api.POST('/users/get', { body: { uid: 'ID1' } });
    await api.POST('/timestamp');
    await api.POST('/otp/sign', { body: { user_uid: 'ID1', otp_code: '000000' } });
    await api.PUT('/labels', { body });
    assert.deepEqual(requests.map(({ headers }) => headers['idempotency-key'] !== undefined), [false, false, true, true]);
  });
});
