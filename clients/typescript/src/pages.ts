import type { components } from './openapi.js';
import { ApiError } from './errors.js';

type Schemas = components['schemas'];
type ListedUser = Schemas['ListedUser'];
type ServiceAccount = Schemas['ServiceAccount'];

interface Page<Entry> {
  data?: Entry[];
  error?: unknown;
  response: Response;
}

/** Iterators over all pages of the lists. A page is asked for when the one before is used up; `limit` says how many entries it has. */
export interface Pages {
  users: {
    /** All users that `/users/list` returns, from the page of the parameters on. */
    listAll(parameters?: Schemas['ListUsersParameters']): AsyncGenerator<ListedUser, void, undefined>;
  };
  labels: {
    /** All users that `/labels/filter/users` returns, from the page of the parameters on. */
    filterAll(parameters: Schemas['FilterUsersByLabelParameters']): AsyncGenerator<ListedUser, void, undefined>;
  };
  serviceAccounts: {
    /** All accounts that `/service_accounts/list` returns, from the page of the parameters on. */
    listAll(parameters?: Schemas['ListServiceAccountsParameters']): AsyncGenerator<ServiceAccount, void, undefined>;
  };
}

/** Makes the iterators of the operations that return one page. */
export function pagesOf(
  listUsers: (parameters: Schemas['ListUsersParameters']) => Promise<Page<ListedUser>>,
  filterUsers: (parameters: Schemas['FilterUsersByLabelParameters']) => Promise<Page<ListedUser>>,
  listServiceAccounts: (parameters: Schemas['ListServiceAccountsParameters']) => Promise<Page<ServiceAccount>>,
): Pages {
  return {
    users: { listAll: (parameters = {}) => all(parameters, listUsers) },
    labels: { filterAll: (parameters) => all(parameters, filterUsers) },
    serviceAccounts: { listAll: (parameters = {}) => all(parameters, listServiceAccounts) },
  };
}

async function* all<Entry, Parameters extends { page?: number | null }>(
  parameters: Parameters,
  fetch: (parameters: Parameters) => Promise<Page<Entry>>,
) {
  for (let page = parameters.page ?? 1; ; page++) {
    const { data, error, response } = await fetch({ ...parameters, page });
    if (!response.ok || data === undefined) throw ApiError.of(response, error);
    yield* data;
    if (!response.headers.get('Link')?.includes('rel="next"')) return;
  }
}
