// The calls that every client makes, whoever generated it.

function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set`);
  return value;
}

export const api = setting('BARONG_API');
export const authorization = { Authorization: `Bearer ${setting('BARONG_TOKEN')}` };
export const generator = setting('BARONG_GENERATOR');
export const phone = setting('BARONG_PHONE');
export const otp = { user_uid: setting('BARONG_OTP_UID'), otp_code: setting('BARONG_OTP_CODE') };

// print says what a call has got: its status, and something that was decoded.
export function print(operation: string, status: number, decoded: string | number): void {
  console.log(`${operation}\t${status}\t${decoded}`);
}

const picture = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';

type Failure = { error: string | string[] };
type Answer<Data> = Promise<{ status: number; data?: Data; failure?: Failure }>;
type Label = { key: string; value: string; scope: 'public' | 'private' };
type Phone = { uid: string; number: string };
type ServiceAccount = { uid: string; role: string; state: string; user: { uid: string } | null };
type User = { uid: string; state: string; profile: { state: 'partial' | 'completed' } | null };

// Operations are what a client has to offer. That the generated types fit these is
// checked where one is made.
export interface Operations {
  getTimestamp(): Answer<{ timestamp: number }>;
  createUser(body: { email: string; password: string }): Answer<User>;
  importUser(body: { email: string; password_digest: string; phone: string; first_name: string; dob: string }): Answer<User>;
  createLabel(body: { user_uid: string; key: string; value: string }): Answer<Label>;
  updateLabel(body: { user_uid: string; key: string; value: string; replace: boolean }): Answer<Label>;
  listLabels(body: { user_uid: string }): Answer<Label[]>;
  filterUsersByLabel(body: { key: string; value: string; scope: string; limit: number }): Answer<{ uid: string }[]>;
  createDocument(body: {
    uid: string;
    doc_type: string;
    doc_number: string;
    filename: string;
    file_ext: string;
    upload: string;
    doc_expire: string;
  }): Answer<User>;
  getUser(body: { uid: string } | { email: string }): Answer<{ documents: { doc_expire: string | null }[] }>;
  listUsers(body: { email: string; extended: boolean }): Answer<{ profile?: { dob: string | null } | null }[]>;
  signOTP(body: { user_uid: string; otp_code: string }): Answer<{ signatures: { header?: { kid?: string } }[] }>;
  deleteLabel(body: { user_uid: string; key: string }): Answer<Label>;
  updateUser(body: { uid: string; role: string }): Answer<{ role: string }>;
  createProfile(body: { uid: string; state: string }): Answer<{ profiles: { state: string }[] }>;
  createPhone(body: Phone): Answer<{ country: string }>;
  listPhones(body: { uid: string }): Answer<{ country: string }[]>;
  deletePhone(body: Phone): Answer<{ country: string }>;
  createServiceAccount(body: { owner_uid: string; service_account_role: string }): Answer<ServiceAccount>;
  getServiceAccount(body: { uid: string }): Answer<ServiceAccount>;
  listServiceAccounts(body: { owner_uid: string }): Answer<ServiceAccount[]>;
  updateServiceAccount(body: { uid: string }): Answer<ServiceAccount>;
  createAPIKey(body: { uid: string; algorithm: string; scopes: string }): Answer<{ kid: string; scope: string[] }>;
  updateAPIKey(body: { uid: string; kid: string; state: string }): Answer<{ state: string }>;
  deleteServiceAccount(body: { uid: string }): Answer<ServiceAccount>;
  createAttachment(body: { uid: string; filename: string; file_ext: string; upload: string }): Answer<{ user_uid: string | null }>;
}

async function got<Data>(operation: string, answer: Answer<Data>, decoded: (data: Data) => string | number | null | undefined): Promise<void> {
  const { status, data, failure } = await answer;
  if (data === undefined) throw new Error(`${operation} got ${status} ${JSON.stringify(failure)}`);
  print(operation, status, decoded(data) ?? 'nothing');
}

async function refused(operation: string, answer: Answer<unknown>): Promise<void> {
  const { status, failure } = await answer;
  if (failure === undefined) throw new Error(`${operation} was not refused`);
  print(`${operation} refused`, status, Array.isArray(failure.error) ? failure.error.join('|') : failure.error);
}

export async function call(operations: Operations): Promise<void> {
  let uid = '';
  const email = `${generator}@example.com`;
  await got('getTimestamp', operations.getTimestamp(), (time) => time.timestamp);
  await got('createUser', operations.createUser({ email: `new-${email}`, password: 'Tecohvi0' }), (user) => user.state);
  await got(
    'importUser',
    operations.importUser({
      email,
      password_digest: '$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW',
      phone,
      first_name: 'Ada',
      dob: '1985-12-10',
    }),
    (user) => (uid = user.uid),
  );
  await got('createLabel', operations.createLabel({ user_uid: uid, key: 'generator', value: 'unknown' }), (label) => label.value);
  await got('updateLabel', operations.updateLabel({ user_uid: uid, key: 'generator', value: generator, replace: false }), (label) => label.value);
  await got('listLabels', operations.listLabels({ user_uid: uid }), (labels) => labels.map((label) => label.key).join());
  await got('filterUsersByLabel', operations.filterUsersByLabel({ key: 'generator', value: generator, scope: 'private', limit: 10 }), (users) => users.map((user) => user.uid).join());
  await got(
    'createDocument',
    operations.createDocument({
      uid,
      doc_type: 'Passport',
      doc_number: 'AB123123',
      filename: 'passport.png',
      file_ext: 'png',
      upload: picture,
      doc_expire: '2099-04-01',
    }),
    (user) => user.uid,
  );
  await got('getUser', operations.getUser({ uid }), (user) => user.documents[0]?.doc_expire);
  await got('listUsers', operations.listUsers({ email, extended: true }), (users) => users[0]?.profile?.dob);
  await got('signOTP', operations.signOTP(otp), (signed) => signed.signatures[0]?.header?.kid);
  await got('deleteLabel', operations.deleteLabel({ user_uid: uid, key: 'generator' }), (label) => label.key);
  await got('updateUser', operations.updateUser({ uid, role: 'maker' }), (user) => user.role);
  await got('createProfile', operations.createProfile({ uid, state: 'rejected' }), (user) => user.profiles.at(-1)?.state);
  const second = { uid, number: phone.replace('1515', '1516') };
  await got('createPhone', operations.createPhone(second), (number) => number.country);
  await got('listPhones', operations.listPhones({ uid }), (numbers) => numbers.map((number) => number.country).join());
  await got('deletePhone', operations.deletePhone(second), (number) => number.country);
  let robot = '';
  let kid = '';
  await got('createServiceAccount', operations.createServiceAccount({ owner_uid: uid, service_account_role: 'service_account' }), (account) => {
    robot = account.uid;
    return account.role;
  });
  await got('getServiceAccount', operations.getServiceAccount({ uid: robot }), (account) => account.user?.uid);
  await got('listServiceAccounts', operations.listServiceAccounts({ owner_uid: uid }), (accounts) => accounts[0]?.user?.uid);
  await got('updateServiceAccount', operations.updateServiceAccount({ uid: robot }), (account) => account.user?.uid);
  const holder = otp.user_uid;
  await got('createAPIKey', operations.createAPIKey({ uid: holder, algorithm: 'HS256', scopes: 'trade,history' }), (key) => {
    kid = key.kid;
    return key.scope.join();
  });
  await got('updateAPIKey', operations.updateAPIKey({ uid: holder, kid, state: 'inactive' }), (key) => key.state);
  await got('deleteServiceAccount', operations.deleteServiceAccount({ uid: robot }), (account) => account.state);
  await got('createAttachment', operations.createAttachment({ uid, filename: 'letter.png', file_ext: 'png', upload: picture }), (attachment) => attachment.user_uid);
  await refused('createUser', operations.createUser({ email: 'bad_email', password: 'Password1' }));
  await refused('getUser', operations.getUser({ email: 'nobody@example.com' }));
}
