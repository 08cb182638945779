// Every operation on a real server (tests/clients_test.go at the top of the repository starts it).
import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, randomInt, randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { ApiError, bearer, createClient, envelope, loadSigners, Signer, unwrap, type ManagementClient } from '../src/index.js';
import { environment } from './environment.js';

const { api, keys, otpUID, otpSecret } = environment;
const [backend1, backend2] = (await loadSigners(keys)) as [Signer, Signer];
const password_digest = '$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW';
const passport = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';

const both = createClient(api, envelope([backend1, backend2]));
const ways: [string, ManagementClient][] = [
  ['an envelope by one signer', createClient(api, envelope(backend1))],
  ['an envelope by two signers', both],
  ['a Bearer token', createClient(api, bearer(backend1))],
];

const unique = () => `ada-${randomUUID()}@example.com`;

async function refused(call: Promise<unknown>, status: number, ...sentences: string[]): Promise<void> {
  await assert.rejects(call, (error) => {
    assert.ok(error instanceof ApiError, String(error));
    assert.deepEqual([error.status, error.messages], [status, sentences]);
    assert.ok(error.requestId);
    return true;
  });
}

for (const [index, [way, client]] of ways.entries()) {
  test(`${way} does for users and documents`, async () => {
    for (const call of [client.POST('/timestamp'), client.POST('/timestamp', { body: {} })]) {
      const { timestamp } = await unwrap(call);
      assert.ok(Math.abs(timestamp - Date.now() / 1000) < 60);
    }

    const email = unique();
    const created = await unwrap(client.POST('/users', { body: { email, password: 'Tecohvi0' } }));
    assert.deepEqual([created.email, created.level, created.state, created.profile, created.data], [email, 0, 'pending', null, null]);

    const ada = await unwrap(client.POST('/users/import', { body: { email: unique(), password_digest, first_name: 'Ada', phone: phone() } }));
    assert.deepEqual([ada.profile?.first_name, ada.profile?.last_name, ada.profile?.state], ['Ada', null, 'partial']);

    const stored = await unwrap(client.POST('/documents', {
      body: { uid: ada.uid, doc_type: 'Passport', doc_number: 'AB123123', filename: 'passport.png', file_ext: 'png', upload: passport, doc_expire: '2099-04-01' },
    }));
    assert.equal(stored.uid, ada.uid);
    const user = await unwrap(client.POST('/users/get', { body: { uid: ada.uid } }));
    const [document] = user.documents;
    assert.ok(document);
    assert.deepEqual([document.doc_expire, document.metadata, user.phones.length], ['2099-04-01', null, 1]);
    const file = await fetch(document.upload);
    assert.equal(Buffer.from(await file.arrayBuffer()).toString('base64'), passport);

    const labels = await unwrap(client.POST('/labels/list', { body: { user_uid: ada.uid } }));
    assert.deepEqual(labels.map(({ key, value, scope }) => [key, value, scope]), [['profile', 'partial', 'private'], ['document', 'pending', 'private']]);
  });

  test(`${way} reads pages`, async () => {
    await unwrap(client.POST('/users/import', { body: { email: unique(), password_digest, city: 'London' } }));
    await unwrap(client.POST('/users/import', { body: { email: unique(), password_digest, city: 'London' } }));
    const { data, response } = await client.POST('/users/list', { body: { page: 2, limit: 1 } });
    assert.equal(data?.length, 1);
    assert.ok(!('labels' in data[0]!));
    assert.ok(Number(response.headers.get('Total')) >= 2);
    assert.deepEqual([response.headers.get('Page'), response.headers.get('Per-Page')], ['2', '1']);
    assert.match(response.headers.get('Link') ?? '', /rel="first".*rel="prev"/);

    const filtered = await client.POST('/labels/filter/users', { body: { key: 'profile', value: 'partial', scope: 'private', extended: true, limit: 1 } });
    const [user] = filtered.data ?? [];
    assert.ok(user && 'profile' in user);
    assert.equal(user.profile?.state, 'partial');
    assert.match(filtered.response.headers.get('Link') ?? '', /rel="next"/);
  });

  test(`${way} reads all pages`, async () => {
    const value = `value-${randomUUID()}`;
    const uids: string[] = [];
    for (let i = 0; i < 3; i++) {
      const { uid: user_uid } = await unwrap(client.POST('/users/import', { body: { email: unique(), password_digest } }));
      await unwrap(both.POST('/labels', { body: { user_uid, key: 'campaign', value } }));
      uids.push(user_uid);
    }
    const found: string[] = [];
    for await (const { uid } of client.labels.filterAll({ key: 'campaign', value, limit: 2 })) found.push(uid);
    assert.deepEqual(found.sort(), [...uids].sort());
    const listed: string[] = [];
    for await (const { uid } of client.users.listAll({ limit: 50 })) listed.push(uid);
    assert.equal(new Set(listed).size, listed.length);
    for (const uid of uids) assert.ok(listed.includes(uid), uid);
  });

  test(`${way} lists all pages of the service accounts of a user`, async () => {
    const { uid: owner_uid } = await unwrap(client.POST('/users/import', { body: { email: unique(), password_digest } }));
    const made: string[] = [];
    for (let i = 0; i < 3; i++) {
      made.push((await unwrap(client.POST('/service_accounts/create', { body: { service_account_role: 'sa_maker', owner_uid } }))).uid);
    }
    const listed: unknown[] = [];
    for await (const { uid, user } of client.serviceAccounts.listAll({ owner_uid, limit: 2 })) listed.push([uid, user?.uid]);
    assert.deepEqual(listed, made.map((uid) => [uid, owner_uid]));
  });

  test(`${way} is seen with what it may do to labels`, async () => {
    const { uid: user_uid } = await unwrap(client.POST('/users/import', { body: { email: unique(), password_digest } }));
    if (client !== both) {
      const missing = 'Not enough signatures for the action.';
      await refused(unwrap(client.POST('/labels', { body: { user_uid, key: 'email', value: 'verified' } })), 401, missing);
      await refused(unwrap(client.PUT('/labels', { body: { user_uid, key: 'email', value: 'verified' } })), 401, missing);
      await refused(unwrap(client.POST('/labels/delete', { body: { user_uid, key: 'email' } })), 401, missing);
      return;
    }
    const created = await unwrap(client.POST('/labels', { body: { user_uid, key: 'Email ', value: 'verified' } }));
    assert.deepEqual([created.key, created.value, created.scope], ['email', 'verified', 'private']);
    assert.ok(!Number.isNaN(Date.parse(created.created_at)));
    const updated = await unwrap(client.PUT('/labels', { body: { user_uid, key: 'plan', value: 'gold' } }));
    assert.deepEqual(await unwrap(client.POST('/labels/delete', { body: { user_uid, key: 'plan' } })), updated);
    await refused(unwrap(client.PUT('/labels', { body: { user_uid, key: 'plan', value: 'gold', replace: false } })), 404, 'label doesnt exist');
    const user = await unwrap(client.POST('/users/get', { body: { uid: user_uid } }));
    assert.deepEqual([user.level, user.state, user.profile], [1, 'active', null]);
  });

  // Each way has a code of its own: the last one, this one, the next one. A code counts once, and none before it after it.
  test(`${way} has requests signed`, async () => {
    const otp_code = await code(index - 1);
    if (index === 1) {
      const signed = await unwrap(client.POST('/otp/sign', { body: { user_uid: otpUID, otp_code } }));
      assert.deepEqual(signed.signatures.map(({ header }) => header?.kid), ['barong']);
      const attested = JSON.parse(Buffer.from(signed.payload, 'base64url').toString());
      assert.deepEqual([attested.iss, attested.sub], ['barong', otpUID]);
      return;
    }
    const jwt = { payload: 'eyJkYXRhIjp7fX0', signatures: [{ protected: 'eyJhbGciOiJSUzI1NiJ9', header: { kid: 'applogic' }, signature: 'c2lnbmF0dXJl' }] };
    const signed = await unwrap(client.POST('/otp/sign', { body: { user_uid: otpUID, otp_code, jwt } }));
    assert.equal(signed.payload, jwt.payload);
    assert.deepEqual(signed.signatures.map(({ header }) => header?.kid), ['applogic', 'barong']);
    assert.deepEqual(signed.signatures[0], jwt.signatures[0]);
    await refused(unwrap(client.POST('/otp/sign', { body: { user_uid: otpUID, otp_code } })), 422, 'This code was already used. Wait until the next time period');
  });

  test(`${way} is refused with sentences`, async () => {
    await refused(unwrap(client.POST('/users/get', { body: { uid: 'ID0000000000' } })), 404, 'Record is not found');
    await refused(unwrap(client.POST('/users', { body: { email: 'bad_email', password: 'Password1' } })), 422, 'Email is invalid', 'Password is too weak');
  });
}

test('an error has a code and fields', async () => {
  await assert.rejects(unwrap(both.POST('/users', { body: { email: 'bad_email', password: 'Password1' } })), {
    status: 422, code: 'invalid_record',
    violations: [
      { field: 'email', code: 'email_invalid', message: 'Email is invalid' },
      { field: 'password', code: 'password_too_weak', message: 'Password is too weak' },
    ],
  });
});

test('the key of a forger is refused', async () => {
  const key = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const forger = await Signer.fromPEM('backend-1', key);
  for (const signing of [envelope(forger), envelope([forger, backend2]), bearer(forger)]) {
    await refused(unwrap(createClient(api, signing).POST('/users/list', { body: {} })), 401, 'Failed to verify JWT.');
  }
});

/** A German mobile number that no other test is likely to have. */
function phone(): string {
  return `+49 151 ${randomInt(10_000_000, 100_000_000)}`;
}

/** The one-time code at a distance of steps from now (RFC 6238: SHA-1, 6 digits, 30 s). */
async function code(distance: number): Promise<string> {
  const left = 30_000 - (Date.now() % 30_000);
  if (left < 5_000) await pause(left); // no step ends while the code is on its way
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 30_000) + distance));
  const bits = [...otpSecret].map((letter) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const secret = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => parseInt(byte, 2)));
  const digest = createHmac('sha1', secret).update(counter).digest();
  const number = digest.readUInt32BE(digest[19]! & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, '0');
}
