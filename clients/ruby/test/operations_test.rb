# frozen_string_literal: true

require 'net/http'
require 'server'

# The operations that one signer suffices for; client says how they are signed.
module Operations
  include Server

  PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=='
  JWS = { payload: 'eyJkYXRhIjp7fX0',
          signatures: [{ protected: 'eyJhbGciOiJSUzI1NiJ9', header: { kid: 'applogic' }, signature: 'c2ln' }] }.freeze

  # What /otp/sign is to sign.
  def jwt
    JWS
  end

  def test_timestamp_is_the_time
    assert_in_delta Time.now.to_i, client.tools.get_timestamp.timestamp, 5
  end

  def test_created_user_has_no_profile
    email = "#{unique('ada')}@example.com"
    user = client.users.create_user(CreateUserParameters.new(email: email, password: 'Fai5aesoLEcx'))
    assert_equal [email, 'member', 0, false, 'pending'], [user.email, user.role, user.level, user.otp, user.state]
    assert_nil user.profile
    assert_nil user.data
    assert_nil user.referral_uid
    assert_kind_of DateTime, user.created_at
    assert_equal 0, user.created_at.offset
  end

  def test_imported_user_has_profile_and_phone
    phone = format('+44207%07d', SecureRandom.random_number(10**7))
    user = imported(through: client, phone: phone, first_name: 'Ada', dob: Date.new(1985, 12, 10))
    profile = user.profile
    assert_equal ['Ada', nil, 'partial'], [profile.first_name, profile.last_name, profile.state]
    assert_equal Date.new(1985, 12, 10), profile.dob
    assert_nil profile.metadata
    found = client.users.get_user(GetUserParameters.new(phone_num: phone))
    assert_equal user.uid, found.uid
    assert_equal ['GB', phone[1..]], [found.phones.first.country, found.phones.first.number]
    assert_kind_of DateTime, found.phones.first.validated_at
    assert_equal([%w[profile partial]], found.labels.map { |label| [label.key, label.value] })
  end

  def test_users_are_listed_page_by_page
    3.times { imported }
    page = ListUsersParameters.new(page: 2, limit: 1, from: Time.now.to_i - 3600)
    users, status, headers = client.users.list_users_with_http_info(list_users_parameters: page)
    assert_equal [201, [ListedUser]], [status, users.map(&:class)]
    assert_operator headers['Total'].to_i, :>=, 3
    assert_equal %w[2 1], [headers['Page'], headers['Per-Page']]
    %w[first prev next last].each { |relation| assert_includes headers['Link'], %(rel="#{relation}") }
    assert_operator client.users.list_users.size, :>=, 3
  end

  def test_extended_lists_hold_everything
    named = imported(first_name: 'Ada')
    nameless = imported
    everything = ListUsersParameters.new(extended: true, limit: 1000, from: Time.now.to_i - 60)
    users = client.users.list_users(list_users_parameters: everything).to_h { |user| [user.uid, user] }
    assert_instance_of ListedUser, users[named.uid]
    assert_equal 'Ada', users[named.uid].profile.first_name
    assert_equal 'profile', users[named.uid].labels.first.key
    assert_nil users[nameless.uid].profile
    assert_empty users[nameless.uid].labels
  end

  def test_users_are_found_by_label
    uid = imported.uid
    value = unique('value')
    Server::BOTH.labels.create_label(CreateLabelParameters.new(user_uid: uid, key: 'campaign', value: value))
    filter = FilterUsersByLabelParameters.new(key: 'campaign', value: value, scope: 'private')
    users, _, headers = client.labels.filter_users_by_label_with_http_info(filter)
    assert_equal([[ListedUser, uid]], users.map { |user| [user.class, user.uid] })
    assert_equal '1', headers['Total']
    assert_nil headers['Link']
  end

  def test_all_pages_are_read
    value = unique('value')
    uids = Array.new(3) { imported.uid }
    uids.each { |uid| Server::BOTH.labels.create_label(CreateLabelParameters.new(user_uid: uid, key: 'campaign', value: value)) }
    found = client.labels.filter_all(FilterUsersByLabelParameters.new(key: 'campaign', value: value, limit: 2)).map(&:uid)
    assert_equal uids.sort, found.sort
    listed = client.users.list_all(ListUsersParameters.new(limit: 50)).map(&:uid)
    assert_equal listed.uniq, listed
    assert_empty uids - listed
  end

  def test_all_pages_of_the_service_accounts_of_a_user_are_listed
    owner = imported.uid
    made = Array.new(3) do
      client.service_accounts.create_service_account(CreateServiceAccountParameters.new(service_account_role: 'sa_maker', owner_uid: owner)).uid
    end
    listed = client.service_accounts.list_all(ListServiceAccountsParameters.new(owner_uid: owner, limit: 2))
    assert_equal(made.map { |uid| [uid, owner] }, listed.map { |account| [account.uid, account.user.uid] })
  end

  def test_labels_are_listed
    labels = client.labels.list_labels(ListLabelsParameters.new(user_uid: imported(first_name: 'Ada').uid))
    assert_equal([%w[profile partial private]], labels.map { |label| [label.key, label.value, label.scope] })
  end

  def test_document_is_read_through_its_signed_url
    uid = imported.uid
    expires = Date.today + 365
    user = client.documents.create_document(
      CreateDocumentParameters.new(
        uid: uid, doc_type: 'Passport', doc_number: 'AB123123', filename: 'passport.png', file_ext: 'png',
        upload: PNG, doc_expire: expires, metadata: '{"source": "back office"}'
      )
    )
    assert_equal uid, user.uid
    document = client.users.get_user(GetUserParameters.new(uid: uid)).documents.first
    assert_equal %w[Passport AB123123], [document.doc_type, document.doc_number]
    assert_equal expires, document.doc_expire
    assert_equal({ 'source' => 'back office' }, JSON.parse(document.metadata))
    assert_equal PNG.unpack1('m'), Net::HTTP.get(URI(document.upload))
  end

  def test_otp_signs
    parameters = { user_uid: Server::OTP_UID, otp_code: otp_code, jwt: jwt }.compact
    envelope = client.otp.sign_otp(SignOTPParameters.new(parameters))
    assert_equal 'barong', envelope.signatures.last.header['kid']
    if jwt
      assert_equal jwt[:payload], envelope.payload
      assert_equal jwt[:signatures].first[:signature], envelope.signatures.first.signature
    else
      claims = JSON.parse(JWT::Base64.url_decode(envelope.payload))
      assert_equal ['barong', Server::OTP_UID], claims.values_at('iss', 'sub')
    end
  end

  def assert_refused(status, *sentences, &call)
    refusal = assert_raises(BarongManagement::ApiError, &call)
    assert_equal [status, sentences], [refusal.status, refusal.messages]
    refute_nil refusal.request_id
  end
end

class OneSignerTest < Minitest::Test
  include Operations

  def client
    @client ||= Client.new(Server::API, Envelope.new(Server::FIRST))
  end

  def jwt; end

  def test_labels_demand_two
    assert_refused(401, 'Not enough signatures for the action.') do
      client.labels.create_label(CreateLabelParameters.new(user_uid: 'ID1', key: 'email', value: 'verified'))
    end
  end
end

class TokenTest < Minitest::Test
  include Operations

  def client
    @client ||= Client.new(Server::API, Bearer.new(Server::FIRST))
  end

  def test_labels_demand_two
    assert_refused(401, 'Not enough signatures for the action.') do
      client.labels.delete_label(DeleteLabelParameters.new(user_uid: 'ID1', key: 'email'))
    end
  end
end

class TwoSignersTest < Minitest::Test
  include Operations

  def client
    Server::BOTH
  end

  def test_labels_come_and_go
    uid = imported.uid
    labels = client.labels
    label = labels.create_label(CreateLabelParameters.new(user_uid: uid, key: 'Email', value: 'verified'))
    assert_equal %w[email verified private], [label.key, label.value, label.scope]
    assert_kind_of DateTime, label.created_at
    assert_equal 'active', client.users.get_user(GetUserParameters.new(uid: uid)).state
    label = labels.update_label(UpdateLabelParameters.new(user_uid: uid, key: 'email', value: 'rejected'))
    assert_equal 'rejected', label.value
    assert_equal 'rejected', labels.delete_label(DeleteLabelParameters.new(user_uid: uid, key: 'email')).value
    assert_empty labels.list_labels(ListLabelsParameters.new(user_uid: uid))
    assert_refused(404, 'label doesnt exist') do
      labels.update_label(UpdateLabelParameters.new(user_uid: uid, key: 'email', value: 'verified', replace: false))
    end
  end

  def test_nobody_there
    assert_refused(404, 'Record is not found') do
      client.users.get_user(GetUserParameters.new(email: "#{unique('nobody')}@example.com"))
    end
  end

  def test_every_broken_rule_of_a_record
    assert_refused(422, 'Email is invalid', 'Password is too weak') do
      client.users.create_user(CreateUserParameters.new(email: 'bad_email', password: 'Password1'))
    end
  end

  def test_fields_and_codes
    error = assert_raises(BarongManagement::ApiError) { client.users.create_user(CreateUserParameters.new(email: 'bad_email', password: 'Password1')) }
    assert_equal 'invalid_record', error.error_code
    assert_equal [
      Violation.new('email', 'email_invalid', 'Email is invalid'), Violation.new('password', 'password_too_weak', 'Password is too weak')
    ], error.violations
  end

  def test_key_that_the_server_does_not_know
    stranger = Signer.new('backend-1', OpenSSL::PKey::RSA.generate(2048).private_to_pem)
    [Envelope, Bearer].each do |way|
      assert_refused(401, 'Failed to verify JWT.') { Client.new(Server::API, way.new(stranger)).tools.get_timestamp }
    end
  end

  def test_signature_that_is_too_old
    late = Client.new(Server::API, Envelope.new(Server::FIRST), clock: -> { Time.now.to_i - 3600 })
    assert_refused(401, 'Failed to verify JWT.') { late.tools.get_timestamp }
  end
end
