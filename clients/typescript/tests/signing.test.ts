import assert from 'node:assert/strict';
import { constants, createHmac, createPublicKey, generateKeyPairSync, KeyObject, verify } from 'node:crypto';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { bearer, createClient, envelope, loadSigner, loadSigners, RefusedError, Signer, unwrap, type Algorithm, type components } from '../src/index.js';

type SignedEnvelope = components['schemas']['SignedEnvelope'];

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const decode = (text: string) => JSON.parse(Buffer.from(text, 'base64url').toString());

/** A client whose requests are kept, and answered with an error. */
function recorded(signing: ReturnType<typeof envelope>) {
  const requests: { request: Request; body: string }[] = [];
  const api = createClient('http://127.0.0.1:8080/api/v2/management', signing, {
    fetch: async (request) => {
      requests.push({ request, body: await request.clone().text() });
      return Response.json({ error: 'refused' }, { status: 418 });
    },
  });
  return { api, requests };
}

/** Whether node:crypto, which is not what signed, finds a signature good. */
function good(algorithm: Algorithm, key: KeyObject, input: string, signature: string): boolean {
  const hash = `sha${algorithm.slice(2)}`;
  const bytes = Buffer.from(signature, 'base64url');
  const publicKey = createPublicKey(key);
  switch (algorithm.slice(0, 2)) {
    case 'RS':
      return verify(hash, Buffer.from(input), publicKey, bytes);
    case 'PS':
      return verify(hash, Buffer.from(input), { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, bytes);
    case 'ES':
      return verify(hash, Buffer.from(input), { key: publicKey, dsaEncoding: 'ieee-p1363' }, bytes);
    default:
      return verify(null, Buffer.from(input), publicKey, bytes);
  }
}

const keys: [Algorithm, KeyObject, boolean][] = [
  ['RS256', rsa, true], ['RS384', rsa, false], ['RS512', rsa, false],
  ['PS256', rsa, false], ['PS384', rsa, false], ['PS512', rsa, false],
  ['ES256', ec('P-256'), true], ['ES384', ec('P-384'), true], ['ES512', ec('P-521'), true],
  ['EdDSA', ed25519, true],
];

for (const [algorithm, key, natural] of keys) {
  test(`${algorithm} signs as RFC 7518 says`, async () => {
    const signer = await Signer.fromPEM('one', pem(key), algorithm);
    assert.ok(good(algorithm, key, 'header.payload', await signer.sign('header.payload')));
    if (natural) assert.equal((await Signer.fromPEM('one', pem(key))).algorithm, algorithm);
  });
}

test('an HMAC is over the secret itself', async () => {
  for (const algorithm of ['HS256', 'HS384', 'HS512'] as const) {
    const signer = await Signer.fromSecret('one', 'the secret of both sides', algorithm);
    const want = createHmac(`sha${algorithm.slice(2)}`, 'the secret of both sides').update('header.payload').digest('base64url');
    assert.equal(await signer.sign('header.payload'), want);
  }
});

test('a key that cannot be used is refused with its name', async () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
  for (const [text, algorithm, reason] of [
    ['no key', undefined, /the key of one is not in PEM/],
    [rsa.export({ type: 'pkcs1', format: 'pem' }).toString(), undefined, /openssl pkcs8/],
    [pem(small), undefined, /1024 bits/],
    [pem(rsa), 'ES256', /not one for ES256/],
    [pem(ec('P-256')), 'ES384', /not one for ES384/],
    [pem(rsa), 'HS256', /not one for HS256/],
  ] as const) {
    await assert.rejects(Signer.fromPEM('one', text, algorithm), reason);
  }
});

test('signers are read from a folder', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'barong-keys-'));
  await assert.rejects(loadSigners(folder), /no private key NAME.pem/);
  await writeFile(join(folder, 'two.pem'), pem(ec('P-256')));
  await writeFile(join(folder, 'one.pem'), pem(rsa));
  const signers = await loadSigners(folder);
  assert.deepEqual(signers.map(({ name, algorithm }) => [name, algorithm]), [['one', 'RS256'], ['two', 'ES256']]);
  assert.equal((await loadSigner('other', join(folder, 'one.pem'), 'PS512')).algorithm, 'PS512');
});

test('an envelope has the parameters, the claims and a signature by each signer', async () => {
  const second = ec('P-256');
  const signers = [await Signer.fromPEM('one', pem(rsa)), await Signer.fromPEM('two', pem(second))];
  const { api, requests } = recorded(envelope(signers, { now: () => 1763794295_900, jti: () => 'the id', lifetime: 90 }));
  await api.POST('/labels/list', { body: { user_uid: 'ID873B5CE1D2' } });

  const [{ request, body }] = requests as [(typeof requests)[0]];
  const { payload, signatures }: SignedEnvelope = JSON.parse(body);
  assert.equal(request.url, 'http://127.0.0.1:8080/api/v2/management/labels/list');
  assert.equal(request.headers.get('Content-Type'), 'application/jose+json');
  assert.equal(request.headers.get('Authorization'), null);
  assert.deepEqual(decode(payload), { data: { user_uid: 'ID873B5CE1D2' }, iat: 1763794295, exp: 1763794385, jti: 'the id', op: 'listLabels' });
  assert.deepEqual(signatures.map(({ header }) => header), [{ kid: 'one' }, { kid: 'two' }]);
  for (const [i, [algorithm, key]] of ([['RS256', rsa], ['ES256', second]] as const).entries()) {
    const signature = signatures[i]!;
    assert.deepEqual(decode(signature.protected), { alg: algorithm });
    assert.ok(good(algorithm, key, `${signature.protected}.${payload}`, signature.signature));
  }
});

test('no parameters make an envelope without data, and every envelope has an id of its own', async () => {
  const { api, requests } = recorded(envelope(await Signer.fromPEM('one', pem(rsa))));
  await api.POST('/timestamp');
  await api.POST('/timestamp');
  const [first, second] = requests.map(({ body }) => decode(JSON.parse(body).payload));
  assert.deepEqual(Object.keys(first).sort(), ['exp', 'iat', 'jti', 'op']);
  assert.equal(first.exp - first.iat, 60);
  assert.notEqual(first.jti, second.jti);
});

test('an envelope that comes signed is sent as it is', async () => {
  const { api, requests } = recorded(envelope(await Signer.fromPEM('one', pem(rsa))));
  const ready: SignedEnvelope = { payload: 'e30', signatures: [{ protected: 'e30', signature: '' }] };
  await api.POST('/users/get', { body: ready });
  assert.deepEqual(JSON.parse(requests[0]!.body), ready);
});

test('what cannot be in an envelope is not sent', async () => {
  const { api, requests } = recorded(envelope(await Signer.fromPEM('one', pem(rsa))));
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  await assert.rejects(api.POST('/labels/list', { body: { user_uid: 'ID873B5CE1D2' }, headers: form }), /in JSON, and these are application\/x-www-form-urlencoded/);
  assert.equal(requests.length, 0);
  assert.throws(() => envelope([]), /needs a signer/);
});

test('a Bearer token serves until a sixth of its lifetime is left', async () => {
  let seconds = 0;
  let made = 0;
  const noon = 1763794295;
  const signing = bearer(await Signer.fromPEM('one', pem(rsa)), { now: () => (noon + seconds) * 1000, jti: () => `id${++made}` });
  const { api, requests } = recorded(signing);
  for (const [at, id] of [[0, 'id1'], [49, 'id1'], [50, 'id2'], [99, 'id2'], [49, 'id3']] as const) {
    seconds = at;
    await api.POST('/labels/list', { body: { user_uid: 'ID873B5CE1D2' } });
    const { request, body } = requests.at(-1)!;
    assert.equal(body, '{"user_uid":"ID873B5CE1D2"}');
    const [header, claims, signature] = request.headers.get('Authorization')!.replace(/^Bearer /, '').split('.') as [string, string, string];
    assert.deepEqual(decode(header), { alg: 'RS256', kid: 'one' });
    assert.equal(decode(claims).jti, id);
    assert.equal(decode(claims).op, undefined);
    assert.ok(good('RS256', rsa, `${header}.${claims}`, signature));
  }
});

test('an answer that is no success is thrown, with what it says', async () => {
  for (const [body, status, sentences, message] of [
    ['{"error": "Record is not found"}', 404, ['Record is not found'], 'the server answered 404: Record is not found (request 7)'],
    ['{"error": ["Email is invalid", "Password is too weak"]}', 422, ['Email is invalid', 'Password is too weak'], 'the server answered 422: Email is invalid, Password is too weak (request 7)'],
    ['{"detail": "Failed to verify JWT."}', 401, ['Failed to verify JWT.'], 'the server answered 401: Failed to verify JWT. (request 7)'],
    ['{"error": {"code": 1}}', 500, [], 'the server answered 500 (request 7)'],
    ['<html>', 502, [], 'the server answered 502 (request 7)'],
  ] as const) {
    const api = createClient('http://127.0.0.1:8080', bearer(await Signer.fromPEM('one', pem(rsa))), {
      fetch: async () => new Response(body, { status, headers: { 'X-Request-Id': '7', 'Retry-After': '30' } }),
    });
    await assert.rejects(unwrap(api.POST('/timestamp')), (error) => {
      assert.ok(error instanceof RefusedError);
      assert.deepEqual([error.status, error.sentences, error.requestId, error.retryAfter, error.message], [status, sentences, '7', 30, message]);
      return true;
    });
  }
});

test('the server is asked to refuse unknown parameters', async () => {
  const signer = await Signer.fromPEM('one', pem(ed25519));
  for (const signing of [envelope(signer), bearer(signer)]) {
    const { api, requests } = recorded(signing);
    await api.POST('/timestamp');
    await api.PUT('/labels', { body: { user_uid: 'ID1', key: 'plan', value: 'gold' }, headers: { Prefer: 'handling=lenient' } });
    assert.deepEqual(requests.map(({ request }) => request.headers.get('Prefer')), ['handling=strict', 'handling=lenient']);
  }
});

test('a URL without a path is that of the server', async () => {
  const signer = await Signer.fromPEM('one', pem(ed25519));
  for (const [url, want] of [
    ['http://127.0.0.1:8080', 'http://127.0.0.1:8080/api/v2/management/timestamp'],
    ['http://127.0.0.1:8080/', 'http://127.0.0.1:8080/api/v2/management/timestamp'],
    ['http://127.0.0.1:8080/api/v2/management', 'http://127.0.0.1:8080/api/v2/management/timestamp'],
    ['http://127.0.0.1:8080/proxy/', 'http://127.0.0.1:8080/proxy/timestamp'],
  ] as const) {
    let asked = '';
    const fetch = async (request: Request) => {
      asked = request.url;
      return Response.json({ timestamp: 1 }, { status: 201 });
    };
    await createClient(url, bearer(signer), { fetch }).POST('/timestamp');
    assert.equal(asked, want);
  }
});
