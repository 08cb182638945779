import { authorization, call } from './calls.js';
import * as api from './generated/api/index.js';
import { client } from './generated/api/client.gen.js';

type Result<Data> = { data?: Data; error?: api.Error; response?: Response };

async function answered<Data>(result: Promise<Result<Data>>) {
  const { data, error, response } = await result;
  if (response === undefined) throw error;
  return { status: response.status, data, failure: error };
}

client.setConfig({ headers: authorization });

call({
  getTimestamp: () => answered(api.getTimestamp()),
  createUser: (body) => answered(api.createUser({ body })),
  importUser: (body) => answered(api.importUser({ body })),
  createLabel: (body) => answered(api.createLabel({ body })),
  updateLabel: (body) => answered(api.updateLabel({ body })),
  listLabels: (body) => answered(api.listLabels({ body })),
  filterUsersByLabel: (body) => answered(api.filterUsersByLabel({ body })),
  createDocument: (body) => answered(api.createDocument({ body })),
  getUser: (body) => answered(api.getUser({ body })),
  listUsers: (body) => answered(api.listUsers({ body })),
  signOTP: (body) => answered(api.signOtp({ body })),
  deleteLabel: (body) => answered(api.deleteLabel({ body })),
  updateUser: (body) => answered(api.updateUser({ body })),
  createProfile: (body) => answered(api.createProfile({ body })),
  createPhone: (body) => answered(api.createPhone({ body })),
  listPhones: (body) => answered(api.listPhones({ body })),
  deletePhone: (body) => answered(api.deletePhone({ body })),
  createServiceAccount: (body) => answered(api.createServiceAccount({ body })),
  getServiceAccount: (body) => answered(api.getServiceAccount({ body })),
  listServiceAccounts: (body) => answered(api.listServiceAccounts({ body })),
  updateServiceAccount: (body) => answered(api.updateServiceAccount({ body })),
  createAPIKey: (body) => answered(api.createApiKey({ body })),
  updateAPIKey: (body) => answered(api.updateApiKey({ body })),
  deleteServiceAccount: (body) => answered(api.deleteServiceAccount({ body })),
  createAttachment: (body) => answered(api.createAttachment({ body })),
});
