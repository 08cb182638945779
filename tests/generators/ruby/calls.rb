# Calls every operation with the client that openapi-generator has made.

require 'date'
require 'json'
require 'openapi_client'
require 'uri'

include OpenapiClient

OpenapiClient.configure do |configuration|
  configuration.access_token = ENV.fetch('BARONG_TOKEN')
  configuration.host = URI(ENV.fetch('BARONG_API')).then { |api| "#{api.host}:#{api.port}" } # it loses the document's port
end

GENERATOR = ENV.fetch('BARONG_GENERATOR')
PICTURE = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='.freeze
EMAIL = "#{GENERATOR}@example.com".freeze

# Prints the status of a call and something that was decoded.
def call(api, operation, parameters)
  data, status, = api.public_send("#{operation}_with_http_info", parameters)
  puts [operation, status, yield(data)].join("\t")
  data
end

def refused(api, operation, parameters)
  api.public_send(operation, parameters)
  raise "#{operation} was not refused"
rescue ApiError => e
  puts ["#{operation} refused", e.code, [JSON.parse(e.response_body).fetch('error')].join('|')].join("\t")
end

tools = ToolsApi.new
users = UsersApi.new
labels = LabelsApi.new
documents = DocumentsApi.new
phones = PhonesApi.new
accounts = ServiceAccountsApi.new
keys = ApiKeysApi.new

call(tools, :get_timestamp, {}, &:timestamp)
call(users, :create_user, CreateUserParameters.new(email: "new-#{EMAIL}", password: 'Tecohvi0'), &:state)
uid = call(
  users, :import_user,
  ImportUserParameters.new(
    email: EMAIL,
    password_digest: '$2a$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW',
    phone: ENV.fetch('BARONG_PHONE'),
    first_name: 'Ada',
    dob: Date.new(1985, 12, 10)
  ), &:uid
).uid
call(labels, :create_label, CreateLabelParameters.new(user_uid: uid, key: 'generator', value: 'unknown'), &:value)
call(labels, :update_label, UpdateLabelParameters.new(user_uid: uid, key: 'generator', value: GENERATOR, replace: false), &:value)
call(labels, :list_labels, ListLabelsParameters.new(user_uid: uid)) { |found| found.map(&:key).join(',') }
call(labels, :filter_users_by_label, FilterUsersByLabelParameters.new(key: 'generator', value: GENERATOR, scope: 'private', limit: 10)) { |found| found.map(&:uid).join(',') }
call(
  documents, :create_document,
  CreateDocumentParameters.new(
    uid: uid,
    doc_type: 'Passport',
    doc_number: 'AB123123',
    filename: 'passport.png',
    file_ext: 'png',
    upload: PICTURE,
    doc_expire: Date.new(2099, 4, 1)
  ), &:uid
)
call(users, :get_user, GetUserParameters.new(uid: uid)) { |user| user.documents.first.doc_expire }
call(users, :list_users, { list_users_parameters: ListUsersParameters.new(email: EMAIL, extended: true) }) { |found| found.first.profile.dob }
call(OtpApi.new, :sign_otp, SignOTPParameters.new(user_uid: ENV.fetch('BARONG_OTP_UID'), otp_code: ENV.fetch('BARONG_OTP_CODE'))) do |signed|
  signed.signatures.first.header['kid']
end
call(labels, :delete_label, DeleteLabelParameters.new(user_uid: uid, key: 'generator'), &:key)
call(users, :update_user, UpdateUserParameters.new(uid: uid, role: 'maker'), &:role)
call(users, :create_profile, CreateProfileParameters.new(uid: uid, state: 'rejected')) { |user| user.profiles.last.state }
second = { uid: uid, number: ENV.fetch('BARONG_PHONE').sub('1515', '1516') }
call(phones, :create_phone, CreatePhoneParameters.new(second), &:country)
call(phones, :list_phones, ListPhonesParameters.new(uid: uid)) { |found| found.map(&:country).join(',') }
call(phones, :delete_phone, DeletePhoneParameters.new(second), &:country)
robot = call(accounts, :create_service_account, CreateServiceAccountParameters.new(owner_uid: uid, service_account_role: 'service_account'), &:role).uid
call(accounts, :get_service_account, GetServiceAccountParameters.new(uid: robot)) { |account| account.user.uid }
call(accounts, :list_service_accounts, { list_service_accounts_parameters: ListServiceAccountsParameters.new(owner_uid: uid) }) { |found| found.first.user.uid }
call(accounts, :update_service_account, UpdateServiceAccountParameters.new(uid: robot)) { |account| account.user.uid }
holder = ENV.fetch('BARONG_OTP_UID')
kid = call(keys, :create_api_key, CreateAPIKeyParameters.new(uid: holder, algorithm: 'HS256', scopes: 'trade,history')) { |key| key.scope.join(',') }.kid
call(keys, :update_api_key, UpdateAPIKeyParameters.new(uid: holder, kid: kid, state: 'inactive'), &:state)
call(accounts, :delete_service_account, DeleteServiceAccountParameters.new(uid: robot), &:state)
call(documents, :create_attachment, CreateAttachmentParameters.new(uid: uid, filename: 'letter.png', file_ext: 'png', upload: PICTURE), &:user_uid)
refused(users, :create_user, CreateUserParameters.new(email: 'bad_email', password: 'Password1'))
refused(users, :get_user, GetUserParameters.new(email: 'nobody@example.com'))
