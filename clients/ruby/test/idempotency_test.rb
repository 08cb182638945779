# frozen_string_literal: true

require 'stub'

# A write has one key for all its attempts, so that a server can execute it once. Needs no
# server of its own.
class IdempotencyTest < Minitest::Test
  include BarongManagement

  LABEL = { user_uid: 'ID1', key: 'email', value: 'verified' }.freeze
  DOCUMENT = { key: 'email', value: 'verified', scope: 'private', created_at: '2026-11-22T07:11:35Z', updated_at: '2026-11-22T07:11:35Z' }.freeze
  AGAIN = [201, { 'Idempotent-Replayed' => 'true' }, DOCUMENT].freeze

  # Guards that it is the same request to the server when it is retried.
  def test_a_write_whose_response_is_lost_is_retried_with_the_same_key_and_gets_the_first_response
    [Envelope, Bearer].each do |kind|
      Stub.open(:hang_up, AGAIN) do |stub|
        client = stub.client(kind.new(Stub::SIGNER))
        label, status, headers = client.labels.create_label_with_http_info(CreateLabelParameters.new(LABEL))
        assert_equal ['verified', 201, true], [label.value, status, BarongManagement.replayed?(headers)]
        client.labels.create_label(CreateLabelParameters.new(LABEL))
        first, second, other = keys(stub)
        assert_match(/\A"\h{8}(-\h{4}){3}-\h{12}"\z/, first)
        assert_equal first, second
        refute_equal first, other
      end
    end
  end

  def test_a_first_response_is_not_replayed
    Stub.open([201, {}, DOCUMENT]) do |stub|
      refute BarongManagement.replayed?(stub.client.labels.create_label_with_http_info(CreateLabelParameters.new(LABEL)).last)
    end
  end

  def test_the_caller_may_choose_the_key
    Stub.open([503, {}, {}], AGAIN) do |stub|
      stub.client.labels.create_label(CreateLabelParameters.new(LABEL), header_params: { 'Idempotency-Key' => '"job 7"' })
      assert_equal ['"job 7"'] * 2, keys(stub)
    end
  end

  def test_reads_have_no_key_and_writes_have_one_even_if_they_are_not_retried
    Stub.open([404, {}, {}]) do |stub|
      client = stub.client(retries: { writes: false })
      [
        -> { client.users.get_user(GetUserParameters.new(uid: 'ID1')) }, -> { client.tools.get_timestamp },
        -> { client.otp.sign_otp(SignOTPParameters.new(user_uid: 'ID1', otp_code: '000000')) },
        -> { client.labels.update_label(UpdateLabelParameters.new(LABEL)) }
      ].each { |call| assert_raises(ApiError, &call) }
      assert_equal [false, false, true, true], keys(stub).map { |key| !key.nil? }
    end
  end

  private

  def keys(stub)
    stub.requests.map { |request| request.headers['idempotency-key'] }
  end
end
