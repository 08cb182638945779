# frozen_string_literal: true

require 'stub'

# What is sent again, when, and what is not: by the requests that a server counts.
# Needs no server of its own.
class RetriesTest < Minitest::Test
  include BarongManagement

  TIME = [201, {}, { timestamp: 1_763_794_295 }].freeze
  LABEL = { user_uid: 'ID1', key: 'email', value: 'verified' }.freeze
  CALLS = {
    'getTimestamp' => ->(client) { client.tools.get_timestamp },
    'listLabels' => ->(client) { client.labels.list_labels(ListLabelsParameters.new(user_uid: 'ID1')) },
    'filterUsersByLabel' => ->(client) { client.labels.filter_users_by_label(FilterUsersByLabelParameters.new(key: 'email')) },
    'listUsers' => ->(client) { client.users.list_users },
    'getUser' => ->(client) { client.users.get_user(GetUserParameters.new(uid: 'ID1')) },
    'updateLabel' => ->(client) { client.labels.update_label(UpdateLabelParameters.new(LABEL)) },
    'createLabel' => ->(client) { client.labels.create_label(CreateLabelParameters.new(LABEL)) },
    'deleteLabel' => ->(client) { client.labels.delete_label(DeleteLabelParameters.new(user_uid: 'ID1', key: 'email')) },
    'createUser' => ->(client) { client.users.create_user(CreateUserParameters.new(email: 'ada@example.com', password: 'Fai5aesoLEcx')) },
    'importUser' => ->(client) { client.users.import_user(ImportUserParameters.new(email: 'ada@example.com', password_digest: '$2a$04$')) },
    'signOTP' => ->(client) { client.otp.sign_otp(SignOTPParameters.new(user_uid: 'ID1', otp_code: '000000')) },
    'createDocument' => lambda { |client|
      client.documents.create_document(
        CreateDocumentParameters.new(uid: 'ID1', doc_type: 'Passport', doc_number: 'AB123123', filename: 'passport.png', file_ext: 'png', upload: 'aGk=')
      )
    },
    'updateUser' => ->(client) { client.users.update_user(UpdateUserParameters.new(uid: 'ID1', role: 'admin')) },
    'createProfile' => ->(client) { client.users.create_profile(CreateProfileParameters.new(uid: 'ID1')) },
    'createPhone' => ->(client) { client.phones.create_phone(CreatePhoneParameters.new(uid: 'ID1', number: '442079460018')) },
    'listPhones' => ->(client) { client.phones.list_phones(ListPhonesParameters.new(uid: 'ID1')) },
    'deletePhone' => ->(client) { client.phones.delete_phone(DeletePhoneParameters.new(uid: 'ID1', number: '442079460018')) },
    'getServiceAccount' => ->(client) { client.service_accounts.get_service_account(GetServiceAccountParameters.new(uid: 'SI1')) },
    'listServiceAccounts' => ->(client) { client.service_accounts.list_service_accounts },
    'createServiceAccount' => lambda { |client|
      client.service_accounts.create_service_account(CreateServiceAccountParameters.new(service_account_role: 'sa_maker'))
    },
    'updateServiceAccount' => ->(client) { client.service_accounts.update_service_account(UpdateServiceAccountParameters.new(uid: 'SI1')) },
    'deleteServiceAccount' => ->(client) { client.service_accounts.delete_service_account(DeleteServiceAccountParameters.new(uid: 'SI1')) },
    'createAPIKey' => ->(client) { client.api_keys.create_api_key(CreateAPIKeyParameters.new(uid: 'ID1', algorithm: 'HS256')) },
    'updateAPIKey' => lambda { |client|
      client.api_keys.update_api_key(UpdateAPIKeyParameters.new(uid: 'ID1', kid: '61d025b8573501c2', state: 'inactive'))
    },
    'createAttachment' => lambda { |client|
      client.documents.create_attachment(CreateAttachmentParameters.new(filename: 'a.png', file_ext: 'png', upload: 'aGk='))
    }
  }.freeze
  READS_AND_UPDATE = %w[
    getTimestamp listLabels filterUsersByLabel listUsers getUser listPhones getServiceAccount listServiceAccounts updateLabel
  ].freeze

  UNCERTAIN = [[503, {}, {}], [409, { 'Retry-After' => '1' }, {}], :hang_up].freeze

  def test_every_operation_is_called
    assert_equal OPERATIONS.values.sort, CALLS.keys.sort
    assert_equal READS_AND_UPDATE.sort, REPEATABLE.sort
  end

  def test_429_is_retried_unless_it_may_have_counted_a_code
    assert_equal CALLS.to_h { |operation, _| [operation, operation == 'signOTP' ? 1 : 3] }, attempts([429, {}, {}])
  end

  def test_503_409_with_retry_after_and_lost_connections_are_retried_unless_they_may_have_counted_a_code
    expected = CALLS.to_h { |operation, _| [operation, operation == 'signOTP' ? 1 : 3] }
    UNCERTAIN.each { |reply| assert_equal expected, attempts(reply) }
  end

  def test_without_retried_writes_they_are_retried_where_repetition_is_harmless_even_without_a_key
    expected = CALLS.to_h { |operation, _| [operation, READS_AND_UPDATE.include?(operation) ? 3 : 1] }
    UNCERTAIN.each { |reply| assert_equal expected, attempts(reply, writes: false) }
  end

  def test_another_error_is_not_retried
    [400, 401, 404, 409, 422, 500, 502].each { |status| assert_equal [1], attempts([status, {}, {}]).values.uniq, status }
  end

  def test_a_late_response_is_retried_where_repetition_is_harmless
    { 'getUser' => 2, 'createUser' => 2, 'signOTP' => 1 }.each do |operation, attempts|
      Stub.open(:wait) do |stub|
        error = assert_raises(NoResponseError) { CALLS[operation].call(stub.client(read_timeout: 0.2, retries: { attempts: 2 })) }
        assert_equal [attempts, true, 0], [stub.requests.size, error.sent, error.status]
      end
    end
  end

  def test_no_connection_is_retried_for_every_operation
    port = Stub.unused_port
    CALLS.each do |operation, call|
      waits = []
      retries = Retries.new(sleep: ->(seconds) { waits << seconds })
      error = assert_raises(NoResponseError) { call.call(Client.new("http://127.0.0.1:#{port}", Envelope.new(Stub::SIGNER), retries: retries)) }
      assert_equal [2, false], [waits.size, error.sent], operation
    end
  end

  def test_success_ends_the_attempts
    Stub.open([503, {}, {}], :hang_up, TIME) do |stub|
      assert_equal 1_763_794_295, stub.client.tools.get_timestamp.timestamp
      assert_equal 3, stub.requests.size
    end
  end

  def test_they_can_be_turned_off_and_up
    [1, 5].each do |attempts|
      Stub.open([503, {}, {}]) do |stub|
        assert_raises(ApiError) { stub.client(retries: { attempts: attempts }).tools.get_timestamp }
        assert_equal attempts, stub.requests.size
      end
    end
    assert_raises(ArgumentError) { Retries.new(attempts: 0) }
  end

  def test_the_attempts_of_a_call_have_the_same_jti_and_another_call_has_another
    [Envelope, Bearer].each do |kind|
      Stub.open([429, {}, {}], TIME) do |stub|
        client = stub.client(kind.new(Stub::SIGNER))
        2.times { client.tools.get_timestamp }
        tokens = stub.requests.map { |request| request.headers['authorization']&.split('.')&.at(1) || JSON.parse(request.body)['payload'] }
        ids = tokens.map { |token| JSON.parse(JWT::Base64.url_decode(token))['jti'] }
        assert_equal 3, ids.compact.size
        assert_equal ids[0], ids[1]
        refute_equal ids[1], ids[2]
      end
    end
  end

  # libcurl itself repeats a request when a connection that it used before is closed.
  def test_a_write_is_not_repeated_when_the_server_ends_a_connection_that_is_open
    Stub.open(TIME, :hang_up) do |stub|
      client = stub.client(retries: { writes: false })
      client.tools.get_timestamp
      assert_raises(NoResponseError) { CALLS['createUser'].call(client) }
      assert_equal 2, stub.requests.size
    end
  end

  def test_the_bound_of_the_wait_doubles_up_to_a_limit
    assert_equal [0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10], waits(retries: { attempts: 8 })
  end

  def test_the_wait_is_random_below_the_bound
    assert_equal [0.05, 0.1], waits(random: 0.25)
  end

  def test_retry_after_is_the_least_wait
    assert_equal [7, 7], waits('7')
    assert_equal [2, 4], waits('1', retries: { backoff: 2 })
  end

  def test_retry_after_is_capped
    assert_equal [60, 60], waits('3600', random: 0)
    assert_equal [5, 5], waits('3600', random: 0, retries: { max_retry_after: 5 })
  end

  def test_retry_after_may_be_a_date
    waits((Time.now + 30).httpdate, random: 0).each { |wait| assert_in_delta 29.5, wait, 1.5 }
  end

  def test_retry_after_that_cannot_be_read_is_none
    [nil, '', 'soon', '-1', '1.5'].each { |text| assert_nil ApiError.new(code: 503, response_headers: { 'Retry-After' => text }).retry_after, text }
    assert_equal 0, ApiError.new(code: 503, response_headers: { 'Retry-After' => 'Sun, 06 Nov 1994 08:49:37 GMT' }).retry_after
    assert_nil ApiError.new(code: 503).retry_after
  end

  private

  # How often each operation is sent to a server that always replies so.
  def attempts(reply, **retries)
    CALLS.transform_values do |call|
      Stub.open(reply) do |stub|
        assert_raises(ApiError) { call.call(stub.client(retries: retries)) }
        stub.requests.size
      end
    end
  end

  def waits(header = nil, random: 1.0, **settings)
    Stub.open([503, { 'Retry-After' => header }.compact, {}]) do |stub|
      assert_raises(ApiError) { stub.client(random: random, **settings).tools.get_timestamp }
      stub.slept
    end
  end
end
