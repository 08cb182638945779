import { authorization, call } from './calls.js';
import * as api from './generated/api.js';

type Result<Data> = { status: number; data: Data | api.Error };

async function answered<Data extends object>(result: Promise<Result<Data>>) {
  const { status, data } = await result;
  return 'error' in data ? { status, failure: data } : { status, data };
}

const options = { headers: authorization };

call({
  getTimestamp: () => answered<api.Timestamp>(api.getTimestamp({}, options)),
  createUser: (body) => answered<api.UserWithProfile>(api.createUser(body, options)),
  importUser: (body) => answered<api.UserWithProfile>(api.importUser(body, options)),
  createLabel: (body) => answered<api.Label>(api.createLabel(body, options)),
  updateLabel: (body) => answered<api.Label>(api.updateLabel(body, options)),
  listLabels: (body) => answered<api.Label[]>(api.listLabels(body, options)),
  filterUsersByLabel: (body) => answered<api.ListedUser[]>(api.filterUsersByLabel(body, options)),
  createDocument: (body) => answered<api.UserWithProfile>(api.createDocument(body, options)),
  getUser: (body) => answered<api.UserWithKYC>(api.getUser(body, options)),
  listUsers: (body) => answered<api.ListedUser[]>(api.listUsers(body, options)),
  signOTP: (body) => answered<api.SignedEnvelope>(api.signOTP(body, options)),
  deleteLabel: (body) => answered<api.Label>(api.deleteLabel(body, options)),
  updateUser: (body) => answered<api.UserWithProfile>(api.updateUser(body, options)),
  createProfile: (body) => answered<api.UserWithProfile>(api.createProfile(body, options)),
  createPhone: (body) => answered<api.Phone>(api.createPhone(body, options)),
  listPhones: (body) => answered<api.Phone[]>(api.listPhones(body, options)),
  deletePhone: (body) => answered<api.Phone>(api.deletePhone(body, options)),
  createServiceAccount: (body) => answered<api.ServiceAccount>(api.createServiceAccount(body, options)),
  getServiceAccount: (body) => answered<api.ServiceAccount>(api.getServiceAccount(body, options)),
  listServiceAccounts: (body) => answered<api.ServiceAccount[]>(api.listServiceAccounts(body, options)),
  updateServiceAccount: (body) => answered<api.ServiceAccount>(api.updateServiceAccount(body, options)),
  createAPIKey: (body) => answered<api.APIKey>(api.createAPIKey(body, options)),
  updateAPIKey: (body) => answered<api.APIKey>(api.updateAPIKey(body, options)),
  deleteServiceAccount: (body) => answered<api.ServiceAccount>(api.deleteServiceAccount(body, options)),
  createAttachment: (body) => answered<api.Attachment>(api.createAttachment(body, options)),
});
