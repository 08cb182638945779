# frozen_string_literal: true

require 'stub'

# What an error tells. Needs no server of its own.
class ErrorsTest < Minitest::Test
  include BarongManagement

  PROBLEM = {
    type: 'urn:barong:error:invalid_record', title: 'Unprocessable Entity', status: 422, detail: 'Email is invalid, Password is too weak',
    errors: [
      { pointer: '/email', code: 'email_invalid', detail: 'Email is invalid' },
      { pointer: '/a~1b~0c', code: 'password_too_weak', detail: 'Password is too weak' },
      { pointer: '', code: 'exactly_one', detail: 'exactly one' }
    ],
    request_id: '5f0c'
  }.freeze

  def test_problem_details_name_the_fields
    error = raised(422, { 'Content-Type' => 'application/problem+json', 'X-Request-Id' => '5f0c', 'Retry-After' => '3' }, PROBLEM)
    assert_equal [422, 422, 'invalid_record', '5f0c', 3], [error.status, error.code, error.error_code, error.request_id, error.retry_after]
    assert_equal ['Email is invalid', 'Password is too weak', 'exactly one'], error.messages
    assert_equal [
      Violation.new('email', 'email_invalid', 'Email is invalid'), Violation.new('a/b~c', 'password_too_weak', 'Password is too weak'),
      Violation.new('', 'exactly_one', 'exactly one')
    ], error.violations
    assert_equal 'POST /timestamp: 422 Stub: Email is invalid, Password is too weak, exactly one (request 5f0c)', error.message
  end

  def test_problem_without_fields_has_its_detail
    error = raised(404, {}, { type: 'urn:barong:error:not_found', detail: 'Record is not found', errors: [] })
    assert_equal ['not_found', ['Record is not found'], []], [error.error_code, error.messages, error.violations]
  end

  def test_problem_about_parameters_has_one_message_as_a_plain_error_has
    errors = [{ pointer: '/email', code: 'email_missing', detail: 'email is missing' }, { pointer: '/email', code: 'email_empty', detail: 'email is empty' }]
    error = raised(422, {}, { type: 'urn:barong:error:invalid_parameters', detail: 'email is missing, email is empty', errors: errors })
    assert_equal ['email is missing, email is empty'], error.messages
    assert_equal([%w[email email_missing], %w[email email_empty]], error.violations.map { |each| [each.field, each.code] })
  end

  def test_plain_errors_have_messages_alone
    [[{ error: 'Record is not found' }, ['Record is not found']], [{ error: %w[a b] }, %w[a b]], [['no'], []]].each do |document, messages|
      error = raised(404, {}, document)
      assert_equal [nil, messages, [], nil, nil], [error.error_code, error.messages, error.violations, error.request_id, error.retry_after]
    end
  end

  def test_redirects_are_not_followed
    Stub.open([307, { 'Location' => '/elsewhere' }, {}]) do |stub|
      assert_equal 307, assert_raises(ApiError) { stub.client.tools.get_timestamp }.status
      assert_equal 1, stub.requests.size
    end
  end

  def test_lost_connection_has_a_reason
    error = Stub.open(:hang_up) { |stub| assert_raises(NoResponseError) { stub.client(retries: { attempts: 1 }).tools.get_timestamp } }
    assert_match(%r{\APOST /timestamp: .*nothing}, error.message)
    assert_equal [0, nil, [], nil], [error.status, error.error_code, error.messages, error.retry_after]
  end

  def test_sentences_are_a_list_whatever_was_answered
    {
      '{"error": "Record is not found"}' => ['Record is not found'],
      '{"error": ["Email is invalid", "Password is too weak"]}' => ['Email is invalid', 'Password is too weak'],
      '{"detail": "Record is not found", "errors": []}' => ['Record is not found'],
      '<h1>Bad Gateway</h1>' => ['<h1>Bad Gateway</h1>'], '[]' => ['[]']
    }.each { |body, sentences| assert_equal sentences, ApiError.new(code: 502, response_body: body).sentences }
    assert_equal ['no answer'], ApiError.new(code: 0, message: 'no answer').sentences
  end

  private

  def raised(status, headers, document)
    Stub.open([status, headers, document]) do |stub|
      error = assert_raises(ApiError) { stub.client(retries: { attempts: 1 }).tools.get_timestamp }
      assert_includes stub.requests.first.headers['accept'], 'application/problem+json'
      error
    end
  end
end
