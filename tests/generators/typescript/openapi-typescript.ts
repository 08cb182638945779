import createClient from 'openapi-fetch';

import { api, authorization, call } from './calls.js';
import type { components, paths } from './generated/api.js';

type Result<Data> = { data?: Data; error?: components['schemas']['Error'] | components['schemas']['Problem']; response: Response };

async function answered<Data>(result: Promise<Result<Data>>) {
  const { data, error, response } = await result;
  if (error !== undefined && !('error' in error)) throw new Error(`problem details came unasked: ${error.title}`);
  return { status: response.status, data, failure: error };
}

const client = createClient<paths>({ baseUrl: api, headers: authorization });

call({
  getTimestamp: () => answered(client.POST('/timestamp')),
  createUser: (body) => answered(client.POST('/users', { body })),
  importUser: (body) => answered(client.POST('/users/import', { body })),
  createLabel: (body) => answered(client.POST('/labels', { body })),
  updateLabel: (body) => answered(client.PUT('/labels', { body })),
  listLabels: (body) => answered(client.POST('/labels/list', { body })),
  filterUsersByLabel: (body) => answered(client.POST('/labels/filter/users', { body })),
  createDocument: (body) => answered(client.POST('/documents', { body })),
  getUser: (body) => answered(client.POST('/users/get', { body })),
  listUsers: (body) => answered(client.POST('/users/list', { body })),
  signOTP: (body) => answered(client.POST('/otp/sign', { body })),
  deleteLabel: (body) => answered(client.POST('/labels/delete', { body })),
  updateUser: (body) => answered(client.POST('/users/update', { body })),
  createProfile: (body) => answered(client.POST('/profiles', { body })),
  createPhone: (body) => answered(client.POST('/phones', { body })),
  listPhones: (body) => answered(client.POST('/phones/get', { body })),
  deletePhone: (body) => answered(client.POST('/phones/delete', { body })),
  createServiceAccount: (body) => answered(client.POST('/service_accounts/create', { body })),
  getServiceAccount: (body) => answered(client.POST('/service_accounts/get', { body })),
  listServiceAccounts: (body) => answered(client.POST('/service_accounts/list', { body })),
  updateServiceAccount: (body) => answered(client.POST('/service_accounts/update', { body })),
  createAPIKey: (body) => answered(client.POST('/api_keys', { body })),
  updateAPIKey: (body) => answered(client.POST('/api_keys/update', { body })),
  deleteServiceAccount: (body) => answered(client.POST('/service_accounts/delete', { body })),
  createAttachment: (body) => answered(client.POST('/attachments', { body })),
});
