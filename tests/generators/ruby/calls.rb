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
  DocumentsApi.new, :create_document,
  CreateDocumentParameters.new(
    uid: uid,
    doc_type: 'Passport',
    doc_number: 'AB123123',
    filename: 'passport.png',
    file_ext: 'png',
    upload: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
    doc_expire: Date.new(2099, 4, 1)
  ), &:uid
)
call(users, :get_user, GetUserParameters.new(uid: uid)) { |user| user.documents.first.doc_expire }
call(users, :list_users, { list_users_parameters: ListUsersParameters.new(email: EMAIL, extended: true) }) { |found| found.first.profile.dob }
call(OtpApi.new, :sign_otp, SignOTPParameters.new(user_uid: ENV.fetch('BARONG_OTP_UID'), otp_code: ENV.fetch('BARONG_OTP_CODE'))) do |signed|
  signed.signatures.first.header['kid']
end
call(labels, :delete_label, DeleteLabelParameters.new(user_uid: uid, key: 'generator'), &:key)
refused(users, :create_user, CreateUserParameters.new(email: 'bad_email', password: 'Password1'))
refused(users, :get_user, GetUserParameters.new(email: 'nobody@example.com'))
