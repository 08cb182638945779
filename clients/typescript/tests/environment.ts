function setting(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: make test-clients, at the top of the repository, starts a server and sets it`);
  return value;
}

/** What tests/clients_test.go at the top of the repository tells about the server. */
export const environment = {
  api: setting('BARONG_API'),
  keys: setting('BARONG_KEYS'),
  otpUID: setting('BARONG_OTP_UID'),
  otpSecret: setting('BARONG_OTP_SECRET'),
};
