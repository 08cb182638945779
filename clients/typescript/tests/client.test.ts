// What is sent beside the parameters, time-outs, errors, logs and pages. Needs no server of its own.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { ApiError, bearer, createClient, envelope, NoResponseError, RefusedError, unwrap, userAgent, version, type AttemptRecord } from '../src/index.js';
import { signer, withStub, type Reply } from './stub.js';

const time: Reply = [201, { 'X-Request-Id': '5f0c' }, { timestamp: 1763794295 }];
const once = { attempts: 1 };

test('the client names itself and its version', async () => {
  await withStub([time], async ({ client, requests }) => {
    await client().POST('/timestamp');
    assert.equal(requests[0]!.headers['user-agent'], userAgent);
    assert.equal(userAgent, `barong-typescript/${version} Node/${process.versions.node}`);
    assert.equal(version, JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')).version);
    await client().POST('/timestamp', { headers: { 'User-Agent': 'mine' } });
    assert.equal(requests[1]!.headers['user-agent'], 'mine');
  });
});

test('connecting ends in time', async () => {
  const silent = createServer(); // and so never ends a handshake of TLS
  await new Promise<void>((listening) => silent.listen(0, '127.0.0.1', listening));
  try {
    const client = createClient(`https://127.0.0.1:${(silent.address() as AddressInfo).port}`, envelope(signer), { connectTimeout: 200, retries: once });
    const started = performance.now();
    await assert.rejects(client.POST('/timestamp'), (error) => error instanceof NoResponseError && !error.sent);
    assert.ok(performance.now() - started < 2000);
  } finally {
    silent.close();
  }
});

test('reading ends in time, that of the body too', async () => {
  for (const reply of ['wait', 'half'] as const) {
    await withStub([reply], async ({ client }) => {
      const started = performance.now();
      await assert.rejects(client({ readTimeout: 100, retries: once }).POST('/timestamp'), (error) => {
        assert.ok(error instanceof NoResponseError && error.sent);
        assert.equal(error.message, 'no response to POST /timestamp: the response took longer than 100 ms');
        return true;
      });
      assert.ok(performance.now() - started < 1000);
    });
  }
});

test('a fetch of the caller gets signed requests, and ends in time', async () => {
  const signals: AbortSignal[] = [];
  const fetch = async ({ signal, headers }: Request) => {
    assert.equal(headers.get('Content-Type'), 'application/jose+json');
    signals.push(signal);
    return new Promise<Response>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
  };
  const client = createClient('http://127.0.0.1', envelope(signer), { fetch, readTimeout: 50, retries: { ...once } });
  await assert.rejects(client.POST('/timestamp'), NoResponseError);
  assert.deepEqual(signals.map(({ aborted }) => aborted), [true]);
});

test('a call with a fetch of its own is not sent unsigned', async () => {
  let sent = false;
  const fetch = async () => {
    sent = true;
    return Response.json({ timestamp: 1 }, { status: 201 });
  };
  await assert.rejects(createClient('http://127.0.0.1', envelope(signer)).POST('/timestamp', { fetch }), TypeError);
  assert.equal(sent, false);
});

test('redirects are not followed', async () => {
  await withStub([[307, { Location: '/elsewhere' }, {}]], async ({ client, requests }) => {
    await assert.rejects(unwrap(client().POST('/timestamp')), (error) => error instanceof ApiError && error.status === 307);
    assert.equal(requests.length, 1);
  });
});

const problem = {
  type: 'urn:barong:error:invalid_record', title: 'Unprocessable Entity', status: 422, detail: 'Email is invalid, Password is too weak',
  errors: [
    { pointer: '/email', code: 'email_invalid', detail: 'Email is invalid' },
    { pointer: '/a~1b~0c', code: 'password_too_weak', detail: 'Password is too weak' },
    { pointer: '', code: 'exactly_one', detail: 'exactly one' },
  ],
  request_id: '5f0c',
};

test('problem details name the fields', async () => {
  const headers = { 'Content-Type': 'application/problem+json', 'X-Request-Id': '5f0c', 'Retry-After': '3' };
  await withStub([[422, headers, problem]], async ({ client, requests }) => {
    await assert.rejects(unwrap(client().POST('/timestamp')), (error) => {
      assert.ok(error instanceof ApiError && error instanceof RefusedError);
      assert.deepEqual([error.status, error.code, error.requestId, error.retryAfter], [422, 'invalid_record', '5f0c', 3]);
      assert.deepEqual(error.messages, ['Email is invalid', 'Password is too weak', 'exactly one']);
      assert.deepEqual(error.sentences, error.messages);
      assert.deepEqual(error.violations, [
        { field: 'email', code: 'email_invalid', message: 'Email is invalid' },
        { field: 'a/b~c', code: 'password_too_weak', message: 'Password is too weak' },
        { field: '', code: 'exactly_one', message: 'exactly one' },
      ]);
      return true;
    });
    assert.match(requests[0]!.headers.accept ?? '', /application\/problem\+json/);
  });
});

test('a problem without fields has its detail', async () => {
  await withStub([[404, {}, { type: 'urn:barong:error:not_found', detail: 'Record is not found', errors: [] }]], async ({ client }) => {
    await assert.rejects(unwrap(client().POST('/timestamp')), { code: 'not_found', messages: ['Record is not found'], violations: [] });
  });
});

test('a problem about parameters has one message, as a plain error has', async () => {
  const errors = [{ pointer: '/email', code: 'email_missing', detail: 'email is missing' }, { pointer: '/email', code: 'email_empty', detail: 'email is empty' }];
  await withStub([[422, {}, { type: 'urn:barong:error:invalid_parameters', detail: 'email is missing, email is empty', errors }]], async ({ client }) => {
    await assert.rejects(unwrap(client().POST('/timestamp')), (error) => {
      assert.ok(error instanceof ApiError);
      assert.deepEqual(error.messages, ['email is missing, email is empty']);
      assert.deepEqual(error.violations.map(({ field, code }) => [field, code]), [['email', 'email_missing'], ['email', 'email_empty']]);
      return true;
    });
  });
});

test('a Retry-After that cannot be read is none', async () => {
  for (const [header, seconds] of [['soon', undefined], ['-1', undefined], ['1.5', undefined], ['Sun, 06 Nov 1994 08:49:37 GMT', 0]] as const) {
    await withStub([[404, { 'Retry-After': header }, {}]], async ({ client }) => {
      await assert.rejects(unwrap(client().POST('/timestamp')), { retryAfter: seconds });
    });
  }
});

test('each attempt is logged without what is sent', async () => {
  const records: [string, string, AttemptRecord][] = [];
  const noting = (level: string) => (message: string, record: AttemptRecord) => void records.push([level, message, record]);
  const logger = { debug: noting('debug'), info: noting('info'), warn: noting('warn') };
  const unavailable = { type: 'urn:barong:error:unavailable', detail: 'a word of the body' };
  await withStub([[503, { 'X-Request-Id': 'first' }, unavailable], 'hang up', [404, {}, {}], time], async ({ client, requests }) => {
    const api = client({ signing: bearer(signer), logger });
    await api.POST('/timestamp');
    await api.POST('/timestamp');
    assert.deepEqual(records.map(([level, , { method, path, status, requestId, attempt }]) => [level, method, path, status, requestId, attempt]), [
      ['warn', 'POST', '/timestamp', 503, 'first', 1],
      ['warn', 'POST', '/timestamp', 0, undefined, 2],
      ['info', 'POST', '/timestamp', 404, undefined, 3],
      ['debug', 'POST', '/timestamp', 201, '5f0c', 1],
    ]);
    assert.match(records[1]![1], /^POST \/timestamp: no response \(.+\) in \d+ ms, attempt 2, request unknown$/);
    assert.match(records[3]![1], /^POST \/timestamp: 201 in \d+ ms, attempt 1, request 5f0c$/);
    const text = JSON.stringify(records);
    for (const secret of ['a word of the body', 'Bearer', requests[0]!.headers.authorization!.split('.')[2]!, '1763794295']) assert.ok(!text.includes(secret), secret);
    assert.ok(records.every(([, , { duration }]) => duration > 0 && duration < 5000));
  });
});

const page = (number: number, last: number): Reply => {
  const next = number < last ? `, </users/list?page=${number + 1}>; rel="next"` : '';
  return [201, { Link: `</users/list?page=1>; rel="first"${next}` }, [{ uid: `ID${number}` }]];
};

test('users come from all pages as they are needed', async () => {
  await withStub([page(1, 3), page(2, 3), page(3, 3)], async ({ client, requests }) => {
    const parameters = { limit: 1, state: 'active' };
    const users = client({ signing: bearer(signer) }).users.listAll(parameters);
    assert.equal((await users.next()).value?.uid, 'ID1');
    assert.equal(requests.length, 1);
    const uids = [];
    for await (const { uid } of users) uids.push(uid);
    assert.deepEqual(uids, ['ID2', 'ID3']);
    assert.deepEqual(requests.map(({ body }) => JSON.parse(body)), [1, 2, 3].map((page) => ({ ...parameters, page })));
  });
});

test('pages begin where the parameters say, and one that fails comes again', async () => {
  await withStub([page(2, 3), [503, {}, {}], page(3, 3)], async ({ client, requests }) => {
    const uids = [];
    for await (const { uid } of client({ signing: bearer(signer) }).labels.filterAll({ key: 'email', page: 2 })) uids.push(uid);
    assert.deepEqual(uids, ['ID2', 'ID3']);
    assert.deepEqual(requests.map(({ body }) => JSON.parse(body)), [2, 3, 3].map((page) => ({ key: 'email', page })));
    assert.deepEqual([...new Set(requests.map(({ url }) => url))], ['/api/v2/management/labels/filter/users']);
  });
});

test('a page that is refused ends the users with an error', async () => {
  await withStub([page(1, 2), [401, {}, { error: 'Failed to verify JWT.' }]], async ({ client }) => {
    const users = client().users.listAll();
    await users.next();
    await assert.rejects(users.next(), { status: 401, messages: ['Failed to verify JWT.'] });
  });
});
