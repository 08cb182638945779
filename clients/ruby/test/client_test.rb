# frozen_string_literal: true

require 'stringio'
require 'stub'

# What is sent beside the parameters, time-outs, logs and pages. Needs no server of its own.
class ClientTest < Minitest::Test
  include BarongManagement

  TIME = [201, { 'X-Request-Id' => '5f0c' }, { timestamp: 1_763_794_295 }].freeze
  USER = { email: 'ada@example.com', role: 'member', level: 0, otp: false, state: 'active', referral_uid: nil, data: nil }.freeze

  def test_the_client_names_itself_and_its_version
    Stub.open(TIME) do |stub|
      stub.client.tools.get_timestamp
      assert_equal "barong-ruby/#{CLIENT_VERSION} Ruby/#{RUBY_VERSION}", stub.requests.first.headers['user-agent']
      assert_match(/\A\d+\.\d+\.\d+/, CLIENT_VERSION)
      assert_equal Gem::Specification.load("#{__dir__}/../barong_management.gemspec").version.to_s, CLIENT_VERSION
    end
  end

  def test_connecting_ends_in_time
    Stub.full_backlog do |port|
      client = Client.new("http://127.0.0.1:#{port}", Envelope.new(Stub::SIGNER), connect_timeout: 0.2, retries: Retries.new(attempts: 1))
      started = Time.now
      error = assert_raises(NoResponseError) { client.tools.get_timestamp }
      assert_includes 0.2..1, Time.now - started
      refute error.sent
    end
  end

  def test_reading_ends_in_time
    Stub.open(:wait) do |stub|
      started = Time.now
      assert_raises(NoResponseError) { stub.client(read_timeout: 0.1, retries: { attempts: 1 }).tools.get_timestamp }
      assert_operator Time.now - started, :<, 1
    end
  end

  def test_each_attempt_is_logged_without_what_is_sent
    written = StringIO.new
    problem = { type: 'urn:barong:error:unavailable', detail: 'a word of the body' }
    Stub.open([503, { 'X-Request-Id' => 'first', 'Connection' => 'close' }, problem], :hang_up, [404, {}, {}], TIME) do |stub|
      client = stub.client(Bearer.new(Stub::SIGNER), logger: Logger.new(written, formatter: ->(severity, _, _, text) { "#{severity} #{text}\n" }))
      assert_raises(ApiError) { client.tools.get_timestamp }
      client.tools.get_timestamp
      assert_equal [
        'WARN POST /timestamp: 503 in N ms, attempt 1, request first',
        'WARN POST /timestamp: no response (Server returned nothing (no headers, no data)) in N ms, attempt 2, request unknown',
        'INFO POST /timestamp: 404 in N ms, attempt 3, request unknown',
        'DEBUG POST /timestamp: 201 in N ms, attempt 1, request 5f0c'
      ], written.string.gsub(/\d+ ms/, 'N ms').lines(chomp: true)
    end
  end

  def test_users_come_from_all_pages_as_they_are_needed
    parameters = ListUsersParameters.new(limit: 1, state: 'active')
    Stub.open(page(1, 3), page(2, 3), page(3, 3)) do |stub|
      users = stub.client(Bearer.new(Stub::SIGNER)).users.list_all(parameters)
      assert_equal 'ID1', users.next.uid
      assert_equal 1, stub.requests.size
      assert_equal %w[ID2 ID3], [users.next.uid, users.next.uid]
      assert_raises(StopIteration) { users.next }
      assert_equal([1, 2, 3].map { |number| [number, 1, 'active'] }, asked(stub).map { |each| each.values_at('page', 'limit', 'state') })
    end
    assert_equal 1, parameters.page
  end

  def test_pages_begin_where_the_parameters_say
    Stub.open(page(2, 3), page(3, 3), page(2, 2)) do |stub|
      found = stub.client(Bearer.new(Stub::SIGNER)).labels.filter_all(FilterUsersByLabelParameters.new(key: 'email', page: 2))
      assert_equal %w[ID2 ID3], found.map(&:uid)
      assert_equal ['ID2'], found.map(&:uid) # from the start again
      assert_equal([[2, 'email'], [3, 'email'], [2, 'email']], asked(stub).map { |each| each.values_at('page', 'key') })
      assert_equal ['POST /api/v2/management/labels/filter/users HTTP/1.1'], stub.requests.map(&:line).uniq
    end
  end

  def test_a_page_is_retried_and_none_comes_twice
    Stub.open(page(1, 2), [503, {}, {}], page(2, 2)) do |stub|
      assert_equal %w[ID1 ID2], stub.client(Bearer.new(Stub::SIGNER)).users.list_all.map(&:uid)
      assert_equal [1, 2, 2], (asked(stub).map { |each| each['page'] })
    end
  end

  private

  def page(number, last)
    link = '</users/list?page=1>; rel="first"'
    link += ", </users/list?page=#{number + 1}>; rel=\"next\"" if number < last
    [201, { 'Link' => link }, [USER.merge(uid: "ID#{number}")]]
  end

  # The parameters of each request.
  def asked(stub)
    stub.requests.map { |request| JSON.parse(request.body) }
  end
end
