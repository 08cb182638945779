/** The operationId at each method and path of openapi.yaml: the value of the claim op. */
export const operationIds: Readonly<Record<string, string>> = {
  'POST /timestamp': 'getTimestamp',
  'POST /labels': 'createLabel',
  'PUT /labels': 'updateLabel',
  'POST /labels/delete': 'deleteLabel',
  'POST /labels/list': 'listLabels',
  'POST /labels/filter/users': 'filterUsersByLabel',
  'POST /users': 'createUser',
  'POST /users/import': 'importUser',
  'POST /users/list': 'listUsers',
  'POST /users/get': 'getUser',
  'POST /otp/sign': 'signOTP',
  'POST /documents': 'createDocument',
};

/** The operations that only read, and the one whose repetition changes nothing. */
export const repeatable: ReadonlySet<string | undefined> = new Set(['getTimestamp', 'listLabels', 'filterUsersByLabel', 'listUsers', 'getUser', 'updateLabel']);

/** The operations whose 429 may mean that an attempt was counted: another attempt prolongs the lock. */
export const counted: ReadonlySet<string | undefined> = new Set(['signOTP']);
